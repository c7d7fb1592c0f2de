/** Joins byte arrays. Not `@std/bytes`: `./remoting` and `./message` run alone, also in a browser. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Most bytes of UTF-8 for one unit of UTF-16. */
const MAX_UTF8_PER_UNIT = 3;

/** Length up to which a text is written unit by unit: this costs less than a call of the encoder. */
const SHORT_TEXT = 512;

/** Length up to which bytes are copied one by one: this costs less than a call of `set()`. */
const SHORT_BYTES = 64;

const encoder = new TextEncoder();

/** Writes big-endian numbers, bytes and UTF-8 one after another into memory that grows. */
export class ByteWriter {
  #memory: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param size Bytes that fit without growing. */
  constructor(size: number) {
    this.#memory = new Uint8Array(size);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that fit without growing. */
  get capacity(): number {
    return this.#memory.length;
  }

  /** Returns all of the memory. It is replaced when it grows. */
  get memory(): Uint8Array<ArrayBuffer> {
    return this.#memory;
  }

  /** Returns what was written: all of the memory if it is full, otherwise a copy. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#length === this.#memory.length
      ? this.#memory
      : this.#memory.slice(0, this.#length);
  }

  /** Moves to a place: back to drop what was written after it, or forward to leave room. */
  seek(length: number): void {
    this.#reserve(length - this.#length);
    this.#length = length;
  }

  bytes(bytes: Uint8Array): void {
    const { length } = bytes, start = this.#length;
    this.#reserve(length);
    const memory = this.#memory;
    if (length > SHORT_BYTES) memory.set(bytes, start);
    else for (let i = 0; i < length; i++) memory[start + i] = bytes[i]!;
    this.#length = start + length;
  }

  /** Writes an integer into one, two or four bytes. */
  integer(value: number, size: 1 | 2 | 4): void {
    this.#reserve(size);
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8) {
      this.#memory[this.#length++] = value >>> shift;
    }
  }

  int64(value: bigint): void {
    this.integer(Number(BigInt.asIntN(32, value >> 32n)), 4);
    this.integer(Number(BigInt.asIntN(32, value)), 4);
  }

  /** Writes a text as UTF-8. */
  text(text: string): void {
    const { length } = text;
    this.#reserve(length);
    if (length > SHORT_TEXT) return this.#encode(text);
    const memory = this.#memory, start = this.#length;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return this.#encode(text);
      memory[start + i] = unit;
    }
    this.#length = start + length;
  }

  /** Writes a text as UTF-8, with the number of its bytes before it. */
  lengthPrefixed(text: string, size: 2 | 4): void {
    const start = this.#length;
    this.seek(start + size);
    this.text(text);
    const end = this.#length;
    this.#length = start;
    this.integer(end - start - size, size);
    this.#length = end;
  }

  #encode(text: string): void {
    if (text.length > SHORT_TEXT) return this.bytes(encoder.encode(text));
    this.#reserve(MAX_UTF8_PER_UNIT * text.length);
    const { written } = encoder.encodeInto(text, this.#memory.subarray(this.#length));
    this.#length += written;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#memory.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#memory.length));
    grown.set(this.#memory.subarray(0, this.#length));
    this.#memory = grown;
  }
}
