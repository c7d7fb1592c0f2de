import { checkCount } from "../checks.ts";
import {
  checkName,
  type ClientOptions,
  type ClientSettings,
  MAX_GROUP_LENGTH,
  MAX_TOPIC_LENGTH,
  resolveClientOptions,
} from "../client/mod.ts";
import { InvalidArgumentError, printable } from "../errors.ts";
import { MAX_RETRY_DELAY } from "./retry_delay.ts";
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
   * topic `%DLQ%group`.
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
   * Handlers that run at once.
   *
   * @default {16}
   */
  concurrency?: number;
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
}

/** The options of a consumer, checked and complete, with the names that servers know. */
export interface ConsumerSettings {
  readonly client: ClientSettings;
  readonly group: string;
  readonly subscriptions: readonly TopicSubscription[];
  /** The topic in which failed messages of the group come again. */
  readonly retrySubscription: TopicSubscription;
  readonly startFrom: StartFrom;
  readonly concurrency: number;
  readonly bufferBytes: number;
  readonly attempts: number;
  /** Returns the delay after an attempt in milliseconds; `undefined` if the broker decides. */
  readonly retryDelay: (attempt: number) => number | undefined;
}

/** Checks the options of a consumer and adds the defaults. @throws {InvalidArgumentError} */
export function resolveConsumerOptions(options: ConsumerOptions): ConsumerSettings {
  if (options === null || typeof options !== "object") {
    throw new InvalidArgumentError("Cannot make consumer: its options are not an object");
  }
  const client = resolveClientOptions(options);
  const { namespace, clock } = client;
  checkName("consumer group", options.group, MAX_GROUP_LENGTH, namespace);
  const version = Math.floor(clock.now());
  const wrap = (name: string) => namespace?.wrap(name) ?? name;
  const subscriptions = readSubscriptions(options.subscriptions, version);
  for (const { topic } of subscriptions) checkName("topic", topic, MAX_TOPIC_LENGTH, namespace);
  const group = wrap(options.group);
  const { attempts, delay } = options.retry ?? {};
  return {
    client,
    group,
    subscriptions: subscriptions.map((it) => ({ ...it, topic: wrap(it.topic) })),
    retrySubscription: subscribeToAll(`%RETRY%${group}`, version),
    startFrom: checkStartFrom(options.startFrom),
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
    retryDelay: readRetryDelay(delay),
  };
}

/** Checks the delay of a retry in milliseconds. @throws {InvalidArgumentError} */
export function checkRetryDelay(name: string, delay: number): number {
  if (typeof delay === "number" && delay >= 0 && delay <= MAX_RETRY_DELAY) return delay;
  throw new InvalidArgumentError(
    `Cannot use ${name} ${
      printable(String(delay), 64)
    }: it must be 0 to ${MAX_RETRY_DELAY} ms, the longest delay of a broker`,
  );
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
