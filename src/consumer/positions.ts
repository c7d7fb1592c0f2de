/**
 * Keeps which messages of a queue are unsettled. The offset to commit is that of the first of them, so a
 * commit never passes one. Without any, it is the offset up to which the queue was read.
 */
export class Positions {
  /** In ascending order, because messages are read in this order. */
  readonly #open = new Set<bigint>();
  #readTo: bigint;

  /** @param start Offset at which reading begins. */
  constructor(start: bigint) {
    this.#readTo = start;
  }

  /** Returns the offset that is read next. */
  get readTo(): bigint {
    return this.#readTo;
  }

  /** Returns the offset to commit: every message before it is settled, or was not for this group. */
  get committable(): bigint {
    for (const first of this.#open) return first;
    return this.#readTo;
  }

  /** Counts the unsettled messages. */
  get unsettled(): number {
    return this.#open.size;
  }

  /**
   * Takes messages that were read, in ascending order, and the offset at which the broker goes on.
   * Offsets between them were not for this group. A message below the offset that is read next is a
   * repetition.
   *
   * @returns the offsets that are new.
   */
  take(offsets: Iterable<bigint>, next: bigint): bigint[] {
    const fresh: bigint[] = [];
    for (const offset of offsets) {
      if (offset < this.#readTo) continue;
      this.#open.add(offset);
      this.#readTo = offset + 1n;
      fresh.push(offset);
    }
    if (next > this.#readTo) this.#readTo = next;
    return fresh;
  }

  /** Settles a message. Returns `false` if it is not open, for example because it was settled already. */
  settle(offset: bigint): boolean {
    return this.#open.delete(offset);
  }
}
