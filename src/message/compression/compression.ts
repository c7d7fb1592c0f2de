import { checkLimit } from "../../checks.ts";
import { InvalidArgumentError } from "../../errors.ts";
import { DEFAULT_MAX_BODY_SIZE } from "../limits.ts";
import { CompressionType } from "../sys_flag.ts";
import { decompressLz4 } from "./lz4_decode.ts";
import { compressLz4 } from "./lz4_encode.ts";
import { type Compressor, nodeZlib } from "./node_zlib.ts";
import { compressZlib, decompressZlib, zlibCompressor } from "./zlib.ts";
import { compressZstd, decompressZstd, zstdCompressor } from "./zstd.ts";

/** The level of the official clients. */
const DEFAULT_LEVEL = 5;

/**
 * Compresses a body. zlib and LZ4 work in every runtime. Zstandard needs a `node:zlib` that has it
 * (Deno, Node.js from 22.15). A body that can't be compressed becomes larger.
 *
 * Each call takes a turn of the event loop: callers that keep an order have to await it.
 *
 * @param bytes The body. It is not changed, and not needed any more afterwards.
 * @param type How to compress it.
 * @param level From 1, the fastest, to 9 for zlib and 22 for Zstandard, the smallest. By default 5. LZ4
 * has only one here: every level up to 22 does the same.
 * @throws {InvalidArgumentError} when the level is none of these, or the runtime has no Zstandard.
 */
export async function compress(
  bytes: Uint8Array,
  type: CompressionType,
  level: number = DEFAULT_LEVEL,
): Promise<Uint8Array> {
  checkLevel(type, level);
  switch (type) {
    case CompressionType.LZ4:
      return compressLz4(bytes);
    case CompressionType.ZSTD:
      return await compressZstd(bytes, level);
    case CompressionType.ZLIB:
      return await compressZlib(bytes, level);
  }
}

/**
 * Makes a function that compresses bodies synchronously, so callers keep their order. Any runtime has
 * LZ4. zlib and Zstandard need a `node:zlib` that has them and can be loaded synchronously (Deno,
 * Node.js from 22.15). Elsewhere use {@linkcode compress}.
 *
 * @param level As that of {@linkcode compress}.
 * @throws {InvalidArgumentError} when the level is none of these, or the runtime can't do it.
 */
export function createCompressor(
  type: CompressionType,
  level: number = DEFAULT_LEVEL,
): Compressor {
  checkLevel(type, level);
  if (type === CompressionType.LZ4) return compressLz4;
  const [name, compressor] = type === CompressionType.ZLIB
    ? ["ZLIB", zlibCompressor(nodeZlib(), level)] as const
    : ["ZSTD", zstdCompressor(nodeZlib(), level)] as const;
  if (compressor) return compressor;
  throw new InvalidArgumentError(
    `Cannot compress body with ${name}: this runtime has no node:zlib for it that can be loaded synchronously, use LZ4`,
  );
}

/**
 * Decompresses a body. zlib and LZ4 work in every runtime. Zstandard needs a `node:zlib` that has it
 * (Deno, Node.js from 22.15).
 *
 * @param bytes The compressed body, whole.
 * @param type How it is compressed.
 * @param limit Most bytes that it may become, 4 MiB by default. Not much more than that is allocated.
 * @throws {MessageDecodeError} when the bytes are damaged or cut off, become more than `limit` (the
 * error has it as its `limit`), or the runtime has no Zstandard.
 */
export async function decompress(
  bytes: Uint8Array,
  type: CompressionType,
  limit: number = DEFAULT_MAX_BODY_SIZE,
): Promise<Uint8Array> {
  checkLimit(limit, "limit");
  switch (type) {
    case CompressionType.LZ4:
      return decompressLz4(bytes, limit);
    case CompressionType.ZSTD:
      return await decompressZstd(bytes, limit);
    case CompressionType.ZLIB:
      return await decompressZlib(bytes, limit);
  }
}

function checkLevel(type: CompressionType, level: number): void {
  const highest = type === CompressionType.ZLIB ? 9 : 22;
  if (Number.isInteger(level) && level >= 1 && level <= highest) return;
  throw new InvalidArgumentError(
    `Cannot compress body: level ${level} is not an integer from 1 to ${highest}`,
  );
}
