import { concat } from "./concat.ts";
import { compressLz4Block } from "./lz4_block_encoder.ts";
import { xxHash32 } from "./xxhash32.ts";

const MAGIC = [0x04, 0x22, 0x4d, 0x18];
/** Version 1, independent blocks, no checksums, no size; blocks of at most 4 MiB. */
const DESCRIPTOR = [0x60, 0x70];
const MAX_BLOCK_SIZE = 4 * 1024 * 1024;
const END = new Uint8Array(4);

/**
 * Compresses to one LZ4 frame (LZ4 Frame Format 1.6), with the same descriptor as the official client.
 * Blocks that do not become smaller are stored as they are, so it adds at most 15 bytes for 4 MiB.
 */
export function compressLz4(bytes: Uint8Array): Uint8Array {
  const checksum = xxHash32(Uint8Array.from(DESCRIPTOR)) >>> 8 & 0xff;
  const parts: Uint8Array[] = [Uint8Array.from([...MAGIC, ...DESCRIPTOR, checksum])];
  for (let at = 0; at < bytes.length; at += MAX_BLOCK_SIZE) {
    const plain = bytes.subarray(at, at + MAX_BLOCK_SIZE);
    const compressed = compressLz4Block(plain);
    const block = compressed ?? plain;
    parts.push(blockSize(block.length, compressed !== undefined), block);
  }
  parts.push(END);
  return concat(parts);
}

/** The size of a block, with the highest bit set where it is not compressed. */
function blockSize(size: number, isCompressed: boolean): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, isCompressed ? size : (size | 0x80000000) >>> 0, true);
  return bytes;
}
