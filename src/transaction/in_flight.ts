import { type Clock, sleep } from "../clock.ts";
import type { Deadline } from "../client/mod.ts";

/** Milliseconds after `giveUp` for what can still be said. */
const LAST_WORDS = 500;

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
 * Waits for `work` until the deadline. When that passes, calls `giveUp`, and gives what it ends a
 * moment to send its last words.
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
  await wait(deadline.remaining);
  if (done.signal.aborted) return;
  giveUp();
  await wait(LAST_WORDS);
}
