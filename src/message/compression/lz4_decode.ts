import { badBody, bodyTooLarge, OutputBuffer } from "./output_buffer.ts";

const MIN_MATCH = 4;
/** Longest copy that a loop does faster than a call. */
const SHORT_COPY = 32;

const FRAME_MAGIC = 0x184d2204;
/** First of the sixteen magic numbers of frames that hold no data. */
const SKIPPABLE_MAGIC = 0x184d2a50;

/** The descriptor of a frame. */
interface Descriptor {
  /** `true` if each block can be read without those before it. */
  independent: boolean;
  /** `true` if a checksum follows each block. */
  blockChecksum: boolean;
  /** `true` if a checksum of the content ends the frame. */
  contentChecksum: boolean;
  /** Size of the decompressed content in bytes, if the frame states it. */
  contentSize: number | undefined;
  /** Largest block in bytes, compressed as well as decompressed. */
  maxBlockSize: number;
}

/**
 * Decompresses LZ4 frames that follow each other (LZ4 Frame Format 1.6). Blocks may be linked. Checksums
 * are compared. Frames without data are skipped. Frames that need a dictionary and those of the legacy
 * format are refused.
 */
export function decompressLz4(bytes: Uint8Array, limit: number): Uint8Array {
  return new Lz4Decoder(bytes, limit).decode();
}

class Lz4Decoder {
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  readonly #output: OutputBuffer;
  #at = 0;

  constructor(bytes: Uint8Array, limit: number) {
    this.#bytes = bytes;
    this.#limit = limit;
    this.#output = new OutputBuffer(4 * bytes.length, limit);
  }

  decode(): Uint8Array {
    let frames = 0;
    do {
      const magic = this.#uint32("magic number");
      if (magic === FRAME_MAGIC) {
        this.#decodeFrame();
        frames++;
      } else if ((magic & ~0xf) === SKIPPABLE_MAGIC) {
        this.#take(this.#uint32("frame size"), "skippable frame");
      } else {
        throw this.#bad(`0x${magic.toString(16)} is not the magic number of a frame`, -4);
      }
    } while (this.#at < this.#bytes.length);
    if (frames === 0) throw this.#bad("it has no frame with data");
    return this.#output.finish();
  }

  #decodeFrame(): void {
    const frame = this.#readDescriptor();
    const output = this.#output, frameStart = output.size;
    for (;;) {
      const word = this.#uint32("block size");
      if (word === 0) break;
      const size = word & 0x7fffffff;
      if (size > frame.maxBlockSize) {
        throw this.#bad(
          `a block of ${size} bytes is over the ${frame.maxBlockSize} of its frame`,
          -4,
        );
      }
      const start = this.#at;
      const block = this.#take(size, "block");
      if (frame.blockChecksum && this.#uint32("block checksum") !== xxHash32(block)) {
        throw this.#bad("the checksum of a block does not match", -4);
      }
      if (word >>> 31 === 1) {
        output.write(block);
      } else {
        const reason = decompressLz4Block(
          block,
          output,
          frame.independent ? output.size : frameStart,
          frame.maxBlockSize,
        );
        if (reason) throw badBody("LZ4", reason, { offset: start });
      }
    }
    const content = output.written(frameStart);
    if (frame.contentChecksum && this.#uint32("content checksum") !== xxHash32(content)) {
      throw this.#bad("the checksum of the content does not match", -4);
    }
    if (frame.contentSize !== undefined && frame.contentSize !== content.length) {
      throw this.#bad(`it has ${content.length} bytes and states ${frame.contentSize}`);
    }
  }

  #readDescriptor(): Descriptor {
    const start = this.#at;
    const flags = this.#take(1, "frame descriptor")[0]!;
    const block = this.#take(1, "frame descriptor")[0]!;
    if (flags >>> 6 !== 1) throw this.#bad(`version ${flags >>> 6} of the frame is unknown`, -2);
    const sizeId = block >>> 4 & 7;
    if ((flags & 2) !== 0 || (block & 0x8f) !== 0 || sizeId < 4) {
      throw this.#bad("the frame descriptor has reserved bits set", -2);
    }
    if ((flags & 1) !== 0) throw this.#bad("it needs a dictionary", -2);
    const contentSize = (flags & 8) === 0 ? undefined : this.#readContentSize();
    const checksum = xxHash32(this.#bytes.subarray(start, this.#at)) >>> 8 & 0xff;
    if (this.#take(1, "descriptor checksum")[0] !== checksum) {
      throw this.#bad("the checksum of the frame descriptor does not match", -1);
    }
    return {
      independent: (flags & 0x20) !== 0,
      blockChecksum: (flags & 0x10) !== 0,
      contentChecksum: (flags & 4) !== 0,
      contentSize,
      maxBlockSize: 1 << (8 + 2 * sizeId),
    };
  }

  #readContentSize(): number {
    const low = this.#uint32("content size"), high = this.#uint32("content size");
    const size = high * 2 ** 32 + low;
    if (size > this.#limit - this.#output.size) throw bodyTooLarge(this.#limit);
    return size;
  }

  #uint32(field: string): number {
    const [a, b, c, d] = this.#take(4, field);
    return (a! | b! << 8 | c! << 16 | d! << 24) >>> 0;
  }

  #take(length: number, field: string): Uint8Array {
    const start = this.#at, left = this.#bytes.length - start;
    if (length > left) throw this.#bad(`the input ends within the ${field}`);
    this.#at = start + length;
    return this.#bytes.subarray(start, this.#at);
  }

  #bad(reason: string, back = 0): Error {
    return badBody("LZ4", reason, { offset: this.#at + back });
  }
}

/**
 * Appends the content of one compressed block to `output`. Matches reach back no further than
 * `windowStart`. Returns what is wrong with the block, if anything.
 */
function decompressLz4Block(
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

/** Appends `length` bytes from `distance` back. If the two overlap, the bytes repeat. */
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
