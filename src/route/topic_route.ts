import { printable, ProtocolError } from "../errors.ts";
import type { MessageQueue } from "../message/mod.ts";
import { MAX_ROUTE_QUEUES, type QueueData, type TopicRouteData } from "../requests/mod.ts";
import {
  type BrokerAddressRules,
  MASTER_ID,
  readBrokers,
  type RejectedBroker,
  type RouteBroker,
} from "./brokers.ts";

/** Where the queues of a topic are, and which of them can be written to. Never changes. */
export class TopicRoute {
  /** Name of the topic. */
  readonly topic: string;
  /** The topic whose route this one was borrowed from, until the topic has one of its own. */
  readonly borrowedFrom?: string;
  /** The queues that messages are sent to, in the order of broker names; may be empty. */
  readonly writableQueues: readonly MessageQueue[];
  /** The brokers, each with its usable addresses, of which it may have none. */
  readonly brokers: readonly RouteBroker[];
  /** The addresses that are not used, for the log. */
  readonly rejected: readonly RejectedBroker[];

  readonly #data: TopicRouteData;
  readonly #options: BrokerAddressRules;
  readonly #byName: ReadonlyMap<string, RouteBroker>;

  /**
   * Takes in what a name server told. An address that can't be used drops only itself.
   *
   * @throws {ProtocolError} when the order configuration of the topic can't be read, or the topic
   * has more than 65536 queues.
   */
  constructor(
    topic: string,
    data: TopicRouteData,
    options: BrokerAddressRules & { borrowedFrom?: string } = {},
  ) {
    const { brokers, rejected } = readBrokers(data.brokerDatas, options);
    this.topic = topic;
    if (options.borrowedFrom !== undefined) this.borrowedFrom = options.borrowedFrom;
    this.writableQueues = listWritableQueues(topic, data, brokers);
    this.brokers = [...brokers.values()];
    this.rejected = rejected;
    this.#data = data;
    this.#options = options;
    this.#byName = brokers;
  }

  /** The names of all brokers. */
  get brokerNames(): readonly string[] {
    return this.brokers.map((broker) => broker.brokerName);
  }

  /** `host:port` of a broker's master; undefined when it has none, or none that can be used. */
  masterAddress(brokerName: string): string | undefined {
    return this.#byName.get(brokerName)?.addresses.get(MASTER_ID);
  }

