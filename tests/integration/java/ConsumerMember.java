import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * A member of a consumer group that tells of each message it handles. It ends when none has come for a
 * while.
 */
public final class ConsumerMember {
    private static final long QUIET_MS = 12_000;

    private static volatile long lastNews = System.currentTimeMillis();

    public static void main(String[] args) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(args[2]);
        consumer.setNamesrvAddr(args[0]);
        consumer.setInstanceName("java-member");
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(args[1], "*");
        long handlerTime = Long.parseLong(args[4]);
        if (args[3].equals("orderly")) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                handle(messages, handlerTime);
                return ConsumeOrderlyStatus.SUCCESS;
            });
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                handle(messages, handlerTime);
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        }
        consumer.start();
        while (System.currentTimeMillis() < lastNews + QUIET_MS) {
            Thread.sleep(100);
        }
        consumer.shutdown();
        print("done");
        System.exit(0);
    }

    private static void handle(List<MessageExt> messages, long handlerTime) {
        for (MessageExt message : messages) {
            lastNews = System.currentTimeMillis();
            print("got|" + new String(message.getBody(), StandardCharsets.UTF_8));
            try {
                Thread.sleep(handlerTime);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static synchronized void print(String line) {
        System.out.println(line);
    }
}
