import { concat } from "../../bytes.ts";
import { xxHash32 } from "./lz4_decode.ts";

const MAGIC = [0x04, 0x22, 0x4d, 0x18];
/** Version 1, independent blocks, no checksums, no size; blocks of at most 4 MiB. */
const DESCRIPTOR = [0x60, 0x70];
/** Most bytes of a block before it is compressed. */
const MAX_BLOCK_SIZE = 4 * 1024 * 1024;
const END = new Uint8Array(4);

/**
 * Compresses to one LZ4 frame (LZ4 Frame Format 1.6), with the same descriptor as the official client.
 * Blocks that do not become smaller are stored as they are. So it adds at most 15 bytes to 4 MiB.
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

/** Returns the size of a block, with the highest bit set if it is not compressed. */
function blockSize(size: number, isCompressed: boolean): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, isCompressed ? size : (size | 0x80000000) >>> 0, true);
  return bytes;
}

const MIN_MATCH = 4;
/** Least number of literals at the end of a block. */
const LAST_LITERALS = 5;
/** No match begins closer to the end of a block than this. */
const MATCH_START_LIMIT = 12;
const MAX_DISTANCE = 65_535;
/** Each time that many bytes have no match, the step of the search grows by one. */
const SKIP_AFTER = 64;
/** Longest copy that a loop does faster than a call. */
const SHORT_COPY = 32;
const MIN_TABLE_BITS = 8, MAX_TABLE_BITS = 14;

/**
 * Compresses one block of the LZ4 format. A hash table remembers the last place of each run of four
 * bytes, and matches are looked for there. Returns undefined if the result would not be smaller.
 */
export function compressLz4Block(input: Uint8Array): Uint8Array | undefined {
  const length = input.length;
  const output = new BlockWriter(input);
  const view = new DataView(input.buffer, input.byteOffset, length);
  const bits = Math.min(MAX_TABLE_BITS, Math.max(MIN_TABLE_BITS, 32 - Math.clz32(length) - 2));
  const shift = 32 - bits;
  /** The last place of four bytes with this hash, plus one. */
  const table = new Int32Array(1 << bits);
  const lastStart = length - MATCH_START_LIMIT, lastEnd = length - LAST_LITERALS;
  let literals = 0;
  for (let at = 0; at <= lastStart;) {
    const word = view.getInt32(at, true);
    const slot = Math.imul(word, 0x9e3779b1) >>> shift;
    let from = table[slot]! - 1;
    table[slot] = at + 1;
    if (from < 0 || at - from > MAX_DISTANCE || view.getInt32(from, true) !== word) {
      at += 1 + Math.floor((at - literals) / SKIP_AFTER);
      continue;
    }
    let start = at, end = at + MIN_MATCH;
    for (let to = from + MIN_MATCH; end < lastEnd && input[end] === input[to]; to++) end++;
    while (start > literals && from > 0 && input[start - 1] === input[from - 1]) {
      start--;
      from--;
    }
    if (!output.writeMatch(literals, start, start - from, end - start)) return undefined;
    literals = at = end;
  }
  return output.finish(literals);
}

/** Writes the sequences of a block while they take less room than the input. */
class BlockWriter {
  readonly #input: Uint8Array;
  readonly #output: Uint8Array;
  #size = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
    this.#output = new Uint8Array(Math.max(0, input.length - 1));
  }

  /** Writes the literals from `start` to `end`, and a match. Returns whether they fit. */
  writeMatch(start: number, end: number, distance: number, match: number): boolean {
    const rest = match - MIN_MATCH;
    // The token, both lengths in their worst case, and the distance.
    const room = 1 + Math.floor((end - start) / 255) + 1 + (end - start) + 2 +
      Math.floor(rest / 255) + 1;
    if (this.#size + room > this.#output.length) return false;
    this.#writeLiterals(start, end, Math.min(rest, 15));
    this.#output[this.#size++] = distance & 0xff;
    this.#output[this.#size++] = distance >>> 8;
    if (rest >= 15) this.#writeLength(rest - 15);
    return true;
  }

  /** Writes the literals from `start` to the end of the input, and returns the block if it fits. */
  finish(start: number): Uint8Array | undefined {
    const end = this.#input.length;
    const room = 1 + Math.floor((end - start) / 255) + 1 + (end - start);
    if (this.#size + room > this.#output.length) return undefined;
    this.#writeLiterals(start, end, 0);
    return this.#output.subarray(0, this.#size);
  }

  #writeLiterals(start: number, end: number, matchNibble: number): void {
    const length = end - start;
    this.#output[this.#size++] = Math.min(length, 15) << 4 | matchNibble;
    if (length >= 15) this.#writeLength(length - 15);
    if (length > SHORT_COPY) {
      this.#output.set(this.#input.subarray(start, end), this.#size);
      this.#size += length;
    } else {
      for (let at = start; at < end; at++) this.#output[this.#size++] = this.#input[at]!;
    }
  }

  /** Writes the part of a length that does not fit the token: bytes of 255, and one that is less. */
  #writeLength(rest: number): void {
    for (; rest >= 255; rest -= 255) this.#output[this.#size++] = 255;
    this.#output[this.#size++] = rest;
  }
}
