/** Bytes of one piece of the log. */
const CHUNK_SIZE = 256 * 1024;

/**
 * Records one after another, in memory, up to a bound. It grows by chunks, so that nothing is
 * copied when it grows and it takes no more than what was appended, plus one chunk.
 */
export class CommitLog {
  readonly #maxSize: number;
  readonly #chunks: Uint8Array[] = [];
  #end = 0;

  /** @param maxSize Most bytes that it takes. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Position of the next record: the bytes that were appended so far. */
  get end(): number {
    return this.#end;
  }

  /** Whether `length` more bytes may be appended. */
  hasRoomFor(length: number): boolean {
    return this.#end + length <= this.#maxSize;
  }

  /** Copies a record behind the last one, and gives its position. */
  append(record: Uint8Array): number {
    const position = this.#end;
    for (let copied = 0; copied < record.length;) {
      const at = this.#end % CHUNK_SIZE;
      if (at === 0) this.#chunks.push(new Uint8Array(CHUNK_SIZE));
      const part = record.subarray(copied, copied + CHUNK_SIZE - at);
      this.#chunks.at(-1)!.set(part, at);
      copied += part.length;
      this.#end += part.length;
    }
    return position;
  }

  /** The bytes from `position` on; undefined where they are not all there. Not to be written to. */
  read(position: number, length: number): Uint8Array | undefined {
    if (position < 0 || length < 0 || position + length > this.#end) return undefined;
    const first = Math.floor(position / CHUNK_SIZE), at = position % CHUNK_SIZE;
    if (at + length <= CHUNK_SIZE) {
      return this.#chunks[first]?.subarray(at, at + length) ?? new Uint8Array(0);
    }
    const bytes = new Uint8Array(length);
    for (let copied = 0, chunk = first; copied < length; chunk++) {
      const start = chunk === first ? at : 0;
      const part = this.#chunks[chunk]!.subarray(start, start + length - copied);
      bytes.set(part, copied);
      copied += part.length;
    }
    return bytes;
  }

  /** The number in the four bytes at `position`, where a record states its size. */
  readInt32(position: number): number | undefined {
    const bytes = this.read(position, 4);
    return bytes && new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0);
  }
}
