import { type Clock, Deadline, type WaitOptions, within } from "../clock.ts";
import {
  AccessDeniedError,
  ConnectionError,
  describe,
  TopicRouteNotFoundError,
} from "../errors.ts";
import type { Logger, ThrottledLogger } from "../logger.ts";
import { createGetRouteInfoRequest, readGetRouteInfoResponse } from "../requests/mod.ts";
import { type BrokerAddressRules, describeRejected, TopicRoute } from "../route/mod.ts";
import type { NameServers } from "./name_servers.ts";

/** The topic whose route is used for topics that do not exist yet. */
export const DEFAULT_TOPIC = "TBW102";

/** Most queues on each broker for a topic that the first send creates. */
export const DEFAULT_TOPIC_QUEUES = 4;

/**
 * Milliseconds for which a route with queues is kept if a name server gives one that does not mention
 * these queues. It may just have started, and the brokers have not registered yet.
 */
const KEEP_USABLE = 5 * 60_000;

/**
 * Milliseconds that a caller waits beyond its timeout. The look-up ends by itself at the timeout, and
 * then knows what is wrong with each name server.
 */
const GRACE = 50;

/** The settings of a route table. */
interface RouteTableOptions {
  /** The servers that know the routes. */
  nameServers: NameServers;
  clock: Clock;
  logger: Logger;
  warnings: ThrottledLogger;
  /** Milliseconds for one look-up in the background. */
  requestTimeout: number;
  /** How the addresses of a route become those that are dialled. */
  addresses: BrokerAddressRules;
  /** Called when a topic's route is known for the first time or has changed. */
  onChange: (route: TopicRoute) => void;
}

/** A look-up under way. */
interface LookUp {
  readonly deadline: Deadline;
  readonly route: Promise<TopicRoute>;
}

/** The routes of the topics that this client uses. {@linkcode RouteTable.refreshAll} keeps them fresh. */
export class RouteTable {
  readonly #options: RouteTableOptions;
  readonly #routes = new Map<string, TopicRoute>();
  readonly #masters = new MasterTable();
  readonly #usableAt = new Map<string, number>();
  readonly #lookUps = new Map<string, LookUp>();

  constructor(options: RouteTableOptions) {
    this.#options = options;
  }

  /** Returns the address of every master that a route names. If routes differ, the newest address counts. */
  get masters(): ReadonlyMap<string, string> {
    return this.#masters.masters;
  }

  /** Returns the route of a topic as it was last seen, without a request. */
  peek(topic: string): TopicRoute | undefined {
    return this.#routes.get(topic);
  }

  /**
   * Returns the route of a topic. Looks it up if it is not known yet.
   *
   * @throws {TopicRouteNotFoundError} when the name servers know neither the topic nor the default topic.
   * @throws {ConnectionError} when none of them answers.
   */
  get(topic: string, options: WaitOptions): Promise<TopicRoute> {
    const known = this.#routes.get(topic);
    return known ? Promise.resolve(known) : this.refresh(topic, options);
  }

  /** Looks up the route of a topic now. If no name server answers, what was known stays. */
  refresh(topic: string, options: WaitOptions): Promise<TopicRoute> {
    const { clock, nameServers } = this.#options;
    const servers = nameServers.addresses.join(";");
    return within(
      clock,
      this.#shared(topic, options.timeout),
      { ...options, timeout: options.timeout + GRACE },
      (failure, cause) =>
        new ConnectionError(
          failure,
          `Cannot find the route of topic "${topic}": ${
            failure === "ABORTED"
              ? "the caller aborted it"
              : `name servers ${servers} gave no answer within ${
                Math.round(options.timeout)
              } ms. ` +
                "Check that nameServers names name servers, by default on port 9876, and that they run"
          }`,
          { address: servers, topic, isRetriable: failure === "TIMEOUT", cause },
        ),
    );
  }

  /** Looks up all routes once more. Failures are logged, and what was known stays. */
  async refreshAll(): Promise<void> {
    const { logger, warnings, requestTimeout } = this.#options;
    for (const topic of [...this.#routes.keys()]) {
      try {
        await this.refresh(topic, { timeout: requestTimeout });
      } catch (error) {
        const line = `Kept the known route of topic "${topic}": ${describe(error)}`;
        // While no name server answers, moved brokers are not found.
        if (error instanceof ConnectionError) warnings.warn("routes", line);
        else logger.debug(line);
      }
    }
  }

  /** Returns the look-up under way, or a new one if there is none or its deadline is much earlier. */
  #shared(topic: string, timeout: number): Promise<TopicRoute> {
    const underWay = this.#lookUps.get(topic);
    if (underWay && underWay.deadline.remaining >= timeout / 2) return underWay.route;
    const deadline = new Deadline(this.#options.clock, timeout);
    const route = this.#lookUp(topic, deadline).finally(() => {
      if (this.#lookUps.get(topic) === lookUp) this.#lookUps.delete(topic);
    });
    const lookUp: LookUp = { deadline, route };
    this.#lookUps.set(topic, lookUp);
    return route;
  }

