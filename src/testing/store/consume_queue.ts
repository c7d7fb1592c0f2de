/** One queue of a topic: where its messages are in the log, and the hashes of their tags. */
export class ConsumeQueue {
  readonly #positions: number[] = [];
  readonly #tagCodes: number[] = [];

  /** Offset that the next message will get. */
  get length(): number {
    return this.#positions.length;
  }

  /** Adds a message and gives its offset. */
  append(position: number, tagCode: number): number {
    this.#tagCodes.push(tagCode);
    return this.#positions.push(position) - 1;
  }

  /** Position in the log of the message at `offset`. */
  positionAt(offset: number): number | undefined {
    return this.#positions[offset];
  }

  /** Hash of the tag of the message at `offset`; 0 when it has none. */
  tagCodeAt(offset: number): number {
    return this.#tagCodes[offset] ?? 0;
  }
}
