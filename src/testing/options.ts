import { checkCount, checkTime } from "../checks.ts";
import { type Clock, systemClock } from "../clock.ts";
import { InvalidArgumentError } from "../errors.ts";
import { SerializeType } from "../remoting/mod.ts";
import { describeBadTopic } from "./broker/system_topics.ts";

/** A topic that an embedded broker has from the beginning. */
export interface EmbeddedTopic {
  /** Its name. */
  topic: string;
  /**
   * Number of its queues on each broker.
   *
   * @default {4}
   */
  queues?: number;
  /**
   * Permission bits: 2 write, 4 read. A broker takes messages also without the first.
   *
   * @default {6}
   */
  perm?: number;
}

/** A consumer group that an embedded broker has from the beginning. */
export interface EmbeddedGroup {
  /** Its name. */
  group: string;
  /**
   * Whether its members may read.
   *
   * @default {true}
   */
  consumeEnable?: boolean;
  /**
   * Queues of its retry topic on each broker. With 0 nothing is kept that is to be retried.
   *
   * @default {1}
   */
  retryQueueNums?: number;
}

/** The settings of an embedded broker. */
export interface EmbeddedBrokerOptions {
  /**
   * Port of the name server; 0 takes a free one. Brokers always take free ones.
   *
   * @default {0}
   */
  port?: number;
  /**
   * IP address that it listens on, a loopback one in all but unusual cases.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * Whether it listens on TCP, which needs `--allow-net`. Without, it can be reached through its
   * `dialer` only, and needs no permission.
   *
   * @default {true}
   */
  listen?: boolean;
  /**
   * Number of brokers: `broker-a`, `broker-b` and so on, all of them masters.
   *
   * @default {1}
   */
  brokers?: number;
  /**
   * Name of the cluster.
   *
   * @default {"DefaultCluster"}
   */
  clusterName?: string;
  /**
   * Topics that every broker has from the beginning.
   *
   * @default {none}
   */
  topics?: readonly (string | EmbeddedTopic)[];
  /**
   * Whether a message to an unknown topic makes the topic.
   *
   * @default {true}
   */
  autoCreateTopics?: boolean;
  /**
   * Consumer groups that every broker has from the beginning.
   *
   * @default {none}
   */
  groups?: readonly EmbeddedGroup[];
  /**
   * Whether the first member of an unknown consumer group makes the group.
   *
   * @default {true}
   */
  autoCreateGroups?: boolean;
  /**
   * Whether it resets the offsets of a group by itself, as `useServerSideResetOffset`. Without, it has
   * the members do it.
   *
   * @default {true}
   */
  resetsAtServer?: boolean;
  /**
   * Age in milliseconds from which on a half message is asked about; 6000 on a real broker.
   *
   * @default {1000}
   */
  transactionTimeout?: number;
  /**
   * Milliseconds between two scans for half messages to ask about; 30000 on a real broker.
   * `Infinity` leaves them to `checkNow()`.
   *
   * @default {1000}
   */
  transactionCheckInterval?: number;
  /**
   * How often a half message is asked about before it is given up.
   *
   * @default {15}
   */
  transactionCheckMax?: number;
  /**
   * Milliseconds for which a broker gathers the marks of decided half messages before it stores
   * them; 3000 on a real broker. Where it is not clearly shorter than `transactionCheckInterval`,
   * a broker asks again about what was decided.
   *
   * @default {100}
   */
  opBatchInterval?: number;
  /**
   * Folder to keep messages in, so that a later process goes on with them, also after a crash of this
   * one: needs `--allow-read` and `--allow-write` for it. It is made where it is missing. Not kept are
   * the settings of topics, how far consumers have read, and messages that wait for their time. As on
   * a real broker, verdicts of the last `opBatchInterval` are forgotten by a crash and asked for again.
   *
   * @default {none, everything is gone with the process}
   */
  folder?: string;
  /**
   * Most bytes that one broker stores; over it sends are refused like with a full disk.
   *
   * @default {536870912}
   */
  maxStoreSize?: number;
  /**
   * Most bytes of the body of one message.
   *
   * @default {4194304}
   */
  maxMessageSize?: number;
  /**
   * Whether what a timer would deliver can be taken back, as `recallMessageEnable`.
   *
   * @default {false}
   */
  recallMessages?: boolean;
  /**
   * Whether replies to request messages are stored too, as `storeReplyMessageEnable`.
   *
   * @default {true}
   */
  storeReplies?: boolean;
  /**
   * Form of the headers that it writes; it reads both.
   *
   * @default {"JSON"}
   */
  serializeType?: SerializeType;
  /**
   * Time and chance.
   *
   * @default {systemClock}
   */
  clock?: Clock;
}

