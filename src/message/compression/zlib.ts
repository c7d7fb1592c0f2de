import { MessageDecodeError } from "../../errors.ts";
import {
  boundOf,
  type Compressor,
  isTooLarge,
  loadZlib,
  type NodeZlib,
  ownMemory,
} from "./node_zlib.ts";
import { badBody, bodyTooLarge, OutputBuffer } from "./output_buffer.ts";

/** Bounds of the memory that `node:zlib` allocates at a time for its output, in bytes. */
const MAX_CHUNK_SIZE = 64 * 1024, MIN_CHUNK_SIZE = 1024;

/**
 * Bytes that go into the web's decompressor at a time. It returns all that they become in one piece, at
 * most 1032 times as much. So this bounds what is allocated beyond the limit.
 */
const SLICE_SIZE = 4096;

/**
 * Compresses to a zlib stream (RFC 1950). A runtime without `node:zlib` does it with the web's own
 * compressor, which chooses its level by itself.
 */
export async function compressZlib(
  bytes: Uint8Array,
  level: number,
  load: () => Promise<NodeZlib> = loadZlib,
): Promise<Uint8Array> {
  const deflate = zlibCompressor(await load().catch(() => ({})), level);
  if (deflate) return deflate(bytes);
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Makes a function that compresses to zlib streams of one level, if `node:zlib` can. */
export function zlibCompressor({ deflateSync }: NodeZlib, level: number): Compressor | undefined {
  return deflateSync && ((bytes) => {
    // What can't be compressed grows a little.
    const size = bytes.length + (bytes.length >>> 8) + 64;
    return ownMemory(deflateSync(bytes, { level, chunkSize: Math.min(size, MAX_CHUNK_SIZE) }));
  });
}

/**
 * Decompresses a zlib stream (RFC 1950). It takes the web's decompressor where `node:zlib` is missing or
 * ignores its options.
 */
export async function decompressZlib(
  bytes: Uint8Array,
  limit: number,
  load: () => Promise<NodeZlib> = loadZlib,
): Promise<Uint8Array> {
  const { inflateSync } = await load().catch(() => ({} as NodeZlib));
  return inflateSync && takesOptions(inflateSync)
    ? inflate(bytes, limit, inflateSync)
    : await decompressStream(bytes, limit);
}

/** The zlib stream of no byte at all. */
const EMPTY = Uint8Array.of(0x78, 0x9c, 0x03, 0, 0, 0, 0, 0x01);

const takers = new WeakMap<NonNullable<NodeZlib["inflateSync"]>, boolean>();

/**
 * Reports whether a runtime's `inflateSync` takes its options. That of Deno 2.2 ignores them: it bounds
 * nothing, and does not tell where the stream ended.
 */
function takesOptions(inflateSync: NonNullable<NodeZlib["inflateSync"]>): boolean {
  let takes = takers.get(inflateSync);
  if (takes === undefined) {
    const options = { maxOutputLength: 1, chunkSize: MIN_CHUNK_SIZE, info: true } as const;
    takes = inflateSync(EMPTY, options).engine !== undefined;
    takers.set(inflateSync, takes);
  }
  return takes;
}

function inflate(
  bytes: Uint8Array,
  limit: number,
  inflateSync: NonNullable<NodeZlib["inflateSync"]>,
): Uint8Array {
  const chunkSize = Math.max(MIN_CHUNK_SIZE, Math.min(4 * bytes.length, MAX_CHUNK_SIZE));
  let result: ReturnType<typeof inflateSync>;
  try {
    result = inflateSync(bytes, { maxOutputLength: boundOf(limit), chunkSize, info: true });
  } catch (cause) {
    if (isTooLarge(cause)) throw bodyTooLarge(limit);
    throw badBody("ZLIB", "it is cut off or damaged", { cause });
  }
  const { buffer, engine } = result;
  if (buffer.length > limit) throw bodyTooLarge(limit);
  if (engine.bytesWritten !== bytes.length) {
    throw badBody("ZLIB", "it goes on after its end", { offset: engine.bytesWritten });
  }
  return ownMemory(buffer);
}

async function decompressStream(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  const { readable, writable } = new DecompressionStream("deflate");
  const reader = readable.getReader(), writer = writable.getWriter();
  const output = new OutputBuffer(4 * bytes.length, limit);
  const feeding = feed(writer, bytes);
  // It is awaited below. Until then a failure must not count as unhandled.
  feeding.catch(() => {});
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      output.write(read.value);
    }
    await feeding;
  } catch (cause) {
    await Promise.allSettled([reader.cancel(cause), writer.abort(cause)]);
    if (cause instanceof MessageDecodeError) throw cause;
    throw badBody("ZLIB", "it is cut off or damaged", { cause });
  }
  const result = output.finish();
  // The decompressor of Deno 2.2 takes a stream that is cut off for one that has ended.
  const stated = bytes.subarray(-4).reduce((sum, byte) => (sum << 8 | byte) >>> 0, 0);
  if (bytes.length < EMPTY.length || adler32(result) !== stated) {
    throw badBody("ZLIB", "it is cut off or damaged");
  }
  return result;
}

/** Computes the checksum at the end of a zlib stream. */
function adler32(bytes: Uint8Array): number {
  let a = 1, b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return (b << 16 | a) >>> 0;
}

async function feed(
  writer: WritableStreamDefaultWriter<BufferSource>,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += SLICE_SIZE) {
    await writer.write(bytes.slice(at, at + SLICE_SIZE));
  }
  await writer.close();
}
