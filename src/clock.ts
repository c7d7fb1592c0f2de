/** The handle of a timer set on a {@linkcode Clock}. Opaque: only the clock that made it reads it. */
export type TimerHandle = unknown;

/**
 * Time and randomness: all waiting, timestamps and random numbers of this module go through a clock.
 * So a test can drive a whole cluster in virtual time from a seed.
 */
export interface Clock {
  /** Returns wall clock time in milliseconds since 1970. Used only for dates in the protocol. */
  now(): number;
  /** Returns monotonic time in milliseconds, from an arbitrary start. Used for every deadline. */
  monotonic(): number;
  /** Runs `callback` once after `delay` milliseconds. */
  setTimer(callback: () => void, delay: number): TimerHandle;
  /** Cancels a timer. A timer that already ran is ignored. */
  clearTimer(timer: TimerHandle): void;
  /** Returns a number in [0, 1). */
  random(): number;
}

/** The longest delay of the runtime's timers. Longer ones would run immediately. */
const MAX_DELAY = 2 ** 31 - 1;

/** The clock of the runtime: `Date`, `performance`, `setTimeout` and `crypto`. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (callback, delay) => setTimeout(callback, Math.min(delay, MAX_DELAY)),
  clearTimer: (timer) => clearTimeout(timer as number),
  random: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32,
};

/** Waits `delay` milliseconds on `clock`. Rejects with the signal's reason if it aborts first. */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clock.clearTimer(timer);
      reject(signal!.reason);
    };
    const timer = clock.setTimer(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delay);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

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

  /** Returns the milliseconds that are left, never below 0. */
  get remaining(): number {
    return this.remainingAt(this.#clock.monotonic());
  }

  /** Returns the milliseconds left at `now`, for callers that have just read the clock. */
  remainingAt(now: number): number {
    return Math.max(0, this.#at - now);
  }

  /** Returns the milliseconds since it passed, 0 before. */
  get overdue(): number {
    return Math.max(0, this.#clock.monotonic() - this.#at);
  }

  /** Reports whether less than a millisecond is left: timers may fire that much early. */
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
 * Waits for a promise that others may wait for, too. When the time is over or the signal aborts, it
 * throws what `makeError` makes and leaves the promise alone.
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
