import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageId;
import org.apache.rocketmq.remoting.protocol.LanguageCode;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.SerializeType;

/**
 * The official library as a calculator: it encodes, signs and decodes what it finds in a file, a line
 * for each case, and writes a line for each answer. It judges nothing.
 *
 * <p>Words have a bar between them. Bytes are base64; texts are base64 of UTF-16, so that halves of
 * surrogate pairs can travel, too; null is a minus. A map is {@code name:value,name:value}.
 *
 * <p>Arguments: file of cases, file of answers.
 */
public final class Differential {
    private static final Base64.Encoder ENCODER = Base64.getEncoder();
    private static final Base64.Decoder DECODER = Base64.getDecoder();

    private Differential() {
    }

    public static void main(String[] args) throws Exception {
        try (BufferedReader cases = Files.newBufferedReader(Paths.get(args[0]));
            BufferedWriter answers = Files.newBufferedWriter(Paths.get(args[1]))) {
            for (String line = cases.readLine(); line != null; line = cases.readLine()) {
                answers.write(String.join("|", answer(line.split("\\|", -1))));
                answers.newLine();
            }
        }
        System.out.println("done");
    }

    private static String[] answer(String[] words) throws Exception {
        switch (words[0]) {
            case "command":
                return command(words);
            case "signature":
                return signature(words);
            case "properties":
                return properties(words);
            case "batch":
                return batch(words);
            case "id":
                return messageId(words);
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    /** Words: code, language, version, opaque, flag, remark, fields, body, a frame of each form. */
    private static String[] command(String[] words) throws Exception {
        List<String> answer = new ArrayList<>();
        for (SerializeType type : new SerializeType[] {SerializeType.JSON, SerializeType.ROCKETMQ}) {
            RemotingCommand command = request(words[1], words[7], words[8]);
            command.setLanguage(LanguageCode.valueOf(Byte.parseByte(words[2])));
            command.setVersion(Integer.parseInt(words[3]));
            command.setOpaque(Integer.parseInt(words[4]));
            command.setFlag(Integer.parseInt(words[5]));
            command.setRemark(text(words[6]));
            answer.add(frame(command, type));
        }
        for (int at = 9; at <= 10; at++) {
            answer.add(words[at].equals("-") ? "-" : decoded(DECODER.decode(words[at])));
        }
        return answer.toArray(new String[0]);
    }

    private static RemotingCommand request(String code, String fields, String body) {
        RemotingCommand command = RemotingCommand.createRequestCommand(Integer.parseInt(code), null);
        for (Map.Entry<String, String> field : map(fields).entrySet()) {
            command.addExtField(field.getKey(), field.getValue());
        }
        byte[] bytes = DECODER.decode(body);
        if (bytes.length > 0) {
            command.setBody(bytes);
        }
        return command;
    }

    /** The bytes that the library writes to a connection. */
    private static String frame(RemotingCommand command, SerializeType type) {
        command.setSerializeTypeCurrentRPC(type);
        ByteBuf buffer = Unpooled.buffer();
        command.fastEncodeHeader(buffer);
        if (command.getBody() != null) {
            buffer.writeBytes(command.getBody());
        }
        return ENCODER.encodeToString(ByteBufUtil.getBytes(buffer));
    }

    /** What the library reads from a frame, whose length field it is not given; or why it can't. */
    private static String decoded(byte[] frame) {
        RemotingCommand command;
        try {
            command = RemotingCommand.decode(ByteBuffer.wrap(frame, 4, frame.length - 4).slice());
        } catch (Exception exception) {
            return "refused: " + String.valueOf(exception).replaceAll("[|\\s]+", " ");
        }
        Map<String, String> fields = command.getExtFields();
        return String.join(";", String.valueOf(command.getCode()), String.valueOf(command.getLanguage().getCode()),
            String.valueOf(command.getVersion()), String.valueOf(command.getOpaque()),
            String.valueOf(command.getFlag()), word(command.getRemark()),
            fields == null ? "" : words(new TreeMap<>(fields)), bytes(command.getBody()),
            command.getSerializeTypeCurrentRPC().name());
    }

    /** Words: access key, secret key, token, code, fields, body. */
    private static String[] signature(String[] words) {
        RemotingCommand command = request(words[4], words[5], words[6]);
        command.setLanguage(LanguageCode.OTHER);
        command.setVersion(475);
        command.setOpaque(1);
        SessionCredentials credentials = new SessionCredentials(text(words[1]), text(words[2]));
        credentials.setSecurityToken(text(words[3]));
        new AclClientRPCHook(credentials).doBeforeRequest("127.0.0.1:10911", command);
        String fields = words(new TreeMap<>(command.getExtFields()));
        return new String[] {fields, frame(command, SerializeType.JSON), frame(command, SerializeType.ROCKETMQ)};
    }

    /** Words: properties, and a text of them. */
    private static String[] properties(String[] words) {
        String encoded = MessageDecoder.messageProperties2String(map(words[1]));
        return new String[] {word(encoded), words(new TreeMap<>(MessageDecoder.string2messageProperties(text(words[2]))))};
    }

    /** Words: messages with a hash sign between them, each with flag, properties and body; an encoded batch. */
    private static String[] batch(String[] words) throws Exception {
        List<Message> messages = new ArrayList<>();
        for (String described : words[1].split("#", -1)) {
            String[] parts = described.split(";", -1);
            Message message = new Message("Topic", DECODER.decode(parts[2]));
            message.setFlag(Integer.parseInt(parts[0]));
            MessageAccessor.setProperties(message, map(parts[1]));
            messages.add(message);
        }
        StringBuilder read = new StringBuilder();
        for (Message message : MessageDecoder.decodeMessages(ByteBuffer.wrap(DECODER.decode(words[2])))) {
            read.append(read.length() == 0 ? "" : "#").append(message.getFlag()).append(';')
                .append(words(new TreeMap<>(message.getProperties()))).append(';')
                .append(bytes(message.getBody()));
        }
        return new String[] {bytes(MessageDecoder.encodeMessages(messages)), read.toString()};
    }

    /** Words: the bytes of an address, port, offset, and an id. */
    private static String[] messageId(String[] words) throws Exception {
        InetAddress address = InetAddress.getByAddress(DECODER.decode(words[1]));
        InetSocketAddress socket = new InetSocketAddress(address, Integer.parseInt(words[2]));
        MessageId read = MessageDecoder.decodeMessageId(words[4]);
        InetSocketAddress host = (InetSocketAddress) read.getAddress();
        return new String[] {MessageDecoder.createMessageId(socket, Long.parseLong(words[3])),
            bytes(host.getAddress().getAddress()), String.valueOf(host.getPort()), String.valueOf(read.getOffset())};
    }

    /** Half of a surrogate pair alone is kept, as the text is not decoded. */
    private static String text(String word) {
        return word.equals("-") ? null : ByteBuffer.wrap(DECODER.decode(word)).asCharBuffer().toString();
    }

    private static String word(String text) {
        if (text == null) {
            return "-";
        }
        ByteBuffer bytes = ByteBuffer.allocate(2 * text.length());
        for (char unit : text.toCharArray()) {
            bytes.putChar(unit);
        }
        return ENCODER.encodeToString(bytes.array());
    }

    private static String bytes(byte[] bytes) {
        return bytes == null ? "" : ENCODER.encodeToString(bytes);
    }

    private static Map<String, String> map(String word) {
        Map<String, String> map = new LinkedHashMap<>();
        if (!word.isEmpty()) {
            for (String pair : word.split(",", -1)) {
                String[] parts = pair.split(":", -1);
                map.put(text(parts[0]), text(parts[1]));
            }
        }
        return map;
    }

    private static String words(Map<String, String> map) {
        List<String> pairs = new ArrayList<>();
        for (Map.Entry<String, String> entry : map.entrySet()) {
            pairs.add(word(entry.getKey()) + ":" + word(entry.getValue()));
        }
        return String.join(",", pairs);
    }
}
