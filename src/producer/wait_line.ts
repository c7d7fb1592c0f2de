/** A place in a {@linkcode WaitLine}. */
export interface Place<T> {
  /** Who stands there. */
  readonly value: T;
  /** @internal */
  previous: Place<T> | undefined;
  /** @internal */
  next: Place<T> | undefined;
}

/** Those who wait, in the order in which they came. Anyone can leave it at once, from anywhere. */
export class WaitLine<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Who is next. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  /** Takes the last place. */
  join(value: T): Place<T> {
    const place: Place<T> = { value, previous: this.#last, next: undefined };
    if (this.#last) this.#last.next = place;
    else this.#first = place;
    this.#last = place;
    this.#size++;
    return place;
  }

  /** Gives up a place, once. */
  leave({ previous, next }: Place<T>): void {
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    this.#size--;
  }
}
