import type { Clock } from "./clock.ts";

/**
 * Draws the pauses between attempts. Each bound is twice the one before, up to a maximum, and each
 * pause is drawn from the upper half below its bound. So clients that failed together do not come back
 * together.
 */
export class Backoff {
  readonly #clock: Clock;
  readonly #max: number;
  #bound: number;

  /** Takes the bound of the first pause, `min`, and that of the longest ones, in milliseconds. */
  constructor(clock: Clock, min: number, max: number) {
    this.#clock = clock;
    this.#max = max;
    this.#bound = min;
  }

  /** Returns the milliseconds of the next pause. */
  next(): number {
    const bound = this.#bound;
    this.#bound = Math.min(2 * bound, this.#max);
    return bound / 2 + this.#clock.random() * bound / 2;
  }
}
