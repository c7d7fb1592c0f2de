/**
 * What the other folders of this module use of the message codec. Users get `mod.ts`.
 *
 * @module
 */
export * from "./mod.ts";
export { encodeBatchMessage } from "./batch.ts";
export { createCompressor } from "./compression/compression.ts";
export type { Compressor } from "./compression/node_zlib.ts";
export { formatSocketAddress, parseSocketAddress } from "./ids.ts";
export type { DelayableMessage, DeliveryDelay, SingleMessageFields } from "./message.ts";
export { createProperties, splitKeys } from "./message_properties.ts";
export {
  compressionFlags,
  compressionTypeOf,
  transactionFlagOf,
  withTransactionFlag,
} from "./sys_flag.ts";
export { createUniqueKey, monthStart, nextMonthStart, type UniqueKeyParts } from "./ids.ts";
