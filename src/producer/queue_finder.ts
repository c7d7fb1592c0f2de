import type { ClientInstance, WaitOptions } from "../client/mod.ts";
import type { Clock } from "../clock.ts";
import type { MessageQueue } from "../message/mod.ts";
import { QueueSelector, type TopicRoute } from "../route/mod.ts";
import type { LatencyFaults } from "./latency_faults.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import { noQueue, type QueueChoice, selectByHash } from "./queue_choice.ts";
import type { SendBounds } from "./send_receipt.ts";

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

  /** The queue that was chosen for a message; undefined when any will do. */
  async chosen(message: OutgoingMessage, bounds: SendBounds): Promise<MessageQueue | undefined> {
    const choose = choiceOf(message, bounds);
    if (!choose) return undefined;
    let route = await this.#client.route(message.topic, rest(bounds));
    if (route.writableQueues.length === 0) {
      route = await this.#client.refreshRoute(message.topic, rest(bounds));
    }
    if (route.writableQueues.length === 0) throw noQueue(route);
    const queue = choose(route);
    if (route.masterAddress(queue.brokerName) !== undefined) return queue;
    route = await this.#client.refreshRoute(message.topic, rest(bounds));
    if (route.masterAddress(queue.brokerName) !== undefined) return queue;
    throw noQueue(route, queue.brokerName);
  }

  /** What {@linkcode QueueFinder.next} gives, where nobody has to be asked for it. */
  known(topic: string, avoid: ReadonlySet<string>): MessageQueue | undefined {
    const route = this.#client.peekRoute(topic);
    return route && this.#select(route, avoid);
  }

  /** The next queue of a topic, if possible of a broker that is not in `avoid`. */
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

  /** For a reply all brokers but that of its request; they are tried when that one fails. */
  async othersThan({ topic, replyTo }: OutgoingMessage, bounds: SendBounds): Promise<Set<string>> {
    if (replyTo === undefined) return new Set();
    const route = await this.#client.route(topic, rest(bounds));
    return new Set(route.brokerNames.filter((name) => route.masterAddress(name) !== replyTo));
  }

  /** Whether a message may go to any broker, and there is one that is accepted. */
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

  /** The brokers that are passed over, the best choice first; none when all is well. */
  *#unwanted(avoid: ReadonlySet<string>): Iterable<ReadonlySet<string>> {
    const down = this.#client.downBrokers();
    const faults = this.#faults?.isAny ? this.#faults : undefined;
    if (!faults && down.length === 0) return;
    if (faults) yield new Set([...avoid, ...down, ...faults.unavailable()]);
    const gone = [...down, ...faults?.unreachable() ?? []];
    yield new Set([...avoid, ...gone]);
    // Rather one that has failed and is there than one that is not.
    yield new Set(gone);
    yield new Set([...avoid, ...down]);
  }
}

function rest({ deadline, signal }: SendBounds): WaitOptions {
  return { timeout: deadline.remaining, signal };
}

/** How the queue of a message is chosen; undefined when any will do. */
export function choiceOf(
  message: Pick<OutgoingMessage, "shardingKey">,
  bounds: SendBounds,
): QueueChoice | undefined {
  return bounds.choose ??
    (message.shardingKey === undefined
      ? undefined
      : ({ writableQueues }) => selectByHash(message.shardingKey!)(writableQueues));
}
