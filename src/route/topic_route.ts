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

/** The brokers and queues of a topic, as they were at one moment. Never changes. */
export class TopicRoute {
  /** Name of the topic. */
  readonly topic: string;
  /** The topic whose route is used until this topic has its own. */
  readonly borrowedFrom?: string;
  /** The queues that messages are sent to, in the order of broker names. May be empty. */
  readonly writableQueues: readonly MessageQueue[];
  /** The queues that messages are read from, in the order of broker names. May be empty. */
  readonly readableQueues: readonly MessageQueue[];
  /** The brokers, each with its usable addresses. There may be none of these. */
  readonly brokers: readonly RouteBroker[];
  /** The addresses that are not used, for the log. */
  readonly rejected: readonly RejectedBroker[];

  readonly #data: TopicRouteData;
  readonly #options: BrokerAddressRules;
  readonly #byName: ReadonlyMap<string, RouteBroker>;

  /**
   * Reads what a name server answered. An address that can't be used is left out.
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
    this.readableQueues = listReadableQueues(topic, data, brokers);
    this.brokers = [...brokers.values()];
    this.rejected = rejected;
    this.#data = data;
    this.#options = options;
    this.#byName = brokers;
  }

  /** Returns the names of all brokers. */
  get brokerNames(): readonly string[] {
    return this.brokers.map((broker) => broker.brokerName);
  }

  /** Returns `host:port` of a broker's master, if it has one that can be used. */
  masterAddress(brokerName: string): string | undefined {
    return this.#byName.get(brokerName)?.addresses.get(MASTER_ID);
  }

  /**
   * Makes the route of a topic that does not exist yet out of this route of the default topic. It has
   * the same brokers, with as many queues on each as can be read, at most `defaultQueueCount`.
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
   * Says why there is no queue to write to, with the remedy. Returns undefined if there is one.
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
   * does not mention all of them may come from a name server at which they have not registered yet.
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

  /** Reports whether `other` leads the same messages to the same places. */
  equals(other: TopicRoute): boolean {
    return this === other ||
      this.topic === other.topic && this.borrowedFrom === other.borrowedFrom &&
        areSameQueues(this.writableQueues, other.writableQueues) &&
        areSameQueues(this.readableQueues, other.readableQueues) &&
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

/** Bit of a queue's permission for reading messages. */
const PERM_READ = 4;

/** Bit of a queue's permission for writing messages. */
const PERM_WRITE = 2;

/** Reports whether messages may be written to the queues of an entry. */
export function isWritable(data: QueueData): boolean {
  return (data.perm & PERM_WRITE) !== 0;
}

/**
 * Lists the queues that messages are sent to, by the rules of the Java client. If there is an order
 * configuration, these are the queues that it names. Otherwise they are all writable queues whose broker
 * has a master, sorted by broker name.
 *
 * @throws {ProtocolError} when the order configuration is malformed, or names too many queues.
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
      .sort(byName);
  return listQueues(topic, counts);
}

/** Lists the queues that messages are read from: all readable ones whose broker has a master. */
function listReadableQueues(
  topic: string,
  data: TopicRouteData,
  brokers: ReadonlyMap<string, RouteBroker>,
): MessageQueue[] {
  const counts = data.queueDatas
    .filter(({ perm, brokerName }) =>
      (perm & PERM_READ) !== 0 && brokers.get(brokerName)?.addresses.has(MASTER_ID)
    )
    .map(({ brokerName, readQueueNums }): [string, number] => [brokerName, readQueueNums])
    .sort(byName);
  return listQueues(topic, counts);
}

function byName([a]: [string, number], [b]: [string, number]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function listQueues(topic: string, counts: readonly [string, number][]): MessageQueue[] {
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
 * Selects the queues of one topic in turn, from a random start: many producers that start together
 * must not all begin with the same queue. Each topic needs its own selector.
 */
export class QueueSelector {
  readonly #start: number;
  #next: number | undefined;

  /** Takes a source of numbers in [0, 1), which is called once. */
  constructor(random: () => number) {
    this.#start = random();
  }

  /**
   * Returns the next queue, if possible of a broker that is not in `avoid`. Returns undefined only if
   * `queues` is empty. It may be another list each time.
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
