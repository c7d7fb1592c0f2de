import type { ClientInstance } from "../client/mod.ts";
import type { Clock, WaitOptions } from "../clock.ts";
import { InvalidArgumentError, printable, TopicRouteNotFoundError } from "../errors.ts";
import type { DelayableMessage, MessageQueue } from "../message/internal.ts";
import { QueueSelector, type TopicRoute } from "../route/mod.ts";
import type { LatencyFaults } from "./latency_faults.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import { type QueueName, selectByHash, type SelectQueue } from "./selectors.ts";
import type { QueueChoice, SendBounds } from "./send_policy.ts";

/** Finds the queue that a message goes to: the one that was chosen for it, or the next one. */
export class QueueFinder {
  readonly #client: ClientInstance;
  readonly #clock: Clock;
  readonly #faults: LatencyFaults | undefined;
  readonly #selectors = new Map<string, QueueSelector>();

  constructor(client: ClientInstance, clock: Clock, faults: LatencyFaults | undefined) {
    this.#client = client;
    this.#clock = clock;
    this.#faults = faults;
  }

  /** Finds the queue that was chosen for a message. @throws {TopicRouteNotFoundError} */
  async chosen(choose: QueueChoice, topic: string, bounds: SendBounds): Promise<MessageQueue> {
    let route = await this.#client.route(topic, rest(bounds));
    if (route.writableQueues.length === 0) {
      route = await this.#client.refreshRoute(topic, rest(bounds));
    }
    if (route.writableQueues.length === 0) throw noQueue(route);
    const queue = choose(route);
    if (route.masterAddress(queue.brokerName) !== undefined) return queue;
    route = await this.#client.refreshRoute(topic, rest(bounds));
    if (route.masterAddress(queue.brokerName) !== undefined) return queue;
    throw noQueue(route, queue.brokerName);
  }

  /** Does what {@linkcode QueueFinder.next} does, if the route is known. */
  known(topic: string, avoid: ReadonlySet<string>): MessageQueue | undefined {
    const route = this.#client.peekRoute(topic);
    return route && this.#select(route, avoid);
  }

  /** Finds the next queue of a topic, if possible of a broker that is not in `avoid`. */
  async next(
    topic: string,
    avoid: ReadonlySet<string>,
    bounds: SendBounds,
  ): Promise<MessageQueue> {
    let route = await this.#client.route(topic, rest(bounds));
    let queue = this.#select(route, avoid);
    if (!queue) {
      route = await this.#client.refreshRoute(topic, rest(bounds));
      queue = this.#select(route, avoid);
    }
    if (queue) return queue;
    throw noQueue(route);
  }

  /** Names all brokers but that at `address`, where the client that waits for a reply is registered. */
  async othersThan(address: string, topic: string, bounds: SendBounds): Promise<Set<string>> {
    const route = await this.#client.route(topic, rest(bounds));
    return new Set(route.brokerNames.filter((name) => route.masterAddress(name) !== address));
  }

  /** Reports whether a message may go to any broker, and there is one that is accepted. */
  hasOther(
    message: OutgoingMessage,
    bounds: SendBounds,
    accepts: (brokerName: string) => boolean,
  ): boolean {
    if (choiceOf(message, bounds)) return false;
    const route = this.#client.peekRoute(message.topic);
    return route?.writableQueues.some(({ brokerName }) => accepts(brokerName)) ?? false;
  }

  #select(route: TopicRoute, avoid: ReadonlySet<string>): MessageQueue | undefined {
    const queues = route.writableQueues;
    let selector = this.#selectors.get(route.topic);
    if (!selector) {
      selector = new QueueSelector(() => this.#clock.random());
      this.#selectors.set(route.topic, selector);
    }
    if (avoid.size === 0 && !this.#faults) {
      const queue = selector.select(queues);
      if (!queue || this.#client.openConnection(queue.brokerName)) return queue;
    }
    for (const unwanted of this.#unwanted(avoid)) {
      if (queues.some(({ brokerName }) => !unwanted.has(brokerName))) {
        return selector.select(queues, unwanted);
      }
    }
    return selector.select(queues, avoid);
  }

  /** Lists the brokers that are passed over, the best choice first; none when all is well. */
  *#unwanted(avoid: ReadonlySet<string>): Iterable<ReadonlySet<string>> {
    const down = this.#client.downBrokers();
    const faults = this.#faults?.isAny ? this.#faults : undefined;
    if (!faults && down.length === 0) return;
    if (faults) yield new Set([...avoid, ...down, ...faults.unavailable()]);
    const gone = [...down, ...faults?.unreachable() ?? []];
    yield new Set([...avoid, ...gone]);
    // Prefer a broker that failed but is connected over one that is down.
    yield new Set(gone);
    yield new Set([...avoid, ...down]);
  }
}

function rest({ deadline, signal }: SendBounds): WaitOptions {
  return { timeout: deadline.remaining, signal };
}

/** Tells how a send chooses its queue; undefined when it takes the next one. @throws {InvalidArgumentError} */
export function queueChoice(
  message: DelayableMessage,
  { queue, selector }: { queue?: QueueName; selector?: SelectQueue },
): QueueChoice | undefined {
  if (queue !== undefined && selector !== undefined) {
    throw new InvalidArgumentError("Cannot choose a queue: queue and selector exclude each other");
  }
  if (selector !== undefined) {
    if (typeof selector !== "function") {
      throw new InvalidArgumentError("Cannot choose a queue: selector is not a function");
    }
    return (route) => select(route, selector, message);
  }
  if (queue === undefined) return undefined;
  const { brokerName, queueId } = queue ?? {};
  if (typeof brokerName !== "string" || (queueId! | 0) !== queueId || queueId < 0) {
    throw new InvalidArgumentError(
      `Cannot choose queue ${printable(String(queueId), 32)} of broker "${
        printable(String(brokerName), 64)
      }": the name of a broker and the number of a queue from 0 are needed`,
    );
  }
  return ({ topic }) => ({ topic, brokerName, queueId });
}

/** Tells how the queue of a message is chosen; undefined when any will do. */
export function choiceOf(
  { shardingKey }: Pick<OutgoingMessage, "shardingKey">,
  { choose }: SendBounds,
): QueueChoice | undefined {
  if (choose) return choose;
  if (shardingKey === undefined) return undefined;
  return ({ writableQueues }) => selectByHash(shardingKey)(writableQueues);
}

/** Makes the error for a topic without a writable queue, or for a chosen queue of an unknown broker. */
function noQueue(route: TopicRoute, brokerName?: string): TopicRouteNotFoundError {
  const { topic } = route;
  const reason = route.describeUnwritable() ??
    `its route names no master of broker "${printable(brokerName ?? "", 64)}"`;
  return new TopicRouteNotFoundError(`Cannot send to topic "${topic}": ${reason}`, {
    topic,
    isRetriable: true,
  });
}

function select(
  { topic, writableQueues }: TopicRoute,
  selector: SelectQueue,
  message: DelayableMessage,
): MessageQueue {
  const chosen = selector(writableQueues, message) as MessageQueue | undefined;
  const queue = writableQueues.find((queue) =>
    queue === chosen ||
    queue.brokerName === chosen?.brokerName && queue.queueId === chosen.queueId
  );
  if (queue) return queue;
  throw new InvalidArgumentError(
    `Cannot send to topic "${topic}": the selector chose ${
      chosen === undefined ? "nothing" : "something else"
    }, one of the ${writableQueues.length} queues that it was given is allowed`,
    { topic },
  );
}
