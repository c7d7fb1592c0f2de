import { checkLimit, DEFAULT_MAX_BODY_SIZE } from "./limits.ts";
import { decompressLz4 } from "./lz4.ts";
import { CompressionType } from "./sys_flag.ts";
import { decompressZlib } from "./zlib.ts";
import { decompressZstd } from "./zstd.ts";

/**
 * Decompresses a body. zlib and LZ4 work in every runtime; Zstandard needs a `node:zlib` that has it
 * (Deno, Node.js from 22.15).
 *
 * @param bytes The compressed body, whole.
 * @param type How it is compressed; {@linkcode compressionTypeOf} reads it from a `sysFlag`.
 * @param limit Most bytes that it may become, 4 MiB by default. Not much more than that is ever held.
 * @throws {MessageDecodeError} when the bytes are damaged or cut off, become more than `limit`
 * (then the error's `limit` is set), or the runtime has no Zstandard.
 */
export async function decompress(
  bytes: Uint8Array,
  type: CompressionType,
  limit: number = DEFAULT_MAX_BODY_SIZE,
): Promise<Uint8Array> {
  checkLimit(limit, "limit");
  switch (type) {
    case CompressionType.Lz4:
      return decompressLz4(bytes, limit);
    case CompressionType.Zstd:
      return await decompressZstd(bytes, limit);
    case CompressionType.Zlib:
      return await decompressZlib(bytes, limit);
  }
}
