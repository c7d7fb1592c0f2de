import { concat } from "./concat.ts";
import { badBody, bodyTooLarge } from "./decompress_error.ts";
import { splitZstdFrames } from "./zstd_frame.ts";

/** The one function that is wanted of `node:zlib`. */
type ZstdDecompress = (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

/**
 * Decompresses Zstandard frames with what the runtime has; there is none in the web's standards.
 * `load` runs at the moment of use, so that this module loads in runtimes without it.
 */
export async function decompressZstd(
  bytes: Uint8Array,
  limit: number,
  load: () => Promise<{ zstdDecompressSync?: unknown }> = () => import("node:zlib"),
): Promise<Uint8Array> {
  const frames = splitZstdFrames(bytes, limit);
  const decompress = await loadZstd(load);
  const parts: Uint8Array[] = [];
  let left = limit;
  for (const frame of frames) {
    const part = decompressFrame(frame, decompress, left);
    if (part === undefined || part.length > left) throw bodyTooLarge(limit);
    left -= part.length;
    parts.push(part);
  }
  return parts.length === 1 ? parts[0]! : concat(parts);
}

/** The content of one frame, or undefined where it would have more than `limit` bytes. */
function decompressFrame(
  frame: Uint8Array,
  decompress: ZstdDecompress,
  limit: number,
): Uint8Array | undefined {
  try {
    // A bound of 0 is not allowed, and a larger one than an int32 not in every runtime.
    const plain = decompress(frame, { maxOutputLength: Math.max(1, Math.min(limit, 0x7fffffff)) });
    // A `Buffer` is not what callers expect: its `slice` does not copy.
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ERR_BUFFER_TOO_LARGE") return undefined;
    throw badBody("ZSTD", "it is damaged", { cause });
  }
}

async function loadZstd(
  load: () => Promise<{ zstdDecompressSync?: unknown }>,
): Promise<ZstdDecompress> {
  let decompress: unknown, cause: unknown;
  try {
    decompress = (await load()).zstdDecompressSync;
  } catch (error) {
    cause = error;
  }
  if (typeof decompress !== "function") {
    throw badBody("ZSTD", "this runtime has no zstdDecompressSync in node:zlib", { cause });
  }
  return decompress as ZstdDecompress;
}
