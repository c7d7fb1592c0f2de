import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * The official client at work on whatever cluster it is pointed at. It prints a line for all that
 * happens to it, words with a bar between; whoever started it compares them.
 */
public final class OfficialClient {
    private static final long PATIENCE_MS = 60_000;

    private final String nameServer;
    private final String topic;
    private final Set<String> seen = ConcurrentHashMap.newKeySet();

    private OfficialClient(String nameServer, String topic) {
        this.nameServer = nameServer;
        this.topic = topic;
    }

    public static void main(String[] args) throws Exception {
        OfficialClient client = new OfficialClient(args[0], args[1]);
        client.produce();
        client.consumeLite();
        client.consumePush();
        client.consumePull();
        print("done");
        System.exit(0);
    }

    private static synchronized void print(Object... words) {
        List<String> texts = new ArrayList<>();
        for (Object word : words) {
            texts.add(String.valueOf(word));
        }
        System.out.println(String.join("|", texts));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(MessageExt message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    /** The key of a message says what becomes of it: first the local verdict, then the answers to checks. */
    private final TransactionListener listener = new TransactionListener() {
        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            return verdict(message.getKeys().split("-")[0]);
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            String times = message.getProperty("TRANSACTION_CHECK_TIMES");
            print("check", message.getKeys(), times, message.getTopic(), message.getTransactionId());
            return verdict(message.getKeys().split("-")[Integer.parseInt(times)]);
        }
    };

    private static LocalTransactionState verdict(String word) {
        switch (word) {
            case "commit":
                return LocalTransactionState.COMMIT_MESSAGE;
            case "rollback":
                return LocalTransactionState.ROLLBACK_MESSAGE;
            default:
                return LocalTransactionState.UNKNOW;
        }
    }

    private void produce() throws Exception {
        TransactionMQProducer producer =
            new TransactionMQProducer("official_producer", Collections.singletonList(topic));
        producer.setNamesrvAddr(nameServer);
        producer.setTransactionListener(listener);
        producer.setCompressMsgBodyOverHowmuch(1024);
        producer.start();
        String[] keys = {"commit", "rollback", "unknown-commit", "unknown-rollback", "unknown-unknown-commit"};
        for (String key : keys) {
            TransactionSendResult result =
                producer.sendMessageInTransaction(new Message(topic, "tagA", key, bytes("body of " + key)), null);
            print("half", key, result.getSendStatus(), result.getLocalTransactionState(), result.getTransactionId());
        }
        SendResult single = producer.send(new Message(topic, "tagB", "single", bytes("body of single")));
        print("send", "single", single.getSendStatus(), single.getMessageQueue().getTopic());
        char[] large = new char[5000];
        Arrays.fill(large, 'x');
        print("send", "large", producer.send(new Message(topic, "tagB", "large", bytes(new String(large)))).getSendStatus());
        List<Message> batch = new ArrayList<>();
        batch.add(new Message(topic, "tagC", "batch1", bytes("body of batch1")));
        batch.add(new Message(topic, "tagC", "batch2", bytes("body of batch2")));
        print("send", "batch", producer.send(batch).getSendStatus());
        producer.sendOneway(new Message(topic, "tagD", "oneway", bytes("body of oneway")));
        CountDownLatch sent = new CountDownLatch(1);
        producer.send(new Message(topic, "tagD", "async", bytes("body of async")),
            new org.apache.rocketmq.client.producer.SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    print("send", "async", result.getSendStatus());
                    sent.countDown();
                }

                @Override
                public void onException(Throwable cause) {
                    print("send", "async", cause);
                    sent.countDown();
                }
            });
        sent.await(PATIENCE_MS, TimeUnit.MILLISECONDS);
        QueryResult found = producer.queryMessage(topic, "single", 10, 0, System.currentTimeMillis() + 60_000);
        print("query", found.getMessageList().size(), found.getMessageList().get(0).getKeys());
        print("view", producer.viewMessage(topic, single.getOffsetMsgId()).getKeys());
        producer.createTopic("TBW102", topic + "_made", 3, null);
        print("queues", producer.fetchPublishMessageQueues(topic + "_made").size());
        this.producer = producer;
    }

    private TransactionMQProducer producer;

    /** Stays until all visible messages came; the check-backs happen meanwhile. */
    private void consumeLite() throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer("official_lite");
        consumer.setNamesrvAddr(nameServer);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.start();
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (seen.size() < 9 && System.currentTimeMillis() < deadline) {
            for (MessageExt message : consumer.poll(1000)) {
                String body = text(message);
                seen.add(message.getKeys());
                print("lite", message.getKeys(), message.getTags(), body.length() < 100 ? body : body.length(),
                    message.getMsgId().equals(message.getTransactionId()) || message.getTransactionId() == null);
            }
        }
        consumer.commitSync();
        consumer.shutdown();
        producer.shutdown();
    }

    private void consumePush() throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("official_push");
        consumer.setNamesrvAddr(nameServer);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "tagB || tagC");
        CountDownLatch awaited = new CountDownLatch(4);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                print("push", message.getKeys(), message.getTags());
                awaited.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        awaited.await(PATIENCE_MS, TimeUnit.MILLISECONDS);
        consumer.shutdown();
    }

    @SuppressWarnings("deprecation")
    private void consumePull() throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("official_pull");
        consumer.setNamesrvAddr(nameServer);
        consumer.start();
        int count = 0;
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
            PullResult result = consumer.pull(queue, "*", consumer.minOffset(queue), 32);
            print("pull", queue.getQueueId(), result.getPullStatus(),
                result.getNextBeginOffset() == consumer.maxOffset(queue));
            count += result.getMsgFoundList() == null ? 0 : result.getMsgFoundList().size();
        }
        print("pulled", count);
        consumer.shutdown();
    }
}
