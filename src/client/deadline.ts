import type { Clock } from "../clock.ts";

/** A moment in monotonic time by which something must be over. */
export class Deadline {
  readonly #clock: Clock;
  readonly #at: number;
  /** The milliseconds that it was made with, for messages. */
  readonly timeout: number;
  /** When it was made, in monotonic milliseconds. */
  readonly madeAt: number;

  constructor(clock: Clock, timeout: number) {
    this.#clock = clock;
    this.timeout = timeout;
    this.madeAt = clock.monotonic();
    this.#at = this.madeAt + timeout;
  }

  /** Milliseconds that are left, never below 0. */
  get remaining(): number {
    return this.remainingAt(this.#clock.monotonic());
  }

  /** Returns the milliseconds left at `now`, for callers that have just read the clock. */
  remainingAt(now: number): number {
    return Math.max(0, this.#at - now);
  }

  /** Milliseconds since it passed; 0 before. */
  get overdue(): number {
    return Math.max(0, this.#clock.monotonic() - this.#at);
  }

  /** Reports whether nothing is left that could be used: timers may fire up to a millisecond early. */
  get passed(): boolean {
    return this.remaining < 1;
  }
}

/** The bounds of a wait. */
export interface WaitOptions {
  /** Milliseconds to wait. */
  timeout: number;
  /** Ends the wait early. */
  signal?: AbortSignal | undefined;
}

/**
 * Waits for a promise that others may wait for too: at the end of the time, or when the signal
 * aborts, it throws what `makeError` makes and leaves the promise alone.
 */
export async function within<T>(
  clock: Clock,
  promise: Promise<T>,
  options: WaitOptions,
  makeError: (failure: "TIMEOUT" | "ABORTED", cause?: unknown) => Error,
): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const { timeout, signal } = options;
  const onAbort = () => reject(makeError("ABORTED", signal!.reason));
  if (signal?.aborted) onAbort();
  const timer = clock.setTimer(() => reject(makeError("TIMEOUT")), timeout);
  signal?.addEventListener("abort", onAbort, { once: true });
  promise.catch(() => {});
  try {
    return await Promise.race([ended, promise]);
  } finally {
    clock.clearTimer(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
