/** Writes big-endian fields one after the other into bytes whose size was computed before. */
export class ByteWriter {
  /** What is written to. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  uint8(value: number): void {
    this.#view.setUint8(this.#advance(1), value);
  }

  int16(value: number): void {
    this.#view.setInt16(this.#advance(2), value);
  }

  int32(value: number): void {
    this.#view.setInt32(this.#advance(4), value);
  }

  int64(value: bigint): void {
    this.#view.setBigInt64(this.#advance(8), value);
  }

  put(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#advance(bytes.length));
  }

  #advance(length: number): number {
    const start = this.#offset;
    this.#offset = start + length;
    return start;
  }
}