/** The settings with their defaults, checked. */
export interface EmbeddedBrokerSettings {
  readonly port: number;
  readonly hostname: string;
  readonly listen: boolean;
  readonly brokers: number;
  readonly clusterName: string;
  readonly topics: readonly Required<EmbeddedTopic>[];
  readonly autoCreateTopics: boolean;
  readonly groups: readonly Required<EmbeddedGroup>[];
  readonly autoCreateGroups: boolean;
  readonly resetsAtServer: boolean;
  readonly transactionTimeout: number;
  readonly transactionCheckInterval: number;
  readonly transactionCheckMax: number;
  readonly opBatchInterval: number;
  readonly folder: string | undefined;
  readonly maxStoreSize: number;
  readonly maxMessageSize: number;
  readonly recallMessages: boolean;
  readonly storeReplies: boolean;
  readonly serializeType: SerializeType;
  readonly clock: Clock;
}

/**
 * Fills in the defaults.
 *
 * @throws {InvalidArgumentError} when an option is not what it may be.
 */
export function resolveOptions(options: EmbeddedBrokerOptions): EmbeddedBrokerSettings {
  const { transactionCheckInterval: interval, serializeType = SerializeType.JSON } = options;
  if (!Object.hasOwn(SerializeType, serializeType)) {
    throw refuse("serializeType", serializeType, '"JSON" or "ROCKETMQ"');
  }
  return {
    port: checkCount("port", options.port, { fallback: 0, min: 0, max: 65_535 }),
    hostname: options.hostname ?? "127.0.0.1",
    listen: options.listen ?? true,
    brokers: checkCount("brokers", options.brokers, { fallback: 1, min: 1, max: 26 }),
    clusterName: checkTopic("clusterName", options.clusterName ?? "DefaultCluster"),
    topics: (options.topics ?? []).map(resolveTopic),
    autoCreateTopics: options.autoCreateTopics ?? true,
    groups: (options.groups ?? []).map(resolveGroup),
    autoCreateGroups: options.autoCreateGroups ?? true,
    resetsAtServer: options.resetsAtServer ?? true,
    transactionTimeout: checkTime("transactionTimeout", options.transactionTimeout, 1_000),
    transactionCheckInterval: interval === Infinity
      ? interval
      : checkTime("transactionCheckInterval", interval, 1_000),
    transactionCheckMax: checkCount("transactionCheckMax", options.transactionCheckMax, {
      fallback: 15,
      min: 1,
      max: 1_000_000,
    }),
    opBatchInterval: checkTime("opBatchInterval", options.opBatchInterval, 100),
    folder: options.folder,
    maxStoreSize: checkCount("maxStoreSize", options.maxStoreSize, {
      fallback: 512 * 1024 * 1024,
      min: 1024,
      max: 2 ** 40,
      unit: " bytes",
    }),
    maxMessageSize: checkCount("maxMessageSize", options.maxMessageSize, {
      fallback: 4 * 1024 * 1024,
      min: 1,
      max: 8 * 1024 * 1024,
      unit: " bytes",
    }),
    recallMessages: options.recallMessages ?? false,
    storeReplies: options.storeReplies ?? true,
    serializeType,
    clock: options.clock ?? systemClock,
  };
}

function resolveTopic(entry: string | EmbeddedTopic): Required<EmbeddedTopic> {
  const { topic, queues, perm } = typeof entry === "string" ? { topic: entry } : entry;
  return {
    topic: checkTopic("topics", topic),
    queues: checkCount("queues", queues, { fallback: 4, min: 1, max: 65_536 }),
    perm: checkCount("perm", perm, { fallback: 6, min: 0, max: 7 }),
  };
}

function resolveGroup(
  { group, consumeEnable = true, retryQueueNums }: EmbeddedGroup,
): Required<EmbeddedGroup> {
  return {
    group: checkTopic("groups", group),
    consumeEnable,
    retryQueueNums: checkCount("retryQueueNums", retryQueueNums, { fallback: 1, min: 0, max: 64 }),
  };
}

function checkTopic(option: string, topic: string): string {
  if (describeBadTopic(topic) === undefined) return topic;
  throw refuse(option, topic, "1 to 127 of the characters A-Z a-z 0-9 _ - % |");
}

function refuse(option: string, value: unknown, allowed: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Cannot use option ${option}: it must be ${allowed}, current value is "${String(value)}"`,
  );
}
