import { checkCount, checkMethods, checkNames, checkTime, namesOf } from "../checks.ts";
import {
  checkName,
  CLIENT_OPTIONS,
  type ClientOptions,
  type ClientSettings,
  MAX_GROUP_LENGTH,
  MAX_TOPIC_LENGTH,
  resolveClientOptions,
} from "../client/mod.ts";
import { InvalidArgumentError, printable } from "../errors.ts";
import { allocateAverage, allocateInTurn, type Allocation } from "./allocation.ts";
import type { GroupOffsets } from "./group_offsets.ts";
import type { ConsumedMessage } from "./incoming_message.ts";
import { INSTANCE_MARK } from "./members.ts";
import { queueKey } from "./queue_key.ts";
import { checkRetryDelay } from "./retry_delay.ts";
import {
  type MessageSelection,
  readSubscriptions,
  subscribeToAll,
  type TopicSubscription,
} from "./subscriptions.ts";

/** Where a group begins to read a queue of which the broker knows no offset of the group. */
export type StartFrom = "first" | "last" | Date;

/** Decides when a failed message comes again, and how often. */
export interface ConsumerRetryOptions {
  /**
   * Deliveries of a message, the first included. After the last one it becomes a dead letter, in the
   * topic `%DLQ%group`, unless `then` says otherwise.
   *
   * @default {16}
   */
  attempts?: number;
  /**
   * Milliseconds until the next delivery, by the number of the failed one. The broker has the delays
   * 1, 5, 10, 30 s, 1 to 10 min, 20, 30 min, 1 and 2 h; the shortest one that is long enough is taken.
   *
   * @default {the broker decides: 10 s, 30 s, 1 min, 2 min, …}
   */
  delay?: number | ((attempt: number) => number);
  /**
   * What becomes of a message after its last attempt: a dead letter, or a stop. A stop needs an
   * `order`: nothing behind the message is handled until this member is started again, or another one
   * takes over the queue.
   *
   * @default {"dead-letter"}
   */
  then?: "dead-letter" | "stop";
}

/** Configures a {@linkcode Consumer}. */
export interface ConsumerOptions extends ClientOptions {
  /** Name of the group: each message is for one of its members. 1 to 120 of `A-Z a-z 0-9 _ - % |`. */
  group: string;
  /** What the group reads, by topic. Every member of a group has to read the same. */
  subscriptions: Readonly<Record<string, MessageSelection>>;
  /**
   * Where to begin in a queue that the group has not read yet: at its first message, behind its last
   * one, or at the first message stored at a time or later.
   *
   * @default {"first"}
   */
  startFrom?: StartFrom;
  /**
   * Messages that are handled one after the other: none, those of a queue, or those for which a function
   * returns the same key. A message that failed is handled again before those behind it.
   *
   * @default {"none"}
   */
  order?: "none" | "queue" | ((message: ConsumedMessage) => string);
  /**
   * How members share the queues of a topic: neighbouring ones, in turn, or by a function. Every member
   * has to use the same. Java members use `"average"`.
   *
   * @default {"average"}
   */
  allocation?: "average" | "in-turn" | Allocation;
  /**
   * Milliseconds that handlers have to end when another member takes over a queue. After that their
   * signals abort, and their messages come again at the other member.
   *
   * @default {60000}
   */
  handOverTimeout?: number;
  /**
   * Handlers that run at once.
   *
   * @default {16}
   */
  concurrency?: number;
  /**
   * Answers an operator who asks for the state of this member, or has its handler handle a message that
   * he names. Resets of offsets are always followed.
   *
   * @default {false}
   */
  answersOperators?: boolean;
  /** What is held of messages that are not settled. */
  buffer?: {
    /**
     * Bytes for all queues together. Beside them, each pull in flight may bring one answer of a broker.
     *
     * @default {16777216}
     */
    bytes?: number;
  };
  /** What becomes of messages whose handler failed. */
  retry?: ConsumerRetryOptions;
  /**
   * Offsets in the database of the application, usually a {@linkcode StoredOffsets}. They decide where to
   * begin, before those of the brokers, and no reset by an operator moves them. With them `order` is
   * `"queue"`.
   *
   * @default {none, brokers keep the offsets}
   */
  offsets?: GroupOffsets;
}

const CONSUMER_OPTIONS: ReadonlySet<string> = new Set([
  ...CLIENT_OPTIONS,
  ...namesOf<Omit<ConsumerOptions, keyof ClientOptions>>({
    group: true,
    subscriptions: true,
    startFrom: true,
    order: true,
    allocation: true,
    handOverTimeout: true,
    concurrency: true,
    answersOperators: true,
    buffer: true,
    retry: true,
    offsets: true,
  }),
]);

const BUFFER_OPTIONS = namesOf<NonNullable<ConsumerOptions["buffer"]>>({ bytes: true });

const RETRY_OPTIONS = namesOf<ConsumerRetryOptions>({ attempts: true, delay: true, then: true });

