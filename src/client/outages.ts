import type { Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";

/** Milliseconds between two lines about one broker. */
const INTERVAL = 60_000;

/** The settings of {@linkcode Outages}. */
interface OutagesOptions {
  clock: Clock;
  logger: Logger;
  /** Counts the sends of this client that have failed. */
  failedSends?: (() => number) | undefined;
}

/** A time in which a broker can't be reached. */
interface Outage {
  /** When it began, in monotonic milliseconds. */
  readonly since: number;
  /** Sends that had failed before. */
  readonly failedBefore: number;
  /** Whether a warning has told of it. */
  isTold: boolean;
}

/**
 * Tells the story of brokers that can't be reached, in few lines: lost, then once a minute how long it has
 * been away and how many sends have failed, then back. Of a connection that comes and goes it tells once
 * a minute.
 */
export class Outages {
  readonly #options: OutagesOptions;
  readonly #outages = new Map<string, Outage>();
  readonly #toldAt = new Map<string, number>();

  constructor(options: OutagesOptions) {
    this.#options = options;
  }

  /** A registered connection is over. */
  lost(brokerName: string, address: string, reason: string): void {
    const outage = this.#begin(brokerName);
    this.#warn(brokerName, outage, () => {
      return `Lost the connection to broker "${brokerName}" at ${address}: ${reason}`;
    });
  }

  /** An attempt to reach a broker failed. */
  failed(brokerName: string, address: string, reason: string): void {
    const { clock } = this.#options, now = clock.monotonic();
    const isNew = !this.#outages.has(brokerName);
    const outage = this.#begin(brokerName);
    // A start waits for the first attempts, and tells why they fail.
    if (isNew && !this.#toldAt.has(brokerName)) this.#toldAt.set(brokerName, now);
    this.#warn(
      brokerName,
      outage,
      () =>
        `Broker "${brokerName}" at ${address} is still unreachable after ${
          this.#story(outage)
        }: ${reason}`,
    );
  }

  /** A broker accepted the first heartbeat of a connection. */
  back(brokerName: string, address: string): void {
    const { logger } = this.#options, outage = this.#outages.get(brokerName);
    this.#outages.delete(brokerName);
    const line = `Registered with broker "${brokerName}" at ${address}`;
    if (!outage) return logger.info(line);
    // Who reads only warnings has read of the loss.
    logger[outage.isTold ? "warn" : "info"](`${line} again after ${this.#story(outage)}`);
  }

  /** No route names a broker any more. */
  forget(brokerName: string): void {
    this.#outages.delete(brokerName);
    this.#toldAt.delete(brokerName);
  }

  #begin(brokerName: string): Outage {
    let outage = this.#outages.get(brokerName);
    if (!outage) {
      const { clock, failedSends } = this.#options;
      const failedBefore = failedSends?.() ?? 0;
      outage = { since: clock.monotonic(), failedBefore, isTold: false };
      this.#outages.set(brokerName, outage);
    }
    return outage;
  }

  #warn(brokerName: string, outage: Outage, text: () => string): void {
    const { clock, logger } = this.#options, now = clock.monotonic();
    const toldAt = this.#toldAt.get(brokerName);
    if (toldAt !== undefined && now - toldAt < INTERVAL) return;
    this.#toldAt.set(brokerName, now);
    outage.isTold = true;
    logger.warn(text(), { brokerName });
  }

  /** Says how long it has lasted, and what it has done. */
  #story({ since, failedBefore }: Outage): string {
    const { clock, failedSends } = this.#options;
    const seconds = Math.round((clock.monotonic() - since) / 1_000);
    if (!failedSends) return `${seconds} s`;
    return `${seconds} s, ${failedSends() - failedBefore} sends failed meanwhile`;
  }
}
