import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * A member of a producer group that leaves what it sends undecided, and answers check-backs, also for
 * other members, by the tag of the message. It ends when it has heard of no new transaction for a while.
 */
public final class GroupMember {
    private static final long QUIET_MS = 15_000;

    private static volatile long lastNews = System.currentTimeMillis();

    public static void main(String[] args) throws Exception {
        String nameServer = args[0], topic = args[1], group = args[2];
        Set<String> asked = ConcurrentHashMap.newKeySet();
        TransactionMQProducer producer = new TransactionMQProducer(group);
        producer.setNamesrvAddr(nameServer);
        producer.setInstanceName("java-member");
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object arg) {
                return LocalTransactionState.UNKNOW;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                if (asked.add(message.getTransactionId())) {
                    lastNews = System.currentTimeMillis();
                    print("check|" + message.getTransactionId());
                }
                return "commit".equals(message.getTags())
                    ? LocalTransactionState.COMMIT_MESSAGE
                    : LocalTransactionState.ROLLBACK_MESSAGE;
            }
        });
        producer.start();
        for (int i = 0; i < Integer.parseInt(args[3]); i++) {
            String tag = i % 2 == 0 ? "commit" : "rollback";
            byte[] body = ("java " + i).getBytes(StandardCharsets.UTF_8);
            TransactionSendResult result =
                producer.sendMessageInTransaction(new Message(topic, tag, body), null);
            print("sent|" + result.getTransactionId() + "|" + tag);
        }
        while (System.currentTimeMillis() < lastNews + QUIET_MS) {
            Thread.sleep(100);
        }
        producer.shutdown();
        print("done");
        System.exit(0);
    }

    private static synchronized void print(String line) {
        System.out.println(line);
    }
}
