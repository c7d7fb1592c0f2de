import type { Clock } from "../clock.ts";
import { describe, TopicRouteNotFoundError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { createGetRouteInfoRequest, readGetRouteInfoResponse } from "../requests/mod.ts";
import { type AllowBroker, TopicRoute } from "../route/mod.ts";
import { type WaitOptions, within } from "./deadline.ts";
import type { NameServers } from "./name_servers.ts";

/** The topic whose route stands in for one that does not exist yet. */
export const DEFAULT_TOPIC = "TBW102";

/** Queues that a topic made by the first send gets on each broker, at most. */
export const DEFAULT_TOPIC_QUEUES = 4;

/**
 * Milliseconds for which a route with queues is kept when a name server tells of one without: it
 * may just have been restarted, and the brokers have not told it of their topics yet.
 */
const KEEP_USABLE = 5 * 60_000;

/** The settings of a route table. */
export interface RouteTableOptions {
  /** Who knows the routes. */
  nameServers: NameServers;
  /** Time. */
  clock: Clock;
  /** Log. */
  logger: Logger;
  /** Milliseconds for one look-up in the background. */
  requestTimeout: number;
  /** Decides which broker addresses of a route are acceptable. */
  allowBroker?: AllowBroker | undefined;
  /** Called when a topic's route is known for the first time or has changed. */
  onChange: (route: TopicRoute) => void;
}

/** The routes of the topics that this client has to do with, kept fresh by {@linkcode RouteTable.refreshAll}. */
export class RouteTable {
  readonly #options: RouteTableOptions;
  readonly #routes = new Map<string, TopicRoute>();
  readonly #usableAt = new Map<string, number>();
  readonly #lookUps = new Map<string, Promise<TopicRoute>>();

  constructor(options: RouteTableOptions) {
    this.#options = options;
  }

  /** The routes that are known. */
  routes(): Iterable<TopicRoute> {
    return this.#routes.values();
  }

  /** The route of a topic as it was last seen, without asking anyone. */
  peek(topic: string): TopicRoute | undefined {
    return this.#routes.get(topic);
  }

  /**
   * The route of a topic, asked for when it is not known yet.
   *
   * @throws {TopicRouteNotFoundError} when the name servers know neither the topic nor the default
   * topic. @throws {ConnectionError} when none of them answers.
   */
  get(topic: string, options: WaitOptions): Promise<TopicRoute> {
    const known = this.#routes.get(topic);
    return known ? Promise.resolve(known) : this.refresh(topic, options);
  }

  /** Asks for the route of a topic now. What was known stays when nobody answers. */
  refresh(topic: string, options: WaitOptions): Promise<TopicRoute> {
    let lookUp = this.#lookUps.get(topic);
    if (!lookUp) {
      lookUp = this.#lookUp(topic, options.timeout).finally(() => this.#lookUps.delete(topic));
      this.#lookUps.set(topic, lookUp);
    }
    const { clock, nameServers } = this.#options;
    return within(
      clock,
      lookUp,
      options,
      (failure, cause) =>
        new TopicRouteNotFoundError(
          `Cannot find the route of topic "${topic}": ${
            failure === "ABORTED"
              ? "the caller aborted it"
              : `name servers ${nameServers.addresses.join(";")} gave no answer within ${
                Math.round(options.timeout)
              } ms`
          }`,
          { topic, isRetriable: failure === "TIMEOUT", cause },
        ),
    );
  }

  /** Asks for all routes once more. Failures are logged; what was known stays. */
  async refreshAll(): Promise<void> {
    for (const topic of this.#routes.keys()) {
      try {
        await this.refresh(topic, { timeout: this.#options.requestTimeout });
      } catch (error) {
        this.#options.logger.debug(`Kept the known route of topic "${topic}": ${describe(error)}`);
      }
    }
  }

  async #lookUp(topic: string, timeout: number): Promise<TopicRoute> {
    const route = await this.#ask(topic, timeout) ?? await this.#borrow(topic, timeout);
    const known = this.#routes.get(topic);
    const now = this.#options.clock.monotonic();
    if (route.writableQueues.length > 0) this.#usableAt.set(topic, now);
    else if (known && now - this.#usableAt.get(topic)! < KEEP_USABLE) return known;
    if (known?.equals(route)) return known;
    this.#routes.set(topic, route);
    for (const { brokerName, address, reason } of route.rejected) {
      this.#options.logger.warn(
        `Ignored address "${address}" of broker "${brokerName}" in the route of topic "${topic}": ${reason}`,
      );
    }
    this.#options.onChange(route);
    return route;
  }

  async #borrow(topic: string, timeout: number): Promise<TopicRoute> {
    const known = this.#routes.get(topic);
    if (known && known.borrowedFrom === undefined) return known;
    const template = await this.#ask(DEFAULT_TOPIC, timeout);
    if (template) return template.borrowedFor(topic, DEFAULT_TOPIC_QUEUES);
    if (known) return known;
    const servers = this.#options.nameServers.addresses.join(";");
    throw new TopicRouteNotFoundError(
      `Cannot find the route of topic "${topic}": name servers ${servers} know neither it nor the ` +
        `default topic ${DEFAULT_TOPIC}: create the topic, or set autoCreateTopicEnable on a broker`,
      { topic, address: servers },
    );
  }

  #ask(topic: string, timeout: number): Promise<TopicRoute | undefined> {
    const { nameServers, allowBroker } = this.#options;
    return nameServers.ask(createGetRouteInfoRequest(topic), (response, address) => {
      const data = readGetRouteInfoResponse(response, { address, topic });
      return data && new TopicRoute(topic, data, { allowBroker });
    }, { timeout });
  }
}
