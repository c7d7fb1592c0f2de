/** The handle of a timer set on a {@linkcode Clock}. Opaque: only the clock that made it reads it. */
export type TimerHandle = unknown;

/**
 * Time and randomness: all waiting, timestamps and random numbers of this module go through a clock.
 * So a test can drive a whole cluster in virtual time from a seed.
 */
export interface Clock {
  /** Wall clock time in milliseconds since 1970. Used only where the protocol wants a date. */
  now(): number;
  /** Monotonic time in milliseconds, from an arbitrary start. Used for every deadline. */
  monotonic(): number;
  /** Runs `callback` once after `delay` milliseconds. */
  setTimer(callback: () => void, delay: number): TimerHandle;
  /** Cancels a timer. A timer that already ran is ignored. */
  clearTimer(timer: TimerHandle): void;
  /** Returns a number in [0, 1). */
  random(): number;
}

/** The longest delay that timers of the runtime take; one that is longer would run immediately. */
const MAX_DELAY = 2 ** 31 - 1;

/** The clock of the runtime: `Date`, `performance`, `setTimeout` and `crypto`. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (callback, delay) => setTimeout(callback, Math.min(delay, MAX_DELAY)),
  clearTimer: (timer) => clearTimeout(timer as number),
  random: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32,
};

/** Waits `delay` milliseconds on `clock`; rejects with the signal's reason when it aborts first. */
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
