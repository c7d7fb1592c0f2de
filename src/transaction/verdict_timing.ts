import type { Clock } from "../clock.ts";
import type { HalfMessage, HalfMessageHandle } from "./half_message.ts";

/**
 * How late a broker's check round can notice that a transaction has ended, in milliseconds: with
 * default settings it keeps the marks in memory for 3 s, and may look for them 1 s before it asks.
 */
const NOTICE_DELAY = 4_500;

/**
 * How much later than expected a check round may come, in milliseconds: it pauses for 1 s to look for
 * marks once more, or does not, and a busy broker adds to that.
 */
const SLACK = 2_000;

/** Questions further apart than this, in milliseconds, are of different rounds. */
const ROUND_GAP = 1_500;

/** The longest interval, in milliseconds, that is worth waiting for before one was seen. */
const UNSEEN_INTERVAL = 4_000;

/** How long after a question, in milliseconds, a verdict is safe from any interval before one was seen. */
const UNSEEN_SAFE = 1_000;

interface Rounds {
  lastAt: number;
  interval?: number;
}

/**
 * Tells when a verdict is safe from the broker's next check round.
 *
 * A broker marks a transaction as ended some time after it confirmed the verdict. A check round in
 * between still takes it for open: it writes the half message once more and asks again, and nothing
 * but a second copy of the message, or fifteen questions in vain, gets rid of that. So a verdict
 * that would leave shortly before a round waits for it, and answers the question that it brings.
 */
export class VerdictTiming {
  readonly #clock: Clock;
  readonly #timeUp: AbortSignal;
  readonly #rounds = new Map<string, Rounds>();

  /** @param timeUp Aborts when nothing may wait any longer. */
  constructor(clock: Clock, timeUp: AbortSignal) {
    this.#clock = clock;
    this.#timeUp = timeUp;
  }

  /** Learns the interval of a broker's rounds from the times of its questions. */
  learn({ brokerName, receivedAt }: HalfMessageHandle): void {
    const rounds = this.#rounds.get(brokerName);
    if (!rounds) {
      this.#rounds.set(brokerName, { lastAt: receivedAt });
      return;
    }
    const gap = receivedAt - rounds.lastAt;
    if (gap > ROUND_GAP) rounds.interval = Math.min(gap, rounds.interval ?? Infinity);
    rounds.lastAt = receivedAt;
  }

  /** Milliseconds between two check rounds of a broker, once they were seen. */
  intervalOf(brokerName: string): number | undefined {
    return this.#rounds.get(brokerName)?.interval;
  }

  /** Waits for the next question about a half message, at most `delay` milliseconds. */
  async wait(halfMessage: HalfMessage, delay: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const onTimeUp = () => resolve();
    const timer = this.#clock.setTimer(resolve, delay);
    this.#timeUp.addEventListener("abort", onTimeUp, { once: true });
    halfMessage.wake = resolve;
    await promise;
    halfMessage.wake = undefined;
    this.#timeUp.removeEventListener("abort", onTimeUp);
    this.#clock.clearTimer(timer);
  }

  /**
   * Milliseconds after which the next question about a half message, which a verdict sent now would
   * cross, can be given up on; 0 when a verdict is safe now.
   */
  delayOf({ handle: { fromCheck, brokerName, receivedAt } }: HalfMessage): number {
    if (!fromCheck || this.#timeUp.aborted) return 0;
    const age = this.#clock.monotonic() - receivedAt;
    const seen = this.#rounds.get(brokerName)?.interval;
    const interval = seen ?? UNSEEN_INTERVAL;
    const safe = seen === undefined ? UNSEEN_SAFE : seen - Math.min(NOTICE_DELAY, seen / 2);
    return age <= safe || age >= interval + SLACK ? 0 : interval + SLACK - age;
  }
}
