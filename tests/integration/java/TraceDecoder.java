import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.client.trace.TraceBean;
import org.apache.rocketmq.client.trace.TraceContext;
import org.apache.rocketmq.client.trace.TraceDataEncoder;

/**
 * Reads message traces with the decoder of the official client, from a file with one base64 body in
 * each line, and prints a line for each trace, words with a bar between.
 */
public final class TraceDecoder {
    private TraceDecoder() {
    }

    public static void main(String[] args) throws Exception {
        for (String line : Files.readAllLines(Paths.get(args[0]))) {
            byte[] body = java.util.Base64.getDecoder().decode(line);
            String data = new String(body, StandardCharsets.UTF_8);
            for (TraceContext context : TraceDataEncoder.decoderFromTraceDataString(data)) {
                print(context, context.getTraceBeans().get(0));
            }
        }
    }

    private static void print(TraceContext context, TraceBean bean) {
        List<String> words = new ArrayList<>();
        words.add("trace");
        words.add(String.valueOf(context.getTraceType()));
        words.add(String.valueOf(context.getTimeStamp()));
        words.add(context.getRegionId());
        words.add(context.getGroupName());
        words.add(bean.getTopic());
        words.add(bean.getMsgId());
        words.add(bean.getTags());
        words.add(bean.getKeys());
        words.add(bean.getOffsetMsgId());
        words.add(String.valueOf(bean.getBodyLength()));
        words.add(String.valueOf(bean.getMsgType()));
        words.add(String.valueOf(context.isSuccess()));
        words.add(String.valueOf(bean.getTransactionId()));
        words.add(String.valueOf(bean.getTransactionState()));
        words.add(String.valueOf(bean.isFromTransactionCheck()));
        words.add(bean.getMsgType() == null ? "" : bean.getStoreHost());
        System.out.println(String.join("|", words));
    }
}
