import { concat } from "../../bytes.ts";
import { InvalidArgumentError } from "../../errors.ts";
import {
  boundOf,
  type Compressor,
  isTooLarge,
  loadZlib,
  type NodeZlib,
  ownMemory,
} from "./node_zlib.ts";
import { badBody, bodyTooLarge } from "./output_buffer.ts";

const FRAME_MAGIC = 0xfd2fb528;
/** First of the sixteen magic numbers of frames that hold no data. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAX_BLOCK_SIZE = 128 * 1024;
/** Most frames of a body. Compressors write one. Many empty ones would only cost time. */
const MAX_FRAMES = 1024;

/** Compresses to a Zstandard frame (RFC 8878) with `node:zlib`. */
export async function compressZstd(
  bytes: Uint8Array,
  level: number,
  load: () => Promise<NodeZlib> = loadZlib,
): Promise<Uint8Array> {
  const compress = zstdCompressor(await load().catch(() => ({})), level);
  if (compress) return compress(bytes);
  throw new InvalidArgumentError(
    "Cannot compress body with ZSTD: this runtime has no zstdCompressSync in node:zlib, " +
      "use ZLIB or LZ4",
  );
}

/** Makes a function that compresses to Zstandard frames of one level, if `node:zlib` can. */
export function zstdCompressor(
  { zstdCompressSync, constants }: NodeZlib,
  level: number,
): Compressor | undefined {
  const levelKey = constants?.ZSTD_c_compressionLevel;
  if (!zstdCompressSync || levelKey === undefined) return undefined;
  const options = { params: { [levelKey]: level } };
  return (bytes) => ownMemory(zstdCompressSync(bytes, options));
}

/** Decompresses Zstandard frames with `node:zlib`. The web has no decompressor for them. */
export async function decompressZstd(
  bytes: Uint8Array,
  limit: number,
  load: () => Promise<NodeZlib> = loadZlib,
): Promise<Uint8Array> {
  const frames = splitZstdFrames(bytes, limit);
  const decompress = await loadDecompress(load);
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

type Decompress = NonNullable<NodeZlib["zstdDecompressSync"]>;

async function loadDecompress(load: () => Promise<NodeZlib>): Promise<Decompress> {
  let zlib: NodeZlib = {}, cause: unknown;
  try {
    zlib = await load();
  } catch (error) {
    cause = error;
  }
  if (zlib.zstdDecompressSync) return zlib.zstdDecompressSync;
  throw badBody("ZSTD", "this runtime has no zstdDecompressSync in node:zlib", { cause });
}

/** Decompresses one frame. Returns undefined if it would have more than `limit` bytes. */
function decompressFrame(
  frame: Uint8Array,
  decompress: Decompress,
  limit: number,
): Uint8Array | undefined {
  try {
    return ownMemory(decompress(frame, { maxOutputLength: boundOf(limit) }));
  } catch (cause) {
    if (isTooLarge(cause)) return undefined;
    throw badBody("ZSTD", "it is damaged", { cause });
  }
}

/**
 * Takes Zstandard frames (RFC 8878) apart without decompressing them, and leaves out those without
 * data. Each has to be whole, to need no dictionary, and to state no content larger than `limit`.
 * Decompressors allocate what a frame states, and not all of them notice that a frame is cut off or that
 * another one follows.
 */
function splitZstdFrames(bytes: Uint8Array, limit: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let at = 0;
  do {
    const start = at, magic = readUint(bytes, at, 4);
    if (magic === FRAME_MAGIC) {
      at = checkFrame(bytes, at + 4, limit);
      frames.push(bytes.subarray(start, at));
    } else if ((magic & ~0xf) === SKIPPABLE_MAGIC) {
      at = skip(bytes, at + 8, readUint(bytes, at + 4, 4));
    } else {
      throw badBody("ZSTD", `0x${magic.toString(16)} is not the magic number of a frame`, {
        offset: at,
      });
    }
    if (frames.length > MAX_FRAMES) {
      throw badBody("ZSTD", `it has more than ${MAX_FRAMES} frames`, {
        offset: start,
        limit: MAX_FRAMES,
      });
    }
  } while (at < bytes.length);
  if (frames.length === 0) throw badBody("ZSTD", "it has no frame with data");
  return frames;
}

/** Checks the frame whose magic number ends at `at`. Returns the end of the frame. */
function checkFrame(bytes: Uint8Array, at: number, limit: number): number {
  const descriptor = readUint(bytes, at, 1);
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSizeLength = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  const dictionaryIdLength = [0, 1, 2, 4][descriptor & 3]!;
  if ((descriptor & 8) !== 0) {
    throw badBody("ZSTD", "the frame header has a reserved bit set", { offset: at });
  }
  at += singleSegment ? 1 : 2;
  if (readUint(bytes, at, dictionaryIdLength) !== 0) {
    throw badBody("ZSTD", "it needs a dictionary", { offset: at });
  }
  at += dictionaryIdLength;
  const contentSize = readUint(bytes, at, contentSizeLength) + (contentSizeLength === 2 ? 256 : 0);
  if (contentSize > limit) throw bodyTooLarge(limit);
  at += contentSizeLength;
  for (let last = false; !last;) {
    const header = readUint(bytes, at, 3), type = header >>> 1 & 3, size = header >>> 3;
    if (type === 3 || size > MAX_BLOCK_SIZE) {
      throw badBody("ZSTD", "a block has a reserved type or is too large", { offset: at });
    }
    at = skip(bytes, at + 3, type === 1 ? 1 : size);
    last = (header & 1) !== 0;
  }
  return (descriptor & 4) === 0 ? at : skip(bytes, at, 4);
}

function skip(bytes: Uint8Array, at: number, length: number): number {
  if (length > bytes.length - at) {
    throw badBody("ZSTD", "the input ends within a frame", { offset: bytes.length });
  }
  return at + length;
}

/** Returns a little-endian number of `length` bytes. */
function readUint(bytes: Uint8Array, at: number, length: number): number {
  skip(bytes, at, length);
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}
