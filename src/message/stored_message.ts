import { ByteReader } from "./byte_reader.ts";
import { formatSocketAddress, isPort } from "./ip_address.ts";
import { type DecodeLimits, readLimit } from "./limits.ts";
import { decodeProperties } from "./properties.ts";
import { SysFlag } from "./sys_flag.ts";

/**
 * A message in the form in which brokers keep it and send it to consumers and in check-backs, field
 * by field. {@linkcode openStoredMessage} makes a {@linkcode MessageExt} of it.
 */
export interface StoredMessage {
  /** Form of the record: 1, or 2 where the length of the topic has two bytes. */
  version: 1 | 2;
  /** Size in bytes, as the record says itself. */
  storeSize: number;
  /** Checksum of `body`: see {@linkcode crc32}. */
  bodyCrc: number;
  /** Number of the queue within its broker. */
  queueId: number;
  /** The application's own number, int32. */
  flag: number;
  /** Position in the queue, counted in messages. */
  queueOffset: bigint;
  /** Position in the broker's commit log, in bytes. */
  commitLogOffset: bigint;
  /** Compression, transaction state and address kinds; see {@linkcode SysFlag}. */
  sysFlag: number;
  /** When the producer made it, in milliseconds since 1970 by the producer's clock. */
  bornTimestamp: number;
  /** Address of the producer, `host:port`; an IPv6 host is in brackets. */
  bornHost: string;
  /** When the broker stored it, in milliseconds since 1970 by the broker's clock. */
  storeTimestamp: number;
  /** Address of the broker that stored it, `host:port`; an IPv6 host is in brackets. */
  storeHost: string;
  /** How often consumers have given it back. */
  reconsumeTimes: number;
  /** Of a committed message: position of its half message in the commit log, in bytes. */
  preparedTransactionOffset: bigint;
  /** The body as stored, perhaps compressed: a view into the input. */
  body: Uint8Array;
  /** Name of the topic. */
  topic: string;
  /** All properties. */
  properties: Record<string, string>;
}

/** Second word of a record whose topic length has one byte. */
export const MAGIC_V1 = 0xdaa320a7 | 0;

/** Second word of a record whose topic length has two bytes. */
export const MAGIC_V2 = 0xdaa320ab | 0;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Decodes stored messages that follow each other, such as the body of a pull response. Like the Java
 * library it goes by the fields: the size that a record states of itself is reported, not used.
 *
 * @throws {MessageDecodeError} when a record is cut off, a field has a length that does not fit, or
 * there are more messages than `limits` allow.
 */
export function decodeStoredMessages(
  bytes: Uint8Array,
  limits: DecodeLimits = {},
): StoredMessage[] {
  const maxMessages = readLimit(limits, "maxMessages");
  const reader = new ByteReader(bytes, "stored messages");
  const messages: StoredMessage[] = [];
  while (!reader.done) {
    if (messages.length === maxMessages) {
      throw reader.fail(`there are more than ${maxMessages}`, reader.offset, maxMessages);
    }
    messages.push(readStoredMessage(reader));
  }
  return messages;
}

/**
 * Decodes exactly one stored message, such as the body of a check-back: nothing may stand before or
 * behind it, and it has to state its own size rightly.
 *
 * @throws {MessageDecodeError} when the bytes are anything else.
 */
export function decodeStoredMessage(bytes: Uint8Array): StoredMessage {
  const reader = new ByteReader(bytes, "stored message");
  const message = readStoredMessage(reader);
  if (!reader.done) {
    throw reader.fail(
      `${bytes.length - reader.offset} bytes follow behind its end`,
      reader.offset,
    );
  }
  if (message.storeSize !== bytes.length) {
    throw reader.fail(
      `it states a size of ${message.storeSize} bytes and has ${bytes.length}`,
      0,
      bytes.length,
    );
  }
  return message;
}

function readStoredMessage(reader: ByteReader): StoredMessage {
  const storeSize = reader.int32("total size");
  const version = readVersion(reader);
  const bodyCrc = reader.int32("body CRC");
  const queueId = reader.int32("queue id");
  const flag = reader.int32("flag");
  const queueOffset = reader.int64("queue offset");
  const commitLogOffset = reader.int64("commit log offset");
  const sysFlag = reader.int32("system flag");
  const bornTimestamp = Number(reader.int64("born timestamp"));
  const bornHost = readHost(reader, (sysFlag & SysFlag.BornHostV6) !== 0, "born host");
  const storeTimestamp = Number(reader.int64("store timestamp"));
  const storeHost = readHost(reader, (sysFlag & SysFlag.StoreHostV6) !== 0, "store host");
  const reconsumeTimes = reader.int32("reconsume times");
  const preparedTransactionOffset = reader.int64("prepared transaction offset");
  const body = reader.bytes(reader.int32("body length"), "body");
  const topic = readTopic(reader, version);
  const properties = reader.bytes(reader.int16("properties length"), "properties");
  return {
    version,
    storeSize,
    bodyCrc,
    queueId,
    flag,
    queueOffset,
    commitLogOffset,
    sysFlag,
    bornTimestamp,
    bornHost,
    storeTimestamp,
    storeHost,
    reconsumeTimes,
    preparedTransactionOffset,
    body,
    topic,
    properties: decodeProperties(utf8.decode(properties)),
  };
}

function readVersion(reader: ByteReader): 1 | 2 {
  const at = reader.offset, magic = reader.int32("magic code");
  if (magic === MAGIC_V1) return 1;
  if (magic === MAGIC_V2) return 2;
  throw reader.fail(
    `the magic code is 0x${(magic >>> 0).toString(16)}, not 0xdaa320a7 or 0xdaa320ab`,
    at,
  );
}

function readHost(reader: ByteReader, isIpv6: boolean, field: string): string {
  const ip = reader.bytes(isIpv6 ? 16 : 4, field);
  const at = reader.offset, port = reader.int32(`port of ${field}`);
  if (!isPort(port)) throw reader.fail(`port ${port} of ${field} is not 0 to 65535`, at);
  return formatSocketAddress(ip, port);
}

function readTopic(reader: ByteReader, version: 1 | 2): string {
  const at = reader.offset;
  const length = version === 1 ? reader.uint8("topic length") : reader.int16("topic length");
  if (length === 0) throw reader.fail("the topic is empty", at);
  if (version === 1 && length > 127) {
    throw reader.fail(`a topic of ${length} bytes does not fit this form of record`, at, 127);
  }
  return utf8.decode(reader.bytes(length, "topic"));
}
