import type { OutputBuffer } from "./output_buffer.ts";

const MIN_MATCH = 4;
/** Up to this length a loop copies faster than a call. */
const SHORT_COPY = 32;

/**
 * Appends the content of one compressed block to `output`. Matches reach back no further than
 * `windowStart`. Returns what is wrong with the block, if anything is.
 */
export function decompressLz4Block(
  block: Uint8Array,
  output: OutputBuffer,
  windowStart: number,
  maxSize: number,
): string | undefined {
  const length = block.length, blockStart = output.size;
  let at = 0;
  while (at < length) {
    const token = block[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more: number;
      do {
        if (at === length) return "a block ends within a length";
        more = block[at++]!;
        literals += more;
      } while (more === 255);
    }
    if (literals > length - at) return "literals reach beyond the end of their block";
    output.reserve(literals);
    // Literals end every block, so this holds for the matches before them, too.
    if (output.size + literals - blockStart > maxSize) {
      return "a block becomes larger than its frame allows";
    }
    copyLiterals(output, block, at, literals);
    at += literals;
    if (at === length) return undefined;
    if (at + 2 > length) return "a block ends within a match";
    const distance = block[at]! | block[at + 1]! << 8;
    at += 2;
    if (distance === 0 || distance > output.size - windowStart) {
      return "a match begins outside of what was decompressed";
    }
    let match = (token & 15) + MIN_MATCH;
    if (match === 15 + MIN_MATCH) {
      let more: number;
      do {
        if (at === length) return "a block ends within a length";
        more = block[at++]!;
        match += more;
      } while (more === 255);
    }
    output.reserve(match);
    copyMatch(output, distance, match);
  }
  return "a block does not end with literals";
}

/** Appends `length` bytes of `block`, from `at`. */
function copyLiterals(output: OutputBuffer, block: Uint8Array, at: number, length: number): void {
  if (length > SHORT_COPY) return output.write(block.subarray(at, at + length));
  const { bytes, size } = output;
  for (let i = 0; i < length; i++) bytes[size + i] = block[at + i]!;
  output.size = size + length;
}

/** Appends `length` bytes from `distance` back; where the two overlap, the bytes repeat. */
function copyMatch(output: OutputBuffer, distance: number, length: number): void {
  const { bytes, size } = output;
  const from = size - distance;
  if (length <= SHORT_COPY) {
    for (let i = 0; i < length; i++) bytes[size + i] = bytes[from + i]!;
  } else {
    bytes.copyWithin(size, from, from + Math.min(length, distance));
    for (let copied = distance; copied < length; copied *= 2) {
      bytes.copyWithin(size + copied, size, size + Math.min(copied, length - copied));
    }
  }
  output.size = size + length;
}
