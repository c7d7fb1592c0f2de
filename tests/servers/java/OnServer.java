import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * The official client on a server. Usage: NAME_SERVERS PART TOPIC [ID], where PART is
 *
 * transactions  100 transactions with mixed verdicts, two of five of them by check-back
 * leave         one transaction is committed, one is left without a verdict, and the process is halted
 * settle        a producer of the same group that answers check-backs until it was asked about ID
 * facts         what servers do in different ways
 */
public final class OnServer {
    private static final long PATIENCE_MS = 60_000;

    private final String nameServer;
    private final String topic;
    private final Set<String> asked = ConcurrentHashMap.newKeySet();

    private OnServer(String nameServer, String topic) {
        this.nameServer = nameServer;
        this.topic = topic;
    }

    public static void main(String[] args) throws Exception {
        OnServer program = new OnServer(args[0], args[2]);
        switch (args[1]) {
            case "transactions":
                program.transactions();
                break;
            case "leave":
                program.leave();
                break;
            case "settle":
                program.settle(args[3]);
                break;
            default:
                program.facts();
        }
        print("done");
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    private static synchronized void print(String... words) {
        System.out.println(String.join("|", words));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The argument of a send is its local verdict; its tag answers check-backs. */
    private TransactionMQProducer start() throws Exception {
        TransactionMQProducer producer =
            new TransactionMQProducer(topic + "-group", Collections.singletonList(topic));
        producer.setNamesrvAddr(nameServer);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return (LocalTransactionState) argument;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                asked.add(message.getTransactionId());
                return verdictOf(message.getTags());
            }
        });
        producer.start();
        return producer;
    }

    private static LocalTransactionState verdictOf(String tag) {
        return "commit".equals(tag)
            ? LocalTransactionState.COMMIT_MESSAGE
            : LocalTransactionState.ROLLBACK_MESSAGE;
    }

    private void send(TransactionMQProducer producer, String tag, boolean isOpen) throws Exception {
        LocalTransactionState state = isOpen ? LocalTransactionState.UNKNOW : verdictOf(tag);
        TransactionSendResult sent =
            producer.sendMessageInTransaction(new Message(topic, tag, bytes(tag)), state);
        print("sent", sent.getTransactionId(), tag);
    }

    private void untilAsked(BooleanSupplier isOver) throws InterruptedException {
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (!isOver.getAsBoolean() && System.currentTimeMillis() < deadline) {
            Thread.sleep(100);
        }
        Thread.sleep(1_000); // END_TRANSACTION is sent one-way
        print("asked", String.valueOf(asked.size()));
    }

    private void transactions() throws Exception {
        TransactionMQProducer producer = start();
        for (int i = 0; i < 100; i++) {
            send(producer, i % 3 == 0 ? "rollback" : "commit", i % 5 < 2);
        }
        untilAsked(() -> asked.size() >= 40);
    }

    private void leave() throws Exception {
        TransactionMQProducer producer = start();
        send(producer, "commit", false);
        send(producer, "commit", true);
        Thread.sleep(500); // END_TRANSACTION is sent one-way
    }

    private void settle(String open) throws Exception {
        start();
        untilAsked(() -> asked.contains(open));
    }

    private void facts() throws Exception {
        TransactionMQProducer producer = start();
        for (int i = 0; i < 20; i++) {
            producer.send(new Message(topic, "t", "k" + i, bytes("single")));
        }
        producer.send(Arrays.asList(
            new Message(topic, "t", "b1", bytes("one")),
            new Message(topic, "t", "b2", bytes("two"))));
        print("fact", "ids of the two messages of a batch", String.valueOf(idsOfBatch().size()));

        Set<String> outcomes = new TreeSet<>();
        for (int i = 0; i < 20; i++) {
            SendResult sent = producer.send(new Message(topic, "t", "n" + i, bytes("new")));
            outcomes.add(lookUp(producer, "k" + i) + " (" + sent.getSendStatus() + " before)");
        }
        print("fact", "look-ups of old messages while new ones come", outcomes.toString());
        Thread.sleep(5_000);
        print("fact", "look-up of an old message after a rest", lookUp(producer, "k0"));
    }

    private String lookUp(TransactionMQProducer producer, String key) throws Exception {
        try {
            QueryResult found =
                producer.queryMessage(topic, key, 10, 0, System.currentTimeMillis() + 60_000);
            return "found " + found.getMessageList().size();
        } catch (MQClientException error) {
            return "code " + error.getResponseCode() + " " + error.getErrorMessage();
        }
    }

    @SuppressWarnings("deprecation")
    private Set<String> idsOfBatch() throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(topic + "-consumer");
        consumer.setNamesrvAddr(nameServer);
        consumer.start();
        Set<String> ids = new TreeSet<>(), keys = new TreeSet<>();
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (keys.size() < 2 && System.currentTimeMillis() < deadline) {
            for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
                PullResult result = consumer.pull(queue, "*", consumer.minOffset(queue), 32);
                if (result.getMsgFoundList() == null) {
                    continue;
                }
                for (MessageExt message : result.getMsgFoundList()) {
                    if (message.getKeys().startsWith("b")) {
                        ids.add(message.getMsgId());
                        keys.add(message.getKeys());
                    }
                }
            }
        }
        consumer.shutdown();
        return ids;
    }
}
