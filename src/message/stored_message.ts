import { MessageDecodeError, printable } from "../errors.ts";
import { decompress } from "./compression/compression.ts";
import { crc32 } from "./compression/node_zlib.ts";
import { formatSocketAddress, isPort, parseSocketAddress } from "./ids.ts";
import { type DecodeLimits, readLimit } from "./limits.ts";
import type { MessageExt } from "./message.ts";
import { offsetMessageIdOf } from "./ids.ts";
import { splitKeys } from "./message_properties.ts";
import { decodeProperties, MessageProperty } from "./properties.ts";
import { compressionTypeOf, SysFlag } from "./sys_flag.ts";

/** Reads big-endian fields one after another, and never beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Name of the input, for errors. */
  readonly #what: string;
  #offset = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  /** Returns the position of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  /** Reports whether every byte was read. */
  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  uint8(field: string): number {
    return this.#view.getUint8(this.#advance(1, field));
  }

  int16(field: string): number {
    return this.#view.getInt16(this.#advance(2, field));
  }

  int32(field: string): number {
    return this.#view.getInt32(this.#advance(4, field));
  }

  int64(field: string): bigint {
    return this.#view.getBigInt64(this.#advance(8, field));
  }

  /** Returns the next `length` bytes, as a view. */
  bytes(length: number, field: string): Uint8Array {
    const start = this.#advance(length, field);
    return this.#bytes.subarray(start, start + length);
  }

  /** Returns an error about the bytes at `offset`. */
  fail(reason: string, offset: number, limit?: number): MessageDecodeError {
    return new MessageDecodeError(`Cannot decode ${this.#what}: ${reason}`, { offset, limit });
  }

  #advance(length: number, field: string): number {
    const start = this.#offset, left = this.#bytes.length - start;
    if (length < 0 || length > left) {
      throw this.fail(`${field} has ${length} bytes, ${left} are left`, start, left);
    }
    this.#offset = start + length;
    return start;
  }
}

/**
 * A message, field by field, in the form in which brokers keep it and send it to consumers and in
 * check-backs. {@linkcode openStoredMessage} makes a {@linkcode MessageExt} of it.
 */
export interface StoredMessage {
  /** Form of the record: 1, or 2 if the length of the topic has two bytes. */
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
  /** Compression, transaction state and kinds of addresses: see {@linkcode SysFlag}. */
  sysFlag: number;
  /** Time when the producer made it, in milliseconds since 1970 by the producer's clock. */
  bornTimestamp: number;
  /** Address of the producer, `host:port`, with an IPv6 host in brackets. */
  bornHost: string;
  /** Time when the broker stored it, in milliseconds since 1970 by the broker's clock. */
  storeTimestamp: number;
  /** Address of the broker that stored it, `host:port`, with an IPv6 host in brackets. */
  storeHost: string;
  /** Number of times that consumers have returned it. */
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
 * library it goes by the fields. The size that a record states is reported, and not used.
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
 * Decodes exactly one stored message, such as the body of a check-back. Nothing may precede or follow it,
 * and the size that it states has to be right.
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

/**
 * Decodes the messages in a broker's answer, decompresses their bodies and computes their ids.
 *
 * @throws {MessageDecodeError} when the bytes are not whole messages or exceed `limits`.
 *
 * @example
 * ```ts
 * import { decodeMessages, encodeStoredMessage } from "@rocketmq-deno/client/message";
 * import { assertEquals } from "@std/assert";
 *
 * const body = new TextEncoder().encode("Hello RocketMQ");
 * const stored = encodeStoredMessage({ topic: "TopicTest", body, properties: { TAGS: "TagA" } });
 * const [message] = await decodeMessages(stored);
 * assertEquals(new TextDecoder().decode(message!.body), "Hello RocketMQ");
 * assertEquals(message!.tags, "TagA");
 * ```
 */
export async function decodeMessages(
  bytes: Uint8Array,
  limits: DecodeLimits = {},
): Promise<MessageExt[]> {
  const maxBodySize = readLimit(limits, "maxBodySize");
  let left = readLimit(limits, "maxTotalBodySize");
  const messages: MessageExt[] = [];
  for (const stored of decodeStoredMessages(bytes, limits)) {
    const message = await openStoredMessage(stored, { maxBodySize: Math.min(maxBodySize, left) });
    if (message.body !== stored.body) left -= message.body.length;
    messages.push(message);
  }
  return messages;
}

/**
 * Opens one stored message: decompresses its body, compares its checksum, computes its ids. A wrong
 * checksum is reported in `bodyCrcValid`. The body then is whatever could be read of it.
 *
 * @throws {MessageDecodeError} when the body can't be decompressed within `limits`, or `storeHost` is
 * not an address.
 */
export async function openStoredMessage(
  stored: StoredMessage,
  limits: DecodeLimits = {},
): Promise<MessageExt> {
  const maxBodySize = readLimit(limits, "maxBodySize");
  const { version: _version, body: storedBody, ...fields } = stored;
  const type = storedBody.length === 0 ? undefined : compressionTypeOf(stored.sysFlag);
  const body = type === undefined ? storedBody : await decompress(storedBody, type, maxBodySize);
  const { properties } = stored;
  const offsetMessageId = readOffsetMessageId(stored);
  const uniqueKey = readProperty(properties, MessageProperty.UniqueKey);
  const tags = readProperty(properties, MessageProperty.Tags);
  const message: MessageExt = {
    ...fields,
    body,
    bodyCrcValid: crc32(storedBody) === stored.bodyCrc,
    keys: splitKeys(readProperty(properties, MessageProperty.Keys)),
    messageId: uniqueKey ?? offsetMessageId,
    offsetMessageId,
  };
  if (tags !== undefined) message.tags = tags;
  if (uniqueKey !== undefined) message.transactionId = uniqueKey;
  return message;
}

function readProperty(properties: Record<string, string>, name: string): string | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function readOffsetMessageId(stored: StoredMessage): string {
  const host = parseSocketAddress(stored.storeHost);
  if (!host) {
    throw new MessageDecodeError(
      `Cannot open stored message: store host "${
        printable(stored.storeHost, 64)
      }" is not an address`,
    );
  }
  return offsetMessageIdOf(host.ip, host.port, stored.commitLogOffset);
}
