/** UTF-8 takes at most so many bytes for one unit of UTF-16. */
const MAX_UTF8_PER_UNIT = 3;

/** Bytes of an escaped control character. */
const ESCAPED = 6;

/** Texts up to this length are written unit by unit, which costs less than to call the encoder. */
const SHORT_TEXT = 512;

/** Pieces up to this length are copied byte by byte, for the same reason. */
const SHORT_PIECE = 32;

const QUOTE = 0x22, BACKSLASH = 0x5c, MINUS = 0x2d, ZERO = 0x30;

/** From here on an integer is no int32 any more. */
const INT32 = 2 ** 31;

const MILLION = 1_000_000;

const encoder = new TextEncoder();

/** Writes bytes, and values as JSON, one behind the other into memory that grows. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param size Bytes that it takes without growing. */
  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  /** Bytes that were written. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that it has memory for. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** All of the memory, until it grows. */
  get memory(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** Goes to a place, back to forget what was written behind it, or on to leave room. */
  seek(length: number): void {
    this.reserve(length - this.#length);
    this.#length = length;
  }

  /** Takes memory for `size` more bytes. */
  reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  /** Bytes as they are. */
  piece(piece: Uint8Array): void {
    const { length } = piece;
    this.reserve(length);
    if (length > SHORT_PIECE) this.#bytes.set(piece, this.#length);
    else {
      const bytes = this.#bytes, at = this.#length;
      for (let i = 0; i < length; i++) bytes[at + i] = piece[i]!;
    }
    this.#length += length;
  }

  /** An integer of one to four bytes, the highest first. */
  binary(value: number, size: 1 | 2 | 4): void {
    this.reserve(size);
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8) {
      this.#bytes[this.#length++] = value >>> shift;
    }
  }

  /** A text as UTF-8, and before it how many bytes that takes. */
  sized(text: string, size: 2 | 4): void {
    const { length } = text, start = this.#length;
    this.seek(start + size);
    this.reserve(length);
    const bytes = this.#bytes;
    let at = this.#length, i = 0;
    if (length <= SHORT_TEXT) {
      for (; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 0x7f) break;
        bytes[at++] = unit;
      }
    }
    if (i === length) this.#length = at;
    else this.#encode(text);
    const end = this.#length;
    this.#length = start;
    this.binary(end - start - size, size);
    this.#length = end;
  }

  /** A text as UTF-8. */
  text(text: string): void {
    this.reserve(text.length);
    const { read, written } = encoder.encodeInto(text, this.#bytes.subarray(this.#length));
    if (read === text.length) this.#length += written;
    else this.#encode(text);
  }

  /** An integer in decimal digits. */
  integer(value: number): void {
    const rest = Math.abs(value);
    if (rest >= INT32) return this.#digits(value);
    let at = this.#length + (value < 0 ? 1 : 0);
    for (let power = 10; power <= rest; power *= 10) at++;
    this.reserve(at + 1 - this.#length);
    if (value < 0) this.#bytes[this.#length] = MINUS;
    this.#length = at + 1;
    this.#putDigits(rest, at);
  }

  /** One that is beyond an int32. */
  #digits(value: number): void {
    const rest = Math.abs(value), high = Math.floor(rest / MILLION);
    this.integer(value < 0 ? -high : high);
    this.reserve(6);
    this.#bytes.fill(ZERO, this.#length, this.#length + 6);
    this.#length += 6;
    this.#putDigits(rest - high * MILLION, this.#length - 1);
  }

  /** Puts the digits of an int32, its last one at `at`. */
  #putDigits(value: number, at: number): void {
    const bytes = this.#bytes;
    for (let rest = value, last = at;; last--) {
      const tens = (rest / 10) | 0;
      bytes[last] = ZERO + rest - 10 * tens;
      if (tens === 0) return;
      rest = tens;
    }
  }

  /** A 64-bit integer in decimal digits. */
  long(value: bigint): void {
    const number = Number(value);
    if (Number.isSafeInteger(number)) this.integer(number);
    else this.#encode(String(value));
  }

  /** A text as a JSON string. */
  quoted(text: string): void {
    const { length } = text;
    if (length > SHORT_TEXT) return this.#encode(JSON.stringify(text));
    this.reserve(length + 2);
    const start = this.#length;
    let bytes = this.#bytes, at = start;
    bytes[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x1f && unit < 0x80 && unit !== QUOTE && unit !== BACKSLASH) {
        bytes[at++] = unit;
        continue;
      }
      if (unit !== 1 && unit !== 2) return this.#encode(JSON.stringify(text));
      // What separates the properties of a message.
      if (at + ESCAPED * (length - i) >= bytes.length) {
        this.#length = at;
        this.reserve(ESCAPED * (length - i) + 1);
        this.#length = start;
        bytes = this.#bytes;
      }
      bytes[at] = BACKSLASH;
      bytes[at + 1] = 0x75;
      bytes[at + 2] = ZERO;
      bytes[at + 3] = ZERO;
      bytes[at + 4] = ZERO;
      bytes[at + 5] = ZERO + unit;
      at += ESCAPED;
    }
    bytes[at] = QUOTE;
    this.#length = at + 1;
  }

  #encode(text: string): void {
    if (text.length > SHORT_TEXT) return this.piece(encoder.encode(text));
    this.reserve(MAX_UTF8_PER_UNIT * text.length);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#length));
    this.#length += written;
  }
}
