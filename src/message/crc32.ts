/** Eight tables, one behind the other: entry `256 * n + b` is byte `b` followed by `n` zero bytes. */
const TABLES = createTables();

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
  let crc = -1, at = 0;
  for (const end = bytes.length & ~7; at < end; at += 8) {
    const word = crc ^
      (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24);
    crc = TABLES[0x700 + (word & 0xff)]! ^
      TABLES[0x600 + (word >>> 8 & 0xff)]! ^
      TABLES[0x500 + (word >>> 16 & 0xff)]! ^
      TABLES[0x400 + (word >>> 24)]! ^
      TABLES[0x300 + bytes[at + 4]!]! ^
      TABLES[0x200 + bytes[at + 5]!]! ^
      TABLES[0x100 + bytes[at + 6]!]! ^
      TABLES[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) {
    crc = crc >>> 8 ^ TABLES[(crc ^ bytes[at]!) & 0xff]!;
  }
  return ~crc & 0x7fffffff;
}

function createTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const shorter = tables[at - 256]!;
    tables[at] = shorter >>> 8 ^ tables[shorter & 0xff]!;
  }
  return tables;
}
