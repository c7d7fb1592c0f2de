import { checkCount } from "../checks.ts";
import { InvalidArgumentError, printable } from "../errors.ts";
import {
  compressionFlags,
  CompressionType,
  type Compressor,
  createCompressor,
} from "../message/internal.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";

/** Configures how large bodies are compressed before they are sent. Those of batches are not. */
export interface CompressionOptions {
  /**
   * How bodies are compressed. Every official client reads `ZLIB`; Go clients read nothing else, Rust
   * clients do not read `LZ4`.
   *
   * @default {"ZLIB"}
   */
  compression?: CompressionName;
  /**
   * Bodies of at least so many bytes are compressed, if that makes them smaller.
   *
   * @default {4096}
   */
  compressBodyOver?: number;
  /**
   * From 1, the fastest, to 9 for `ZLIB` and 22 for `ZSTD`, the smallest. The official clients have 5:
   * with zlib, orders and texts of 4 to 64 KiB become 1 to 7 % smaller by it, and take 15 to 60 %
   * longer, on the one thread that there is.
   *
   * @default {3}
   */
  compressionLevel?: number;
}

/** Names a way to compress bodies, or none. */
export type CompressionName = "ZLIB" | "ZSTD" | "LZ4" | "NONE";

/** Compresses the bodies of messages where that is worth it. */
export interface BodyCompressor {
  /** Returns the message to send: with a smaller body, or as it is. */
  readonly compress: (message: OutgoingMessage) => OutgoingMessage;
}

const TYPES: Readonly<Record<Exclude<CompressionName, "NONE">, CompressionType>> = {
  ZLIB: CompressionType.ZLIB,
  ZSTD: CompressionType.ZSTD,
  LZ4: CompressionType.LZ4,
};

/**
 * Makes what compresses bodies. It works synchronously, so that sends leave in the order of their
 * calls, and is loaded with the first large body.
 *
 * @throws {InvalidArgumentError} when an option is not what it may be, or the runtime can't compress
 * in the way that was asked for.
 */
export function bodyCompressor(options: CompressionOptions): BodyCompressor {
  const name: string = options.compression ?? "ZLIB";
  if (name !== "NONE" && !Object.hasOwn(TYPES, name)) {
    throw new InvalidArgumentError(
      'Cannot use option compression: it must be "ZLIB", "ZSTD", "LZ4" or "NONE", ' +
        `current value is "${printable(String(name), 32)}"`,
    );
  }
  const threshold = checkCount("compressBodyOver", options.compressBodyOver, {
    fallback: 4096,
    min: 0,
    max: 2 ** 31 - 1,
    unit: " bytes",
  });
  const highest = name === "ZLIB" ? 9 : 22;
  const level = checkCount("compressionLevel", options.compressionLevel, {
    fallback: 3,
    min: 1,
    max: highest,
  });
  if (name === "NONE") return { compress: (message) => message };
  const type = TYPES[name as keyof typeof TYPES];
  let compress: Compressor | undefined;
  if (name === "ZSTD") compress = createCompressor(type, level);
  return {
    compress(message) {
      if (message.body.length < threshold || message.parts) return message;
      compress ??= compressorOrNone(type, level);
      const body = compress(message.body);
      if (body.length >= message.body.length) return message;
      const sysFlag = message.sysFlag | compressionFlags(type);
      return { ...message, body, sysFlag };
    },
  };
}

/** In a runtime that can't compress in this way bodies stay as they are. */
function compressorOrNone(type: CompressionType, level: number): Compressor {
  try {
    return createCompressor(type, level);
  } catch {
    return (bytes) => bytes;
  }
}
