import { InvalidArgumentError, printable } from "../errors.ts";
import { ByteWriter } from "../bytes.ts";
import { crc32 } from "./compression/node_zlib.ts";
import { parseSocketAddress, type SocketAddress } from "./ids.ts";
import { joinProperties, MAX_STORED_PROPERTIES_SIZE } from "./properties.ts";
import { MAGIC_V1, MAGIC_V2, type StoredMessage } from "./stored_message.ts";
import { SysFlag } from "./sys_flag.ts";

/**
 * The fields of a stored message to encode. Sizes and checksum are computed, and so are the two bits
 * of `sysFlag` for the kinds of the addresses. Numbers left out are 0.
 */
export interface StoredMessageFields extends Partial<StoredMessage> {
  /** Name of the topic. */
  topic: string;
  /** The body as it is to be stored. If it is compressed, `sysFlag` has to say so. */
  body: Uint8Array;
  /**
   * Form of the record.
   *
   * @default {2 if the topic has more than 127 bytes, else 1}
   */
  version?: 1 | 2;
  /**
   * Address of the producer.
   *
   * @default {"127.0.0.1:0"}
   */
  bornHost?: string;
  /**
   * Address of the broker.
   *
   * @default {"127.0.0.1:0"}
   */
  storeHost?: string;
}

/** Bytes of all the fields of fixed size, with a topic length of one byte and IPv4 addresses. */
const FIXED_SIZE = 91;

const encoder = new TextEncoder();

/**
 * Encodes a message in the form in which brokers keep it and send it out, for instance for a broker in
 * tests. This is the inverse of {@linkcode decodeStoredMessage}.
 *
 * @throws {InvalidArgumentError} when a number does not fit its field, an address is not
 * `a.b.c.d:port` or `[IPv6]:port`, or topic or properties are too long.
 *
 * @example
 * ```ts
 * import { decodeStoredMessage, encodeStoredMessage } from "@rocketmq-deno/client/message";
 * import { assertEquals } from "@std/assert";
 *
 * const body = new TextEncoder().encode("Hello RocketMQ");
 * const bytes = encodeStoredMessage({ topic: "TopicTest", body, queueOffset: 7n });
 * assertEquals(decodeStoredMessage(bytes).queueOffset, 7n);
 * ```
 */
export function encodeStoredMessage(fields: StoredMessageFields): Uint8Array {
  const topic = encoder.encode(fields.topic);
  const version = fields.version ?? (topic.length > 127 ? 2 : 1);
  checkTopic(topic, version);
  const properties = encoder.encode(joinProperties(fields.properties ?? {}));
  if (properties.length > MAX_STORED_PROPERTIES_SIZE) {
    throw refuse(
      `the properties have ${properties.length} bytes, at most ${MAX_STORED_PROPERTIES_SIZE} are allowed`,
    );
  }
  const bornHost = readHost(fields, "bornHost"), storeHost = readHost(fields, "storeHost");
  const { body } = fields;
  const size = FIXED_SIZE + (version - 1) + (bornHost.ip.length - 4) + (storeHost.ip.length - 4) +
    body.length + topic.length + properties.length;
  const writer = new ByteWriter(size);
  writer.integer(size, 4);
  writer.integer(version === 1 ? MAGIC_V1 : MAGIC_V2, 4);
  writer.integer(crc32(body), 4);
  writer.integer(readInt32(fields, "queueId"), 4);
  writer.integer(readInt32(fields, "flag"), 4);
  writer.int64(readInt64(fields, "queueOffset"));
  writer.int64(readInt64(fields, "commitLogOffset"));
  writer.integer(sysFlagOf(readInt32(fields, "sysFlag"), bornHost, storeHost), 4);
  writer.int64(readTimestamp(fields, "bornTimestamp"));
  writer.bytes(bornHost.ip);
  writer.integer(bornHost.port, 4);
  writer.int64(readTimestamp(fields, "storeTimestamp"));
  writer.bytes(storeHost.ip);
  writer.integer(storeHost.port, 4);
  writer.integer(readInt32(fields, "reconsumeTimes"), 4);
  writer.int64(readInt64(fields, "preparedTransactionOffset"));
  writer.integer(body.length, 4);
  writer.bytes(body);
  if (version === 1) writer.integer(topic.length, 1);
  else writer.integer(topic.length, 2);
  writer.bytes(topic);
  writer.integer(properties.length, 2);
  writer.bytes(properties);
  return writer.finish();
}

function checkTopic(topic: Uint8Array, version: 1 | 2): void {
  const max = version === 1 ? 127 : 32767;
  if (topic.length === 0 || topic.length > max) {
    throw refuse(`the topic has ${topic.length} bytes, 1 to ${max} are allowed`);
  }
}

function readHost(fields: StoredMessageFields, name: "bornHost" | "storeHost"): SocketAddress {
  const text = fields[name] ?? "127.0.0.1:0";
  const host = parseSocketAddress(text);
  if (!host) {
    throw refuse(`${name} "${printable(text, 64)}" is neither a.b.c.d:port nor [IPv6]:port`);
  }
  return host;
}

function sysFlagOf(sysFlag: number, bornHost: SocketAddress, storeHost: SocketAddress): number {
  return (sysFlag & ~(SysFlag.BornHostV6 | SysFlag.StoreHostV6)) |
    (bornHost.ip.length === 16 ? SysFlag.BornHostV6 : 0) |
    (storeHost.ip.length === 16 ? SysFlag.StoreHostV6 : 0);
}

function readInt32(
  fields: StoredMessageFields,
  name: "queueId" | "flag" | "sysFlag" | "reconsumeTimes",
): number {
  const value = fields[name] ?? 0;
  if ((value | 0) !== value) throw refuse(`${name} ${value} is not a 32-bit integer`);
  return value;
}

function readInt64(
  fields: StoredMessageFields,
  name: "queueOffset" | "commitLogOffset" | "preparedTransactionOffset",
): bigint {
  const value = fields[name] ?? 0n;
  if (BigInt.asIntN(64, value) !== value) throw refuse(`${name} ${value} does not fit 64 bits`);
  return value;
}

function readTimestamp(
  fields: StoredMessageFields,
  name: "bornTimestamp" | "storeTimestamp",
): bigint {
  const value = fields[name] ?? 0;
  if (!Number.isSafeInteger(value)) throw refuse(`${name} ${value} is not an integer`);
  return BigInt(value);
}

function refuse(reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot encode stored message: ${reason}`);
}
