import { setImmediate } from "node:timers";
import type { Clock, TimerHandle } from "../../src/clock.ts";

interface Timer {
  at: number;
  callback: () => void;
}

/** Most timers that one advance runs: more is a loop that never ends. */
const MAX_TIMERS = 100_000;

/**
 * Time that stands still until a test moves it. What happens between two moments of it still takes
 * turns of the real event loop, but no real time.
 */
export class FakeClock implements Clock {
  #elapsed = 0;
  #wallOffset = Date.UTC(2026, 0, 15);
  #timers = new Set<Timer>();
  /** What {@linkcode FakeClock.random} gives. */
  chance: () => number = () => 0;

  now(): number {
    return this.#wallOffset + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  random(): number {
    return this.chance();
  }

  setTimer(callback: () => void, delay: number): TimerHandle {
    const timer: Timer = { at: this.#elapsed + Math.max(0, delay), callback };
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(timer: TimerHandle): void {
    this.#timers.delete(timer as Timer);
  }

  /** Timers that are set: none may be left when everything is closed. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Sets the wall clock forward or, with a negative number, back, as an administrator does. */
  moveWallClock(milliseconds: number): void {
    this.#wallOffset += milliseconds;
  }

  /**
   * Lets `milliseconds` pass: timers run in order, and what those of one moment set off goes on
   * before the next moment.
   */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#elapsed + milliseconds;
    await settle();
    for (let runs = 0;; runs++) {
      if (runs > MAX_TIMERS) throw new Error(`More than ${MAX_TIMERS} timers ran: a loop?`);
      const next = this.#earliest();
      if (!next || next.at > end) break;
      this.#elapsed = Math.max(this.#elapsed, next.at);
      for (const timer of [...this.#timers]) {
        if (timer.at > this.#elapsed || !this.#timers.delete(timer)) continue;
        timer.callback();
        await Promise.resolve();
      }
      await settle();
    }
    this.#elapsed = end;
    await settle();
  }

  /** Lets `milliseconds` pass without any timer running, as when something blocks the event loop. */
  block(milliseconds: number): void {
    this.#elapsed += milliseconds;
  }

  #earliest(): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) if (!earliest || timer.at < earliest.at) earliest = timer;
    return earliest;
  }
}

/** Lets everything happen that needs no time: promises, in-memory streams, decompression. */
export async function settle(turns = 2): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextTurn();
}

/** Waits in real time for what another thread or the network does; throws when it takes too long. */
export async function until(condition: () => boolean, timeout = 5_000): Promise<void> {
  const deadline = performance.now() + timeout;
  while (!condition()) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeout} ms in vain until ${condition}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
