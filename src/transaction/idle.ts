import { type Clock, type Deadline, sleep } from "../clock.ts";

/** Milliseconds that aborted work has before the end of a shutdown, for its last END_TRANSACTION. */
const SHUTDOWN_GRACE_MS = 500;

/** Counts what is under way, and tells when nothing is. */
export class Idle {
  #count = 0;
  #wake: (() => void)[] = [];

  get size(): number {
    return this.#count;
  }

  /** Counts one more. {@linkcode Idle.end} has to follow. */
  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count > 0 || this.#wake.length === 0) return;
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Waits until nothing is under way. */
  async wait(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }
}

/**
 * Waits for `work` until shortly before the deadline. When that passes, calls `giveUp`, and leaves
 * what it aborts the rest of the time.
 */
export async function finishWithin(
  deadline: Deadline,
  work: Promise<unknown>,
  clock: Clock,
  giveUp: () => void,
): Promise<void> {
  const done = new AbortController();
  work.then(() => done.abort());
  const wait = (delay: number) => sleep(clock, delay, done.signal).catch(() => {});
  const grace = Math.min(SHUTDOWN_GRACE_MS, deadline.remaining / 2);
  await wait(deadline.remaining - grace);
  if (done.signal.aborted) return;
  giveUp();
  await wait(deadline.remaining);
}
