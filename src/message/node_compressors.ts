import { InvalidArgumentError } from "../errors.ts";
import { seemsToRepeat } from "./repeats.ts";

/** What is wanted of `node:zlib`, where a runtime has it. */
export interface NodeZlib {
  /** The constants of both formats. */
  constants?: Record<string, number>;
  /** Makes a zlib stream. */
  deflateSync?: (
    bytes: Uint8Array,
    options: { level: number; chunkSize: number; strategy?: number },
  ) => Uint8Array;
  /** Makes a Zstandard frame. */
  zstdCompressSync?: (
    bytes: Uint8Array,
    options: { params: Record<number, number> },
  ) => Uint8Array;
}

/** Up to this level zlib does not look for repeats where there seem to be none: that of official clients. */
const SAVING_LEVEL = 5;

/** Most bytes that are taken at once for what a body becomes. */
const MAX_CHUNK_SIZE = 64 * 1024;

/** Compresses a body, which it does not change. */
export type Compressor = (bytes: Uint8Array) => Uint8Array;

/** Loads `node:zlib` at the moment of use, so that this module loads in runtimes without it. */
export type LoadZlib = () => Promise<NodeZlib>;

const loadNodeZlib: LoadZlib = async () => await import("node:zlib") as unknown as NodeZlib;

/**
 * Compresses to a zlib stream (RFC 1950). A runtime without `node:zlib` does it with the web's own
 * compressor, which chooses its level by itself.
 */
export async function compressZlib(
  bytes: Uint8Array,
  level: number,
  load: LoadZlib = loadNodeZlib,
): Promise<Uint8Array> {
  const deflate = zlibCompressor(await loadOrNothing(load), level);
  if (deflate) return deflate(bytes);
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Compresses to a Zstandard frame (RFC 8878) with what the runtime has. */
export async function compressZstd(
  bytes: Uint8Array,
  level: number,
  load: LoadZlib = loadNodeZlib,
): Promise<Uint8Array> {
  const zstd = zstdCompressor(await loadOrNothing(load), level);
  if (zstd) return zstd(bytes);
  throw new InvalidArgumentError(
    "Cannot compress body with ZSTD: this runtime has no zstdCompressSync in node:zlib, " +
      "use ZLIB or LZ4",
  );
}

/** `node:zlib` of a runtime that gives its built-in modules out at once; otherwise nothing. */
export function nodeZlib(): NodeZlib {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  return (process?.getBuiltinModule?.("node:zlib") ?? {}) as NodeZlib;
}

/** Makes zlib streams of one level, if `node:zlib` can. */
export function zlibCompressor(
  { deflateSync, constants }: NodeZlib,
  level: number,
): Compressor | undefined {
  if (!deflateSync) return undefined;
  const huffmanOnly = level <= SAVING_LEVEL ? constants?.Z_HUFFMAN_ONLY : undefined;
  return (bytes) => {
    // One piece of memory of about the right size; what can't be compressed grows a little.
    const size = bytes.length + (bytes.length >>> 8) + 64;
    const options = { level, chunkSize: Math.min(size, MAX_CHUNK_SIZE) };
    const isPlain = huffmanOnly === undefined || seemsToRepeat(bytes);
    return withoutBuffer(
      deflateSync(bytes, isPlain ? options : { ...options, strategy: huffmanOnly }),
    );
  };
}

/** Makes Zstandard frames of one level, if `node:zlib` can. */
export function zstdCompressor(
  { zstdCompressSync, constants }: NodeZlib,
  level: number,
): Compressor | undefined {
  const levelKey = constants?.ZSTD_c_compressionLevel;
  if (!zstdCompressSync || levelKey === undefined) return undefined;
  const options = { params: { [levelKey]: level } };
  return (bytes) => withoutBuffer(zstdCompressSync(bytes, options));
}

async function loadOrNothing(load: LoadZlib): Promise<NodeZlib> {
  try {
    return await load();
  } catch {
    return {};
  }
}

/** A `Buffer` is not what callers expect: its `slice` does not copy. */
function withoutBuffer(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
