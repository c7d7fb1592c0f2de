/** The part of `node:zlib` that is used, if a runtime has it. */
export interface NodeZlib {
  constants?: Record<string, number>;
  crc32?: (bytes: Uint8Array) => number;
  deflateSync?: (bytes: Uint8Array, options: { level: number; chunkSize: number }) => Uint8Array;
  /** With `info` it also returns how many bytes it needed. */
  inflateSync?: (
    bytes: Uint8Array,
    options: { maxOutputLength: number; chunkSize: number; info: true },
  ) => { buffer: Uint8Array; engine: { bytesWritten: number } };
  zstdCompressSync?: (
    bytes: Uint8Array,
    options: { params: Record<number, number> },
  ) => Uint8Array;
  zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
}

/** Compresses a body, which it does not change. */
export type Compressor = (bytes: Uint8Array) => Uint8Array;

let known: NodeZlib | undefined;

/**
 * Returns `node:zlib` if the runtime can load built-in modules synchronously, else an object without
 * functions. It is loaded at the first use, because loading costs more than the rest of this module.
 */
export function nodeZlib(): NodeZlib {
  if (known) return known;
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  return known = (process?.getBuiltinModule?.("node:zlib") ?? {}) as NodeZlib;
}

/** Loads `node:zlib`, also in runtimes that only do so asynchronously. Rejects in those without it. */
export async function loadZlib(): Promise<NodeZlib> {
  const zlib = nodeZlib();
  return zlib.constants ? zlib : await import("node:zlib") as unknown as NodeZlib;
}

/** Turns a limit into a `maxOutputLength`, which must not be 0 and in some runtimes fit an int32. */
export function boundOf(limit: number): number {
  return Math.max(1, Math.min(limit, 0x7fffffff));
}

/** Reports whether `node:zlib` stopped because of its `maxOutputLength`. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

/**
 * Turns a `Buffer` into what callers expect: bytes whose `slice` copies, in memory of just their size.
 * A body that is kept must not keep more memory than its own.
 */
export function ownMemory(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = bytes;
  return buffer.byteLength === byteLength
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : new Uint8Array(bytes);
}

let table: Int32Array | undefined;

/**
 * Computes the checksum that brokers keep of a body: CRC-32 as in zlib, with the sign bit cleared.
 *
 * @example
 * ```ts
 * import { crc32 } from "@rocketmq-deno/client/message";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(crc32(new TextEncoder().encode("123456789")), 0xcbf43926 & 0x7fffffff);
 * ```
 */
export function crc32(bytes: Uint8Array): number {
  const native = nodeZlib().crc32;
  return (native ? native(bytes) : crc32ByTable(bytes)) & 0x7fffffff;
}

/** Computes the checksum in runtimes without `node:zlib`. */
export function crc32ByTable(bytes: Uint8Array): number {
  const entries = table ??= createTable();
  let crc = -1;
  for (const byte of bytes) crc = crc >>> 8 ^ entries[(crc ^ byte) & 0xff]!;
  return ~crc;
}

function createTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    return crc;
  });
}
