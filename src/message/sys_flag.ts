import { MessageDecodeError } from "../errors.ts";

/** Bits of a stored message's `sysFlag` (`MessageSysFlag` of the Java library). */
export const SysFlag = {
  /** The body is compressed. The bits of {@linkcode SysFlag.CompressionMask} say how. */
  Compressed: 0x1,
  /** The message has several tags. */
  MultiTags: 0x2,
  /** Transaction state: a half message. */
  TransactionPrepared: 0x4,
  /** Transaction state: committed. */
  TransactionCommit: 0x8,
  /** Transaction state: rolled back. */
  TransactionRollback: 0xc,
  /** The bits of the transaction state. 0 is an ordinary message. */
  TransactionMask: 0xc,
  /** The address of the producer is IPv6. */
  BornHostV6: 0x10,
  /** The address of the broker is IPv6. */
  StoreHostV6: 0x20,
  /** The body holds messages that a consumer has to take apart. */
  NeedUnwrap: 0x40,
  /** The message is a batch that the broker keeps as one. */
  InnerBatch: 0x80,
  /** The bits of the kind of compression. */
  CompressionMask: 0x700,
} as const;

/** The ways in which a body can be compressed. */
export const CompressionType = {
  /** LZ4 frame format. */
  LZ4: "LZ4",
  /** Zstandard frames. */
  ZSTD: "ZSTD",
  /** zlib stream (RFC 1950). */
  ZLIB: "ZLIB",
} as const;

/** One of the ways in {@linkcode CompressionType}. */
export type CompressionType = typeof CompressionType[keyof typeof CompressionType];

/** The types by their number in bits 8 to 10 of `sysFlag`. A compressed body without one is zlib. */
const BY_NUMBER: readonly CompressionType[] = ["ZLIB", "LZ4", "ZSTD", "ZLIB"];

/**
 * Reads from a `sysFlag` how a body is compressed. Returns undefined if it is not.
 *
 * @throws {MessageDecodeError} when the flag names a kind that does not exist.
 */
export function compressionTypeOf(sysFlag: number): CompressionType | undefined {
  if ((sysFlag & SysFlag.Compressed) === 0) return undefined;
  const number = (sysFlag & SysFlag.CompressionMask) >>> 8, type = BY_NUMBER[number];
  if (type !== undefined) return type;
  throw new MessageDecodeError(
    `Cannot decode message: compression type ${number} is neither 1 (LZ4), 2 (ZSTD) nor 3 (ZLIB)`,
  );
}

/** Returns the bits of a `sysFlag` for a body that is compressed this way. */
export function compressionFlags(type: CompressionType): number {
  return SysFlag.Compressed | BY_NUMBER.lastIndexOf(type) << 8;
}

/** Returns the transaction bits of a `sysFlag`: one of the three states, or 0 for an ordinary message. */
export function transactionFlagOf(sysFlag: number): number {
  return sysFlag & SysFlag.TransactionMask;
}

/** Returns a `sysFlag` with another transaction state. 0 makes it an ordinary message. */
export function withTransactionFlag(sysFlag: number, transactionFlag: number): number {
  return (sysFlag & ~SysFlag.TransactionMask) | (transactionFlag & SysFlag.TransactionMask);
}
