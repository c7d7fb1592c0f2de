/** Digits of a transaction id in which those of one generator differ. */
const DIGITS = 12;

const ZERO = 0x30, NINE = 0x39, A = 0x41, F = 0x46;

/** 2 ** 32 over the golden ratio: keys that count up come far from each other. */
const SCATTER = 0x9e3779b1;

/** Two to this power are the slots at first. */
const FIRST_BITS = 8;

/** Where no key is. */
const NONE = -1;

/**
 * What is known of the transactions that one producer sends: a table by numbers that stand for the
 * ids, which all begin with the same digits and count up in the others. The first one tells which.
 *
 * A `Map` would be less to write. The engine lays one out anew again and again while transactions
 * come and go, in memory that is collected rarely, and until then all that the old layouts name is
 * kept and moved: most of what a transaction is made of. Here a slot is cleared and used again.
 */
export class OwnTransactions<T> {
  #prefix: string | undefined;
  #bits = FIRST_BITS;
  #keys = new Float64Array(1 << FIRST_BITS).fill(NONE);
  #marks = new Int32Array(1 << FIRST_BITS);
  #values: (T | undefined)[] = new Array(1 << FIRST_BITS).fill(undefined);
  #size = 0;

  /** The number that stands for the id of a transaction that was sent here; -1 if none can. */
  claim(id: string): number {
    this.#prefix ??= id.slice(0, -DIGITS);
    return this.keyOf(id);
  }

  /** The number that stands for an id; -1 when it begins unlike those that were sent here. */
  keyOf(id: string): number {
    const prefix = this.#prefix, start = id.length - DIGITS;
    if (prefix?.length !== start || !id.startsWith(prefix)) return NONE;
    let key = 0;
    for (let at = start; at < id.length; at++) {
      const code = id.charCodeAt(at);
      if (code >= ZERO && code <= NINE) key = key * 16 + code - ZERO;
      else if (code >= A && code <= F) key = key * 16 + code - A + 10;
      else return NONE;
    }
    return key;
  }

  /** The slot of a key, until the next change; -1 when it is not there. */
  find(key: number): number {
    for (let slot = this.#home(key);; slot = this.#after(slot)) {
      const there = this.#keys[slot];
      if (there === key) return slot;
      if (there === NONE) return -1;
    }
  }

  /** What stands in a slot. */
  valueAt(slot: number): T {
    return this.#values[slot]!;
  }

  /** The number that was set beside it. */
  markAt(slot: number): number {
    return this.#marks[slot]!;
  }

  /** Sets a value and a number beside it, in place of what was there. */
  set(key: number, value: T, mark: number): void {
    const known = this.find(key);
    if (known >= 0) return this.#put(known, key, value, mark);
    if (++this.#size * 2 > this.#keys.length) this.#grow();
    this.#insert(key, value, mark);
  }

  /** Empties a slot. Those behind it that could stand there move up: a search ends at an empty one. */
  delete(slot: number): void {
    let empty = slot;
    for (let at = this.#after(slot); this.#keys[at] !== NONE; at = this.#after(at)) {
      if (this.#distance(this.#home(this.#keys[at]!), at) < this.#distance(empty, at)) continue;
      this.#put(empty, this.#keys[at]!, this.#values[at], this.#marks[at]!);
      empty = at;
    }
    this.#put(empty, NONE, undefined, 0);
    this.#size--;
  }

  #insert(key: number, value: T | undefined, mark: number): void {
    let slot = this.#home(key);
    while (this.#keys[slot] !== NONE) slot = this.#after(slot);
    this.#put(slot, key, value, mark);
  }

  #put(slot: number, key: number, value: T | undefined, mark: number): void {
    this.#keys[slot] = key;
    this.#values[slot] = value;
    this.#marks[slot] = mark;
  }

  #grow(): void {
    const keys = this.#keys, values = this.#values, marks = this.#marks;
    this.#bits++;
    this.#keys = new Float64Array(1 << this.#bits).fill(NONE);
    this.#marks = new Int32Array(1 << this.#bits);
    this.#values = new Array(1 << this.#bits).fill(undefined);
    keys.forEach((key, slot) => {
      if (key !== NONE) this.#insert(key, values[slot], marks[slot]!);
    });
  }

  #home(key: number): number {
    return Math.imul((key | 0) ^ (key / 2 ** 32), SCATTER) >>> (32 - this.#bits);
  }

  #after(slot: number): number {
    return (slot + 1) & (this.#keys.length - 1);
  }

  #distance(from: number, to: number): number {
    return (to - from) & (this.#keys.length - 1);
  }
}