  async #lookUp(topic: string, deadline: Deadline): Promise<TopicRoute> {
    const route = await this.#ask(topic, deadline) ?? await this.#borrow(topic, deadline);
    const known = this.#routes.get(topic);
    const now = this.#options.clock.monotonic();
    if (route.writableQueues.length > 0) this.#usableAt.set(topic, now);
    else if (known && this.#isGap(route, known, now)) return known;
    if (route === known) return known;
    if (known?.equals(route)) {
      this.#masters.replaceRoute(known, known);
      return known;
    }
    this.#masters.replaceRoute(route, known);
    this.#routes.set(topic, route);
    const rejected = describeRejected(route);
    if (rejected !== undefined) this.#options.warnings.warn(`route of ${topic}`, rejected);
    this.#options.onChange(route);
    return route;
  }

  /** Reports whether a route without queues to write to may come from a name server that just started. */
  #isGap(route: TopicRoute, known: TopicRoute, now: number): boolean {
    const brokerNames = new Set(known.writableQueues.map(({ brokerName }) => brokerName));
    return now - this.#usableAt.get(route.topic)! < KEEP_USABLE &&
      !route.deniesWriting(brokerNames);
  }

  async #borrow(topic: string, deadline: Deadline): Promise<TopicRoute> {
    const known = this.#routes.get(topic);
    if (known && known.borrowedFrom === undefined) return known;
    const template = await this.#ask(DEFAULT_TOPIC, deadline).catch(ignoreMissingPermission);
    if (template) return template.borrowedFor(topic, DEFAULT_TOPIC_QUEUES);
    if (known) return known;
    const servers = this.#options.nameServers.addresses.join(";");
    throw new TopicRouteNotFoundError(
      `Cannot find the route of topic "${topic}": name servers ${servers} know neither it nor the ` +
        `default topic ${DEFAULT_TOPIC}: create the topic, or set autoCreateTopicEnable on a broker; if no broker runs, start one`,
      { topic, address: servers },
    );
  }

  #ask(topic: string, deadline: Deadline): Promise<TopicRoute | undefined> {
    const { nameServers, addresses } = this.#options;
    return nameServers.ask(createGetRouteInfoRequest(topic), (response, address) => {
      const data = readGetRouteInfoResponse(response, { address, topic });
      return data && new TopicRoute(topic, data, addresses);
    }, { timeout: deadline.remaining });
  }
}

/** Treats the default topic as missing for users without permission on it: they can't create topics by sending. */
function ignoreMissingPermission(error: unknown): undefined {
  if (!(error instanceof AccessDeniedError) || error.reason === "authentication") throw error;
}

/**
 * The masters that the routes of all topics name. Each route is taken in by itself, so the work for it
 * does not grow with the number of topics.
 */
export class MasterTable {
  /** Counts for each broker the routes that name an address, the newest address at the end. */
  readonly #brokers = new Map<string, Map<string, number>>();
  readonly #masters = new Map<string, string>();

  /** Returns the address of every master. If routes differ, the newest address counts. */
  get masters(): ReadonlyMap<string, string> {
    return this.#masters;
  }

  /** Replaces the route of a topic. */
  replaceRoute(route: TopicRoute, previous: TopicRoute | undefined): void {
    if (route !== previous) {
      for (const { brokerName } of route.brokers) this.#count(route, brokerName, 1);
      for (const { brokerName } of previous?.brokers ?? []) this.#count(previous!, brokerName, -1);
    }
    for (const { brokerName } of route.brokers) {
      const address = route.masterAddress(brokerName);
      if (address !== undefined) this.#moveToEnd(brokerName, address);
    }
  }

  #count(route: TopicRoute, brokerName: string, change: 1 | -1): void {
    const address = route.masterAddress(brokerName);
    if (address === undefined) return;
    let addresses = this.#brokers.get(brokerName);
    if (!addresses) this.#brokers.set(brokerName, addresses = new Map());
    const count = (addresses.get(address) ?? 0) + change;
    if (count > 0) addresses.set(address, count);
    else this.#forget(brokerName, address, addresses);
  }

  #forget(brokerName: string, address: string, addresses: Map<string, number>): void {
    addresses.delete(address);
    const last = [...addresses.keys()].at(-1);
    if (last !== undefined) this.#masters.set(brokerName, last);
    else {
      this.#brokers.delete(brokerName);
      this.#masters.delete(brokerName);
    }
  }

  #moveToEnd(brokerName: string, address: string): void {
    if (this.#masters.get(brokerName) === address) return;
    const addresses = this.#brokers.get(brokerName)!, count = addresses.get(address)!;
    addresses.delete(address);
    addresses.set(address, count);
    this.#masters.set(brokerName, address);
  }
}