/** The options of a consumer, checked and complete, with the names that servers know. */
export interface ConsumerSettings {
  readonly client: ClientSettings;
  readonly group: string;
  readonly subscriptions: readonly TopicSubscription[];
  /** The topic in which failed messages of the group come again. */
  readonly retrySubscription: TopicSubscription;
  readonly startFrom: StartFrom;
  /** Returns the lane of a message. Absent if messages have no order. */
  readonly laneOf: ((message: ConsumedMessage) => string) | undefined;
  readonly allocation: Allocation;
  readonly handOverTimeout: number;
  readonly answersOperators: boolean;
  readonly concurrency: number;
  readonly bufferBytes: number;
  readonly attempts: number;
  /** `true` if nothing is handled behind a message that failed for good. */
  readonly stopsAfterAttempts: boolean;
  /** Returns the delay after an attempt in milliseconds; `undefined` if the broker decides. */
  readonly retryDelay: (attempt: number) => number | undefined;
  /** Offsets of the application. With them queues are read in order. */
  readonly offsets: GroupOffsets | undefined;
}

/** Checks the options of a consumer and adds the defaults. @throws {InvalidArgumentError} */
export function resolveConsumerOptions(options: ConsumerOptions): ConsumerSettings {
  if (options === null || typeof options !== "object") {
    throw new InvalidArgumentError("Cannot make consumer: its options are not an object");
  }
  checkNames(options, CONSUMER_OPTIONS);
  checkNames(options.buffer ?? {}, BUFFER_OPTIONS, "buffer option");
  checkNames(options.retry ?? {}, RETRY_OPTIONS, "retry option");
  const client = resolveClientOptions(options);
  const { namespace, clock } = client;
  checkName("consumer group", options.group, MAX_GROUP_LENGTH, namespace);
  const version = Math.floor(clock.now());
  const wrap = (name: string) => namespace?.wrap(name) ?? name;
  const subscriptions = readSubscriptions(options.subscriptions, version);
  for (const { topic } of subscriptions) checkName("topic", topic, MAX_TOPIC_LENGTH, namespace);
  const group = wrap(options.group);
  const { attempts, delay, then } = options.retry ?? {};
  if (options.offsets && options.order !== undefined && options.order !== "queue") {
    throw new InvalidArgumentError(
      'Cannot use option offsets: order must be "queue" with it, because a later message would count ' +
        "for the earlier ones",
    );
  }
  const laneOf = readOrder(options.order ?? (options.offsets ? "queue" : "none"));
  return {
    client: { ...client, instanceName: INSTANCE_MARK + client.instanceName },
    group,
    subscriptions: subscriptions.map((it) => ({ ...it, topic: wrap(it.topic) })),
    retrySubscription: subscribeToAll(`%RETRY%${group}`, version),
    startFrom: checkStartFrom(options.startFrom),
    laneOf,
    allocation: readAllocation(options.allocation),
    answersOperators: options.answersOperators ?? false,
    handOverTimeout: checkTime("handOverTimeout", options.handOverTimeout, 60_000),
    concurrency: checkCount("concurrency", options.concurrency, {
      fallback: 16,
      min: 1,
      max: 10_000,
    }),
    bufferBytes: checkCount("buffer.bytes", options.buffer?.bytes, {
      fallback: 16 * 1024 * 1024,
      min: 64 * 1024,
      max: 2 ** 40,
      unit: " bytes",
    }),
    attempts: checkCount("retry.attempts", attempts, { fallback: 16, min: 1, max: 1_000 }),
    stopsAfterAttempts: readThen(then, laneOf !== undefined),
    retryDelay: readRetryDelay(delay),
    offsets: options.offsets && checkMethods("option offsets", options.offsets, [
      "read",
      "passOver",
    ]),
  };
}

function readRetryDelay(
  delay: ConsumerRetryOptions["delay"],
): ConsumerSettings["retryDelay"] {
  if (delay === undefined) return () => undefined;
  if (typeof delay === "function") {
    return (attempt) => checkRetryDelay("retry.delay", delay(attempt));
  }
  const checked = checkRetryDelay("retry.delay", delay);
  return () => checked;
}

function readThen(
  then: ConsumerRetryOptions["then"] = "dead-letter",
  hasOrder: boolean,
): boolean {
  if (then === "dead-letter" || then === "stop" && hasOrder) return then === "stop";
  throw new InvalidArgumentError(
    `Cannot use option retry.then: it must be "dead-letter" or, with an order, "stop", ` +
      `current value is ${printable(String(then), 64)}`,
  );
}

function readOrder(order: ConsumerOptions["order"]): ConsumerSettings["laneOf"] {
  if (order === "none") return undefined;
  if (order === "queue") return ({ queue }) => queueKey(queue);
  if (typeof order === "function") return (message) => `key ${order(message)}`;
  throw new InvalidArgumentError(
    `Cannot use option order: it must be "none", "queue" or a function, current value is ${
      printable(String(order), 64)
    }`,
  );
}

function readAllocation(allocation: ConsumerOptions["allocation"] = "average"): Allocation {
  if (allocation === "average") return allocateAverage;
  if (allocation === "in-turn") return allocateInTurn;
  if (typeof allocation === "function") return allocation;
  throw new InvalidArgumentError(
    `Cannot use option allocation: it must be "average", "in-turn" or a function, current value is ${
      printable(String(allocation), 64)
    }`,
  );
}

function checkStartFrom(startFrom: StartFrom | undefined): StartFrom {
  if (startFrom === undefined) return "first";
  const isTime = startFrom instanceof Date && startFrom.getTime() >= 0;
  if (isTime || startFrom === "first" || startFrom === "last") return startFrom;
  throw new InvalidArgumentError(
    `Cannot use option startFrom: it must be "first", "last" or a Date since 1970, current value is ${
      printable(String(startFrom), 64)
    }`,
  );
}
