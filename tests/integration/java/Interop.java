import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.compression.CompressionType;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * The official client, first as the sender of messages of every kind, then as the consumer of those
 * that someone else has sent. It prints a line for each, words with a bar between; texts are in
 * base64, bodies are a length and a hash.
 *
 * <p>Arguments: name server, topic to send to, transaction group, topic to consume, number of
 * messages there.
 */
public final class Interop {
    private static final long PATIENCE_MS = 60_000;

    private final String nameServer;
    private final String topic;

    private Interop(String nameServer, String topic) {
        this.nameServer = nameServer;
        this.topic = topic;
    }

    public static void main(String[] args) throws Exception {
        Interop interop = new Interop(args[0], args[1]);
        interop.produce(args[2]);
        interop.consume(args[3], Integer.parseInt(args[4]));
        System.out.println("done");
        System.exit(0);
    }

    private static synchronized void print(Object... words) {
        List<String> texts = new ArrayList<>();
        for (Object word : words) {
            texts.add(String.valueOf(word));
        }
        System.out.println(String.join("|", texts));
    }

    private static String base64(String text) {
        return text == null ? "" : Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String sha256(byte[] bytes) throws Exception {
        StringBuilder hex = new StringBuilder();
        for (byte part : MessageDigest.getInstance("SHA-256").digest(bytes)) {
            hex.append(String.format("%02x", part));
        }
        return hex.toString();
    }

    private Message message(String key, int length) {
        StringBuilder body = new StringBuilder(key);
        while (body.length() < length) {
            body.append(" größer 中文 🦕 ").append(body.length());
        }
        Message message = new Message(topic, "Тег", key + " ключ", body.toString().getBytes(StandardCharsets.UTF_8));
        message.putUserProperty("имя", "значение 🦕 " + key);
        message.setFlag(key.length());
        return message;
    }

    private void sent(String key, Message message, SendResult result) throws Exception {
        byte[] body = message.getBody();
        print("sent", key, result.getMsgId(), body.length, sha256(body), message.getFlag(), base64(message.getKeys()),
            base64(message.getTags()), base64(message.getUserProperty("имя")));
    }

    private void produce(String group) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(group);
        producer.setNamesrvAddr(nameServer);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return (LocalTransactionState) argument;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return LocalTransactionState.UNKNOW;
            }
        });
        producer.start();
        Message small = message("small", 0);
        sent("small", small, producer.send(small));
        for (CompressionType type : CompressionType.values()) {
            producer.setCompressType(type);
            Message plain = message("plain-" + type, 10_000);
            sent("plain-" + type, plain, producer.send(plain));
            for (LocalTransactionState state : new LocalTransactionState[] {
                LocalTransactionState.COMMIT_MESSAGE, LocalTransactionState.UNKNOW}) {
                String key = state + "-" + type;
                Message half = message(key, 10_000);
                sent(key, half, producer.sendMessageInTransaction(half, state));
            }
        }
        Message level = message("level", 0);
        level.setDelayTimeLevel(1);
        sent("level", level, producer.send(level));
        Message timer = message("timer", 5_000);
        timer.setDelayTimeMs(1_000);
        sent("timer", timer, producer.send(timer));

        List<Message> batch = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            batch.add(message("batch-" + i, 5_000 * i));
        }
        String[] ids = producer.send(batch).getMsgId().split(",");
        for (int i = 0; i < 3; i++) {
            Message one = batch.get(i);
            print("sent", "batch-" + i, ids[i], one.getBody().length, sha256(one.getBody()), one.getFlag(),
                base64(one.getKeys()), base64(one.getTags()), base64(one.getUserProperty("имя")));
        }
        gather(producer);
        Message question = message("question", 10_000);
        MessageExt reply = (MessageExt) producer.request(question, PATIENCE_MS);
        print("reply", reply.getBody().length, sha256(reply.getBody()));
        producer.shutdown();
    }

    private void gather(TransactionMQProducer producer) throws Exception {
        producer.setAutoBatch(true);
        CountDownLatch answers = new CountDownLatch(3);
        for (int i = 0; i < 3; i++) {
            String key = "gathered-" + i;
            Message message = message(key, 2_000 * i);
            producer.send(message, new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    try {
                        sent(key, message, result);
                    } catch (Exception cause) {
                        print("failed", key, cause);
                    }
                    answers.countDown();
                }

                @Override
                public void onException(Throwable cause) {
                    print("failed", key, cause);
                    answers.countDown();
                }
            });
        }
        answers.await(PATIENCE_MS, TimeUnit.MILLISECONDS);
        producer.setAutoBatch(false);
    }

    private void consume(String consumed, int count) throws Exception {
        TransactionMQProducer replier = new TransactionMQProducer("interop_replier");
        replier.setNamesrvAddr(nameServer);
        replier.start();
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer("interop_consumer");
        consumer.setNamesrvAddr(nameServer);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(consumed, "*");
        consumer.start();
        print("consuming");
        Set<String> seen = new HashSet<>();
        long deadline = System.currentTimeMillis() + PATIENCE_MS;
        while (seen.size() < count && System.currentTimeMillis() < deadline) {
            for (MessageExt message : consumer.poll(500)) {
                seen.add(message.getMsgId());
                print("got", message.getMsgId(), message.getBody().length, sha256(message.getBody()),
                    message.getFlag(), message.getQueueId(), message.getQueueOffset(), base64(message.getKeys()),
                    base64(message.getTags()), message.getBornTimestamp(),
                    base64(MessageDecoder.messageProperties2String(message.getProperties())));
                if ("question".equals(message.getKeys())) {
                    replier.send(MessageUtil.createReplyMessage(message, message.getBody()));
                }
            }
        }
        consumer.shutdown();
        replier.shutdown();
    }
}
