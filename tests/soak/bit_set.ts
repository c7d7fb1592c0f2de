/** A set of small whole numbers that takes one bit for each number up to its largest. */
export class BitSet {
  #bytes = new Uint8Array(1024);
  #size = 0;

  /** How many numbers are in it. */
  get size(): number {
    return this.#size;
  }

  /** Adds a number; gives whether it is new. */
  add(number: number): boolean {
    const at = number >>> 3, bit = 1 << (number & 7);
    if (at >= this.#bytes.length) this.#grow(at + 1);
    if (this.#bytes[at]! & bit) return false;
    this.#bytes[at]! |= bit;
    this.#size++;
    return true;
  }

  /** Whether a number is in it. */
  has(number: number): boolean {
    return ((this.#bytes[number >>> 3] ?? 0) & 1 << (number & 7)) !== 0;
  }

  /** The numbers below `end` that are in it and not in `other`. */
  *without(other: BitSet, end = Infinity): Generator<number, void> {
    const bytes = Math.min(this.#bytes.length, Math.ceil(end / 8));
    for (let at = 0; at < bytes; at++) {
      const rest = this.#bytes[at]! & ~(other.#bytes[at] ?? 0);
      for (let bit = 0; rest >> bit !== 0; bit++) {
        const number = at * 8 + bit;
        if (rest >> bit & 1 && number < end) yield number;
      }
    }
  }

  #grow(least: number): void {
    const bytes = new Uint8Array(Math.max(least, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }
}
