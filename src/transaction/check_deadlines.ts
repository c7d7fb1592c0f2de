import type { Clock, TimerHandle } from "../clock.ts";

/** A timer may run so many milliseconds before its time. */
const TIMER_SLACK = 1;

interface OpenCheck {
  readonly endsAt: number;
  readonly expire: (reason: Error) => void;
}

/**
 * The time that listeners have for the check-backs that they were asked about. It is as long for all
 * of them, so that they end in the order in which they began, and one timer does for all.
 */
export class CheckDeadlines {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #timeUp: AbortSignal;
  readonly #open = new Set<OpenCheck>();
  #timer: TimerHandle | undefined;

  /**
   * @param timeout Milliseconds within which a check-back must be answered.
   * @param timeUp Aborts when the producer waits no longer.
   */
  constructor(clock: Clock, timeout: number, timeUp: AbortSignal) {
    this.#clock = clock;
    this.#timeout = timeout;
    this.#timeUp = timeUp;
    const endAll = () => this.#end([...this.#open], timeUp.reason as Error);
    timeUp.addEventListener("abort", endAll, { once: true });
  }

  /**
   * Begins the time of a check-back. `expire` is called once when it is over, unless the function
   * that this gives was called before.
   *
   * @throws The reason of `timeUp` when that has aborted.
   */
  begin(expire: (reason: Error) => void): () => void {
    this.#timeUp.throwIfAborted();
    const check = { endsAt: this.#clock.monotonic() + this.#timeout, expire };
    this.#open.add(check);
    if (this.#timer === undefined) this.#setTimer(this.#timeout);
    return () => void this.#remove(check);
  }

  #remove(check: OpenCheck): boolean {
    const wasOpen = this.#open.delete(check);
    if (this.#open.size === 0 && this.#timer !== undefined) {
      this.#clock.clearTimer(this.#timer);
      this.#timer = undefined;
    }
    return wasOpen;
  }

  #setTimer(delay: number): void {
    this.#timer = this.#clock.setTimer(() => this.#endThoseDue(), delay);
  }

  #endThoseDue(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic(), due: OpenCheck[] = [];
    for (const check of this.#open) {
      const rest = check.endsAt - now;
      if (rest >= TIMER_SLACK) {
        this.#setTimer(rest);
        break;
      }
      due.push(check);
    }
    this.#end(due, new Error(`the listener gave no answer within ${this.#timeout} ms`));
  }

  #end(checks: readonly OpenCheck[], reason: Error): void {
    // The end of one may be what answers another.
    for (const check of checks) if (this.#remove(check)) check.expire(reason);
  }
}
