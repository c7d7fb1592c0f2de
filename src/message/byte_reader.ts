import { MessageDecodeError } from "../errors.ts";

/** Reads big-endian fields one after the other and never beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** What is being read, for the text of errors. */
  readonly #what: string;
  #offset = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  /** Position of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether every byte was read. */
  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  uint8(field: string): number {
    return this.#view.getUint8(this.#advance(1, field));
  }

  int16(field: string): number {
    return this.#view.getInt16(this.#advance(2, field));
  }

  int32(field: string): number {
    return this.#view.getInt32(this.#advance(4, field));
  }

  int64(field: string): bigint {
    return this.#view.getBigInt64(this.#advance(8, field));
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number, field: string): Uint8Array {
    const start = this.#advance(length, field);
    return this.#bytes.subarray(start, start + length);
  }

  /** An error about the bytes at `offset`. */
  fail(reason: string, offset: number, limit?: number): MessageDecodeError {
    return new MessageDecodeError(`Cannot decode ${this.#what}: ${reason}`, { offset, limit });
  }

  #advance(length: number, field: string): number {
    const start = this.#offset, left = this.#bytes.length - start;
    if (length < 0 || length > left) {
      throw this.fail(`${field} has ${length} bytes, ${left} are left`, start, left);
    }
    this.#offset = start + length;
    return start;
  }
}
