import { Backoff } from "../backoff.ts";
import { type Clock, Deadline, sleep } from "../clock.ts";
import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { TopicRoute } from "../route/mod.ts";
import type { RouteTable } from "./route_table.ts";

/** The settings of a search. */
interface MasterSearchOptions {
  /** Looks up addresses. */
  routes: RouteTable;
  clock: Clock;
  logger: Logger;
  /** Milliseconds for one look-up. */
  requestTimeout: number;
  /** `true` if there is a registered connection to a broker. */
  isLinked: (brokerName: string) => boolean;
}

/**
 * Bounds of the pauses before look-ups, in milliseconds. Most lost connections are back within the
 * first one.
 */
const MIN_PAUSE = 1_000, MAX_PAUSE = 5_000;

/** Milliseconds after which a search ends. The poll of the routes goes on. */
const LIMIT = 5 * 60_000;

/** Most brokers whose topics are remembered. */
const MAX_BROKERS = 4_096;

/**
 * Looks for masters whose connections were lost. They may start again at another address, or a slave
 * may take their place. Until the next poll of the routes, sends, END_TRANSACTION and check-backs
 * would not reach them. So while one is missing, one topic that named it is looked up every few
 * seconds.
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

  /** Begins to look for a broker, unless a search for it is under way. */
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
