import type { Clock, TimerHandle } from "../clock.ts";
import type { Probe } from "./connection_types.ts";

/** Milliseconds that a timer may run late before this program counts as busy. */
const BUSY_AFTER = 250;

/** Bytes that a large frame has to bring in each `frameTimeout`, if it is not whole until then. */
const MIN_PROGRESS = 64 * 1024;

/** The settings of a watch. */
interface PeerWatchOptions {
  clock: Clock;
  /** Milliseconds within which a frame that has begun must be whole, or bring {@linkcode MIN_PROGRESS}. */
  frameTimeout: number;
  /** Request to a silent peer. Without it, silence never ends the connection. */
  probe: Probe | undefined;
  /** Sends the probe. Its outcome does not matter: anything that comes is an answer. */
  send: (probe: Probe) => void;
  /** Called with the reason when the peer counts as dead. */
  onDead: (reason: string) => void;
}

/**
 * Watches whether the peer of a connection still lives. A frame that it began has to become whole in
 * time, or to make progress. After a request without an answer something has to come. One slow request
 * proves nothing: if a request times out and not a byte came since it was sent, a probe is sent. The
 * peer is dead only if nothing comes then either.
 */
export class PeerWatch {
  readonly #options: PeerWatchOptions;
  #readCount = 0;
  #frameTimer: TimerHandle | undefined;
  #frameBytes = 0;
  #probeTimer: TimerHandle | undefined;
  #stopped = false;

  constructor(options: PeerWatchOptions) {
    this.#options = options;
  }

  /** Returns the number of reads that brought something. */
  get readCount(): number {
    return this.#readCount;
  }

  /** Notes that bytes came: how many, whether a frame became whole, and whether another one begins. */
  onBytes(size: number, wholeFrame: boolean, frameBegun: boolean): void {
    const { clock } = this.#options;
    this.#readCount++;
    if (this.#probeTimer !== undefined) {
      clock.clearTimer(this.#probeTimer);
      this.#probeTimer = undefined;
    }
    if (this.#frameTimer !== undefined && (wholeFrame || !frameBegun)) {
      clock.clearTimer(this.#frameTimer);
      this.#frameTimer = undefined;
    }
    if (!frameBegun || this.#stopped) return;
    this.#frameBytes += size;
    if (this.#frameTimer === undefined) this.#awaitFrame();
  }

  /** Notes that a request timed out. `readCount` is the count when it was sent. */
  onTimeout(readCount: number): void {
    const { probe, send } = this.#options;
    if (
      !probe || this.#stopped || this.#probeTimer !== undefined || readCount !== this.#readCount
    ) return;
    this.#awaitAnswer(probe);
    send(probe);
  }

  /** Stops watching. */
  stop(): void {
    this.#stopped = true;
    for (const timer of [this.#frameTimer, this.#probeTimer]) {
      if (timer !== undefined) this.#options.clock.clearTimer(timer);
    }
  }

  #awaitFrame(): void {
    const { clock, frameTimeout, onDead } = this.#options;
    const due = clock.monotonic() + frameTimeout;
    this.#frameBytes = 0;
    this.#frameTimer = clock.setTimer(() => {
      const isBusy = clock.monotonic() > due + BUSY_AFTER;
      if (isBusy || this.#frameBytes >= MIN_PROGRESS) return this.#awaitFrame();
      onDead(`a frame was not whole ${frameTimeout} ms after it began`);
    }, frameTimeout);
  }

  #awaitAnswer(probe: Probe): void {
    const { clock, onDead } = this.#options;
    const due = clock.monotonic() + probe.timeout;
    this.#probeTimer = clock.setTimer(() => {
      // This program was busy: an answer may be there that it has not read yet.
      if (clock.monotonic() > due + BUSY_AFTER) return this.#awaitAnswer(probe);
      onDead(
        `nothing came in answer to a request, nor to a probe within ${probe.timeout} ms after it`,
      );
    }, probe.timeout);
  }
}
