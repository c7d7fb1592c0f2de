import type { Clock, TimerHandle } from "../clock.ts";
import { describe } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";

/** Repeats work at intervals until it is stopped. The first round comes after one interval. */
export class PeriodicWork {
  readonly #clock: Clock;
  readonly #log: ThrottledLogger;
  readonly #timers = new Map<string, TimerHandle>();
  #stopped = false;

  constructor(clock: Clock, log: ThrottledLogger) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Does `work` every `interval` milliseconds, counted from start to start. If a round takes longer, the
   * next one begins when it ends. Failures are logged.
   */
  every(name: string, interval: number, work: () => Promise<void>): void {
    let due = this.#clock.monotonic();
    const next = () => {
      if (this.#stopped) return;
      const now = this.#clock.monotonic();
      due = Math.max(due + interval, now);
      this.#timers.set(name, this.#clock.setTimer(run, due - now));
    };
    const run = () => {
      work().catch((error) => {
        this.#log.error(`work on ${name}`, `The work on ${name} failed: ${describe(error)}`);
      }).finally(next);
    };
    next();
  }

  /** Begins no more rounds. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) this.#clock.clearTimer(timer);
    this.#timers.clear();
  }
}
