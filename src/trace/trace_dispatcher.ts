import { Backoff } from "../backoff.ts";
import type { Clock, TimerHandle } from "../clock.ts";
import { describe } from "../errors.ts";
import { type Logger, ThrottledLogger } from "../logger.ts";
import { packTraces, type Trace, type TraceMessage } from "./trace.ts";

/** Most traces of one message. */
const BATCH = 20;

/** Longest time that a trace waits for others, in milliseconds. */
const FLUSH_INTERVAL = 5_000;

/** Most traces that wait. */
const CAPACITY = 2_048;

/** Most messages with traces under way at the same time. */
const CONCURRENCY = 4;

/** Bounds of the first and of the longest pause after a failure, in milliseconds. */
const MIN_PAUSE = 2_000, MAX_PAUSE = 80_000;

/** The settings of a dispatcher. */
export interface TraceDispatcherOptions {
  /** Sends one message with traces. */
  send: (message: TraceMessage) => Promise<unknown>;
  clock: Clock;
  logger: Logger;
}

/**
 * Sends traces in the background. Nobody waits for it. Traces that find no room, or can't be sent, are
 * dropped and counted. After a failure it pauses.
 */
export class TraceDispatcher {
  readonly #options: TraceDispatcherOptions;
  readonly #warnings: ThrottledLogger;
  readonly #queue: Trace[] = [];
  readonly #timers = new Set<TimerHandle>();
  #flushTimer: TimerHandle | undefined;
  #onTheirWay = 0;
  #dropped = 0;
  #backoff: Backoff | undefined;
  #paused = false;
  #closed = false;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(options: TraceDispatcherOptions) {
    this.#options = options;
    this.#warnings = new ThrottledLogger(options.logger, options.clock);
  }

  /** Traces that were lost. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a trace. Returns immediately. */
  append(trace: Trace): void {
    if (this.#closed || this.#queue.length >= CAPACITY) {
      this.#dropped++;
      return;
    }
    this.#queue.push(trace);
    if (this.#queue.length >= BATCH || this.#flushTimer === undefined) this.#pump(BATCH);
  }

  /** Takes no more traces, and sends what is left for at most `timeout` milliseconds. */
  async close(timeout: number): Promise<void> {
    this.#closed = true;
    if (!this.#paused && timeout > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#after(timeout, resolve);
      this.#pump(1);
      if (this.#onTheirWay > 0) await promise;
    }
    this.#ended = true;
    for (const timer of this.#timers) this.#options.clock.clearTimer(timer);
    this.#dropped += this.#queue.splice(0).length;
  }

  /** Sends batches while at least `least` traces wait. */
  #pump(least: number): void {
    while (!this.#paused && this.#onTheirWay < CONCURRENCY && this.#queue.length >= least) {
      this.#send(this.#queue.splice(0, BATCH));
    }
    const mustWait = this.#queue.length > 0 && !this.#paused && !this.#closed;
    if (mustWait) this.#flushTimer ??= this.#after(FLUSH_INTERVAL, () => this.#flush());
    else this.#stopFlushTimer();
  }

  #flush(): void {
    this.#flushTimer = undefined;
    this.#pump(1);
  }

  #stopFlushTimer(): void {
    if (this.#flushTimer === undefined) return;
    this.#options.clock.clearTimer(this.#flushTimer);
    this.#timers.delete(this.#flushTimer);
    this.#flushTimer = undefined;
  }

  async #send(traces: Trace[]): Promise<void> {
    this.#onTheirWay++;
    for (const message of packTraces(traces)) {
      try {
        await this.#options.send(message);
        this.#backoff = undefined;
      } catch (error) {
        this.#fail(message.count, error);
      }
    }
    this.#onTheirWay--;
    if (this.#ended) return;
    this.#pump(this.#closed ? 1 : BATCH);
    if (this.#onTheirWay === 0) this.#wake?.();
  }

  #fail(count: number, error: unknown): void {
    this.#dropped += count;
    this.#warnings.warn(
      "traces",
      `Cannot send message traces, ${this.#dropped} were dropped so far: ${describe(error)}`,
    );
    if (this.#paused || this.#ended) return;
    this.#paused = true;
    this.#backoff ??= new Backoff(this.#options.clock, MIN_PAUSE, MAX_PAUSE);
    this.#after(this.#backoff.next(), () => {
      this.#paused = false;
      this.#pump(1);
    });
  }

  #after(delay: number, work: () => void): TimerHandle {
    const timer = this.#options.clock.setTimer(() => {
      this.#timers.delete(timer);
      work();
    }, delay);
    this.#timers.add(timer);
    return timer;
  }
}
