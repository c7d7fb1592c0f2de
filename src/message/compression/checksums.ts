import { nodeZlib } from "./node_zlib.ts";

let table: Int32Array | undefined;

/**
 * The checksum that brokers keep of a body: CRC-32 as zlib has it, with the sign bit cleared.
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

const PRIME_1 = 0x9e3779b1, PRIME_2 = 0x85ebca77, PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f, PRIME_5 = 0x165667b1;

/** Returns the xxHash checksum of 32 bits that LZ4 frames carry (seed 0), unsigned. */
export function xxHash32(bytes: Uint8Array): number {
  const length = bytes.length;
  let at = 0, hash: number;
  if (length >= 16) {
    let a = PRIME_1 + PRIME_2 | 0, b = PRIME_2 | 0, c = 0, d = -PRIME_1 | 0;
    for (const last = length - 16; at <= last; at += 16) {
      a = round(a, word(bytes, at));
      b = round(b, word(bytes, at + 4));
      c = round(c, word(bytes, at + 8));
      d = round(d, word(bytes, at + 12));
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18) | 0;
  } else {
    hash = PRIME_5 | 0;
  }
  hash = hash + length | 0;
  for (; at + 4 <= length; at += 4) {
    hash = Math.imul(rotate(hash + Math.imul(word(bytes, at), PRIME_3) | 0, 17), PRIME_4);
  }
  for (; at < length; at++) {
    hash = Math.imul(rotate(hash + Math.imul(bytes[at]!, PRIME_5) | 0, 11), PRIME_1);
  }
  hash = Math.imul(hash ^ hash >>> 15, PRIME_2);
  hash = Math.imul(hash ^ hash >>> 13, PRIME_3);
  return (hash ^ hash >>> 16) >>> 0;
}

function round(lane: number, input: number): number {
  return Math.imul(rotate(lane + Math.imul(input, PRIME_2) | 0, 13), PRIME_1);
}

function rotate(value: number, bits: number): number {
  return value << bits | value >>> 32 - bits;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
}
