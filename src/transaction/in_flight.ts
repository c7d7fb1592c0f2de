import { type Clock, sleep } from "../clock.ts";
import type { Deadline } from "../client/mod.ts";

/** Milliseconds before the deadline at which `giveUp` is called, of a short time a quarter at most. */
const GRACE = 500;

/** Counts what is under way, and tells when nothing is. */
export class InFlight {
  #count = 0;
  #wake: (() => void)[] = [];

  /** How much is under way. */
  get size(): number {
    return this.#count;
  }

  /** Counts one more. {@linkcode InFlight.end} has to follow. */
  begin(): void {
    this.#count++;
  }

  /** Counts one less. */
  end(): void {
    if (--this.#count > 0 || this.#wake.length === 0) return;
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Waits until nothing is under way. */
  async idle(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }
}

/**
 * Waits for `work` until the deadline. Shortly before it, calls `giveUp`: what that ends has the rest of
 * the time for its last requests.
 */
export async function finish(
  clock: Clock,
  work: Promise<unknown>,
  deadline: Deadline,
  giveUp: () => void,
): Promise<void> {
  const done = new AbortController();
  work.then(() => done.abort());
  const wait = (delay: number) => sleep(clock, delay, done.signal).catch(() => {});
  const { remaining } = deadline;
  await wait(remaining - Math.min(GRACE, remaining / 4));
  if (done.signal.aborted) return;
  giveUp();
  await wait(deadline.remaining);
}
