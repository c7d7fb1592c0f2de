/**
 * The message codec of Apache RocketMQ: properties, message ids, the form in which brokers keep and
 * deliver messages, compressed bodies and batches, for any JavaScript runtime. It opens no socket and
 * keeps no clock.
 *
 * @example Read what a broker delivers
 * ```ts
 * import { decodeMessages, encodeStoredMessage } from "@rocketmq-deno/client/message";
 * import { assertEquals } from "@std/assert";
 *
 * const delivered = encodeStoredMessage({
 *   topic: "TopicTest",
 *   body: new TextEncoder().encode("Hello RocketMQ"),
 *   storeHost: "10.0.0.7:10911",
 *   commitLogOffset: 389n,
 *   properties: { KEYS: "order-1001 customer-77" },
 * });
 * for (const message of await decodeMessages(delivered)) {
 *   assertEquals(new TextDecoder().decode(message.body), "Hello RocketMQ");
 *   assertEquals(message.keys, ["order-1001", "customer-77"]);
 *   assertEquals(message.offsetMessageId, "0A00000700002A9F0000000000000185");
 * }
 * ```
 *
 * @module
 */
export { type BatchMessage, decodeBatch, encodeBatch } from "./batch.ts";
export { compress, decompress } from "./compression/compression.ts";
export { crc32 } from "./compression/node_zlib.ts";
export {
  decodeMessages,
  decodeStoredMessage,
  decodeStoredMessages,
  openStoredMessage,
  type StoredMessage,
} from "./stored_message.ts";
export { encodeStoredMessage, type StoredMessageFields } from "./encode_stored_message.ts";
export { type DecodeLimits, DEFAULT_MAX_BODY_SIZE } from "./limits.ts";
export type { Message, MessageExt, MessageQueue } from "./message.ts";
export {
  createOffsetMessageId,
  type OffsetMessageId,
  type ParsedUniqueKey,
  parseOffsetMessageId,
  parseUniqueKey,
  UniqueKeyGenerator,
} from "./ids.ts";
export {
  decodeProperties,
  encodeProperties,
  isReservedProperty,
  MAX_PROPERTIES_SIZE,
  MAX_STORED_PROPERTIES_SIZE,
  MessageProperty,
} from "./properties.ts";
export { javaStringHash } from "./message_properties.ts";
export { CompressionType, SysFlag } from "./sys_flag.ts";
export {
  type ErrorFacts,
  InvalidArgumentError,
  MessageDecodeError,
  RocketMQError,
  type RocketMQErrorCode,
} from "../errors.ts";
