import { nodeZlib } from "./compression/node_zlib.ts";

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