  /**
   * The route of a topic that does not exist yet, made of this one of the template topic: the same
   * brokers, with as many queues on each as can be read, at most `defaultQueueCount`.
   */
  borrowedFor(topic: string, defaultQueueCount = 4): TopicRoute {
    const queueDatas = this.#data.queueDatas.map((data) => {
      const count = Math.min(defaultQueueCount, data.readQueueNums);
      return { ...data, readQueueNums: count, writeQueueNums: count };
    });
    return new TopicRoute(topic, { queueDatas, brokerDatas: this.#data.brokerDatas }, {
      ...this.#options,
      borrowedFrom: this.topic,
    });
  }

  /**
   * Why there is no queue to write to, as a sentence with its remedy; undefined when there is one.
   */
  describeUnwritable(): string | undefined {
    if (this.writableQueues.length > 0) return undefined;
    const { queueDatas } = this.#data;
    if (queueDatas.length === 0 || this.brokers.length === 0) {
      return "its route has no queues: its brokers may have stopped, or have not registered yet";
    }
    const writable = queueDatas.filter(isWritable);
    if (writable.length === 0) {
      return "it is not writable on any broker: give topic and broker write permission (perm 6)";
    }
    if (writable.every((data) => data.writeQueueNums === 0) || this.#data.orderTopicConf?.trim()) {
      return "it has no queues to write to: set its writeQueueNums";
    }
    const names = new Set(writable.map((data) => data.brokerName));
    const rejected = this.rejected.find((entry) =>
      entry.brokerId === MASTER_ID && names.has(entry.brokerName)
    );
    if (rejected) {
      return `the address "${rejected.address}" of broker "${rejected.brokerName}" is not used: ${rejected.reason}`;
    }
    const listed = [...names].slice(0, 5).map((name) => `"${name}"`).join(", ");
    return `none of its brokers has a master: start the master (brokerId=0) of ${listed}`;
  }

  /**
   * Reports whether this route says of each of the brokers that it can't be written to. A route that
   * does not speak of them all comes from a name server that they have not registered with yet.
   */
  deniesWriting(brokerNames: Iterable<string>): boolean {
    const { queueDatas } = this.#data;
    for (const brokerName of brokerNames) {
      const entries = queueDatas.filter((data) => data.brokerName === brokerName);
      const isDenied = entries.length > 0 &&
        entries.every((data) => !isWritable(data) || data.writeQueueNums === 0);
      if (!isDenied) return false;
    }
    return true;
  }

  /** Reports whether `other` sends the same messages to the same places. */
  equals(other: TopicRoute): boolean {
    return this === other ||
      this.topic === other.topic && this.borrowedFrom === other.borrowedFrom &&
        areSameQueues(this.writableQueues, other.writableQueues) &&
        this.brokers.length === other.brokers.length &&
        this.brokers.every((broker) => isSameBroker(broker, other.#byName.get(broker.brokerName)));
  }
}

function areSameQueues(some: readonly MessageQueue[], others: readonly MessageQueue[]): boolean {
  return some.length === others.length &&
    some.every(({ brokerName, queueId }, i) =>
      brokerName === others[i]!.brokerName && queueId === others[i]!.queueId
    );
}

function isSameBroker(one: RouteBroker, other: RouteBroker | undefined): boolean {
  if (one.cluster !== other?.cluster || one.addresses.size !== other.addresses.size) return false;
  for (const [id, address] of one.addresses) if (other.addresses.get(id) !== address) return false;
  return true;
}

/** Bit of a queue's permission that lets messages be written. */
const PERM_WRITE = 2;

/** Reports whether messages may be written to the queues of an entry. */
export function isWritable(data: QueueData): boolean {
  return (data.perm & PERM_WRITE) !== 0;
}

/**
 * The queues that messages are sent to, by the rules of the Java client: those that the order
 * configuration names, if there is one; otherwise, sorted by broker name, all queues that may be
 * written to and whose broker has a master.
 *
 * @throws {ProtocolError} when the order configuration is not one, or names too many queues.
 */
function listWritableQueues(
  topic: string,
  data: TopicRouteData,
  brokers: ReadonlyMap<string, RouteBroker>,
): MessageQueue[] {
  const counts = data.orderTopicConf?.trim()
    ? readOrderConfiguration(topic, data.orderTopicConf)
    : data.queueDatas
      .filter((queue) =>
        isWritable(queue) && brokers.get(queue.brokerName)?.addresses.has(MASTER_ID)
      )
      .map((queue): [string, number] => [queue.brokerName, queue.writeQueueNums])
      .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  if (total > MAX_ROUTE_QUEUES) {
    throw refuse(topic, `it has ${total} queues, at most ${MAX_ROUTE_QUEUES} are allowed`);
  }
  return counts.flatMap(([brokerName, count]) =>
    Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId }))
  );
}

/** Reads `broker-a:8;broker-b:8`. */
function readOrderConfiguration(topic: string, text: string): [string, number][] {
  return text.split(";").filter((item) => item.trim() !== "").map((item) => {
    const match = /^([^:]+):(\d{1,5})$/.exec(item.trim());
    if (!match) {
      throw refuse(
        topic,
        `"${
          printable(item, 80)
        }" in its order configuration is not a broker name and a number of queues`,
      );
    }
    return [match[1]!, Number(match[2])];
  });
}

function refuse(topic: string, reason: string): ProtocolError {
  return new ProtocolError(`Cannot use the route of topic "${topic}": ${reason}`, { topic });
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Takes the queues of one topic in turn, from a random start, so that many producers that start
 * together do not all begin with the same queue. Each topic needs a selector of its own.
 */
export class QueueSelector {
  readonly #start: number;
  #next: number | undefined;

  /** `random` gives a number in [0, 1) and is asked once. */
  constructor(random: () => number) {
    this.#start = random();
  }

  /**
   * The next queue, if possible of a broker that is not in `avoid`; undefined when there is none
   * at all. `queues` may be another list each time.
   */
  select(
    queues: readonly MessageQueue[],
    avoid: ReadonlySet<string> = NONE,
  ): MessageQueue | undefined {
    const count = queues.length;
    const first = (this.#next ?? Math.floor(this.#start * count)) % count;
    for (let step = 0; step < count; step++) {
      const at = (first + step) % count;
      if (!avoid.has(queues[at]!.brokerName)) return this.#take(queues, at);
    }
    return count === 0 ? undefined : this.#take(queues, first);
  }

  #take(queues: readonly MessageQueue[], at: number): MessageQueue {
    this.#next = at + 1;
    return queues[at]!;
  }
}
