import { type ErrorFacts, MessageDecodeError } from "../../errors.ts";

/** Makes the error for a compressed body that is not what it should be. */
export function badBody(
  type: "LZ4" | "ZSTD" | "ZLIB",
  reason: string,
  options: ErrorFacts = {},
): MessageDecodeError {
  return new MessageDecodeError(`Cannot decompress ${type} body: ${reason}`, options);
}

/** Makes the error for a compressed body that would become larger than allowed. */
export function bodyTooLarge(limit: number): MessageDecodeError {
  return new MessageDecodeError(
    `Cannot decompress body: it would have more than ${limit} bytes, the limit`,
    { limit },
  );
}

/** Bytes that grow as they are decompressed, up to a bound. */
export class OutputBuffer {
  /** What was written, and room after it. It is replaced when it grows. */
  bytes: Uint8Array;
  /** Number of bytes written. */
  size = 0;
  readonly #limit: number;

  /** Takes a first guess of the size in bytes, `expected`. */
  constructor(expected: number, limit: number) {
    this.bytes = new Uint8Array(Math.min(expected, limit));
    this.#limit = limit;
  }

  /** Makes room for `length` more bytes. @throws {MessageDecodeError} when they would pass the limit. */
  reserve(length: number): void {
    const needed = this.size + length;
    if (needed <= this.bytes.length) return;
    if (needed > this.#limit) throw bodyTooLarge(this.#limit);
    const grown = new Uint8Array(Math.min(this.#limit, Math.max(needed, 2 * this.bytes.length)));
    grown.set(this.bytes.subarray(0, this.size));
    this.bytes = grown;
  }

  write(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.size);
    this.size += bytes.length;
  }

  /** Returns a view of what was written so far, from `start`. */
  written(start = 0): Uint8Array {
    return this.bytes.subarray(start, this.size);
  }

  /** Returns what was written, in memory of just that size. Nothing may be written afterwards. */
  finish(): Uint8Array {
    return this.size === this.bytes.length ? this.bytes : this.bytes.slice(0, this.size);
  }
}
