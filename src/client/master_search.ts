import { Backoff } from "../backoff.ts";
import { type Clock, Deadline, sleep } from "../clock.ts";
import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { TopicRoute } from "../route/mod.ts";
import type { RouteTable } from "./route_table.ts";

/** The settings of a search. */
interface MasterSearchOptions {
  /** Where addresses are asked for. */
  routes: RouteTable;
  clock: Clock;
  logger: Logger;
  /** Milliseconds for one look-up. */
  requestTimeout: number;
  /** `true` if there is a registered connection to a broker. */
  isLinked: (brokerName: string) => boolean;
}

/**
 * Bounds of the pauses before look-ups, in milliseconds. Most lost connections are made again within
 * the first one.
 */
const MIN_PAUSE = 1_000, MAX_PAUSE = 5_000;

/** Milliseconds of search, after which the poll of the routes has to do. */
const LIMIT = 5 * 60_000;

/** Most brokers whose topics are remembered. */
const MAX_BROKERS = 4_096;

/**
 * Looks for the masters whose connections were lost: they may be started again at another address,
 * or a slave may take their place, and then waiting for the next poll of the routes would keep
 * sends, verdicts and check-backs away from them. While one is gone, the route of one topic that
 * named it is asked for every few seconds.
 */
export class MasterSearch {
  readonly #options: MasterSearchOptions;
  readonly #topics = new Map<string, string>();
  readonly #searching = new Set<string>();
  readonly #closing = new AbortController();

  constructor(options: MasterSearchOptions) {
    this.#options = options;
  }

  /** Learns which brokers a topic has. */
  learn({ topic, brokerNames }: TopicRoute): void {
    for (const brokerName of brokerNames) {
      this.#topics.delete(brokerName);
      this.#topics.set(brokerName, topic);
      if (this.#topics.size > MAX_BROKERS) this.#topics.delete(this.#topics.keys().next().value!);
    }
  }

  /** Begins to look for a broker, if that is not under way. */
  async begin(brokerName: string): Promise<void> {
    const { clock, requestTimeout, isLinked, routes, logger } = this.#options;
    const { signal } = this.#closing;
    if (this.#searching.has(brokerName) || signal.aborted) return;
    this.#searching.add(brokerName);
    const deadline = new Deadline(clock, LIMIT);
    const backoff = new Backoff(clock, MIN_PAUSE, MAX_PAUSE);
    while (!deadline.passed) {
      await sleep(clock, backoff.next(), signal).catch(() => {});
      const topic = this.#topics.get(brokerName);
      if (signal.aborted || isLinked(brokerName) || topic === undefined) break;
      try {
        await routes.refresh(topic, { timeout: requestTimeout, signal });
      } catch (error) {
        if (!signal.aborted) logger.debug(`Still no "${brokerName}": ${describe(error)}`);
      }
    }
    this.#searching.delete(brokerName);
  }

  /** Ends all searches. */
  close(): void {
    this.#closing.abort(new Error("the client is closed"));
  }
}
