/** Slots at first: a power of two. */
const FIRST_SIZE = 64;

/** More slots than these are not kept once they are all empty. */
const KEPT_SIZE = 4_096;

/**
 * What is under way, by its number. Numbers are given out one after another, hence the low bits of
 * each name a slot of its own. Unlike a `Map` nothing is laid out anew while things come and go,
 * which would leave garbage behind that keeps what has ended alive.
 */
export class RequestSlots<T extends { readonly opaque: number }> {
  #slots = emptySlots<T>(FIRST_SIZE);
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Whether a number can be used: its slot is empty. */
  isFree(opaque: number): boolean {
    return this.#slots[opaque & (this.#slots.length - 1)] === undefined;
  }

  /** The one with this number. */
  get(opaque: number): T | undefined {
    const found = this.#slots[opaque & (this.#slots.length - 1)];
    return found?.opaque === opaque ? found : undefined;
  }

  /** Puts one into its slot, which must be free. At least half of the slots stay empty. */
  add(item: T): void {
    if (++this.#size * 2 > this.#slots.length) this.#grow();
    this.#slots[item.opaque & (this.#slots.length - 1)] = item;
  }

  /** Takes one out; false when it is not there. */
  delete(item: T): boolean {
    if (this.get(item.opaque) !== item) return false;
    this.#slots[item.opaque & (this.#slots.length - 1)] = undefined;
    if (--this.#size === 0 && this.#slots.length > KEPT_SIZE) this.#slots = emptySlots(FIRST_SIZE);
    return true;
  }

  /** All that are there, those whose number follows on `opaque` first, which are the oldest. */
  after(opaque: number): T[] {
    const start = (opaque + 1) & (this.#slots.length - 1);
    const ring = [...this.#slots.slice(start), ...this.#slots.slice(0, start)];
    return ring.filter((item) => item !== undefined);
  }

  /** Two numbers that differ in their low bits differ in more of them, too. */
  #grow(): void {
    const slots = emptySlots<T>(this.#slots.length * 2);
    for (const item of this.#slots) {
      if (item) slots[item.opaque & (slots.length - 1)] = item;
    }
    this.#slots = slots;
  }
}

function emptySlots<T>(size: number): (T | undefined)[] {
  return new Array<T | undefined>(size).fill(undefined);
}
