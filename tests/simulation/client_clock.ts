import type { Clock, TimerHandle } from "../../src/clock.ts";
import type { Random } from "../fuzz/random.ts";
import type { Scheduled, Scheduler } from "./scheduler.ts";

/** Wall clock time at the start of every simulation: in the middle of a month. */
export const EPOCH = Date.UTC(2026, 0, 15);

/**
 * The clock of one client: virtual time, chance from the seed, and a wall clock of its own that may
 * go wrong. When the client is killed it stops: no timer fires any more.
 */
export class ClientClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #onError: (error: unknown) => void;
  readonly #timers = new Set<Scheduled>();
  readonly #due: { timer: Scheduled; fire: () => void }[] = [];
  #wallOffset: number;
  #stopped = false;
  #frozen = false;

  /** @param onError Is told what a timer threw. */
  constructor(
    scheduler: Scheduler,
    random: Random,
    wallOffset: number,
    onError: (error: unknown) => void,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#wallOffset = wallOffset;
    this.#onError = onError;
  }

  /** Timers that are set. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  now(): number {
    return EPOCH + this.#wallOffset + this.#scheduler.now;
  }

  monotonic(): number {
    return this.#scheduler.now;
  }

  random(): number {
    return this.#random.next() / 2 ** 32;
  }

  setTimer(callback: () => void, delay: number): TimerHandle {
    const fire = () => {
      if (this.#frozen) {
        this.#due.push({ timer, fire });
        return;
      }
      this.#timers.delete(timer);
      if (this.#stopped || timer.cancelled) return;
      try {
        callback();
      } catch (error) {
        this.#onError(error);
      }
    };
    const timer = this.#scheduler.wake(delay, fire);
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(timer: TimerHandle): void {
    if (timer === undefined) return;
    (timer as Scheduled).cancelled = true;
    this.#timers.delete(timer as Scheduled);
  }

  /** Sets the wall clock forward or back. */
  jump(milliseconds: number): void {
    this.#wallOffset += milliseconds;
  }

  /** Lets no timer fire; time goes on. */
  freeze(): void {
    this.#frozen = true;
  }

  /** Lets the timers fire that are due. */
  thaw(): void {
    this.#frozen = false;
    for (const { fire } of this.#due.splice(0)) this.#scheduler.wake(0, fire);
  }

  /** Ends time for this client. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancelled = true;
    this.#timers.clear();
  }
}
