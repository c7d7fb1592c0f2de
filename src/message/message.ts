/** A message that an application sends. Producers read it once and never change it. */
export interface Message {
  /** Name of the topic: 1 to 127 of the characters `A-Z a-z 0-9 _ - % |`. */
  topic: string;
  /** The content. A string is sent as UTF-8. */
  body: Uint8Array | string;
  /** The tag that consumers filter by: one tag, without `||` and `*`. An empty string is no tag. */
  tags?: string;
  /**
   * Business keys by which the message can be looked up. A string may hold several, with spaces between
   * them. The entries of an array have no spaces.
   */
  keys?: string | string[];
  /** The application's own properties. Names that the system uses are refused. */
  properties?: Record<string, string>;
  /**
   * The application's own number, int32. It travels with the message, but not with a check-back.
   *
   * @default {0}
   */
  flag?: number;
  /** Messages of one key keep their order: they go to one queue, while the queues stay the same. */
  shardingKey?: string;
  /**
   * Waits until the message is as safe as the broker is set up for: on disk with synchronous flushing,
   * on a slave with synchronous replication.
   *
   * @default {true}
   */
  waitStoreMessageOk?: boolean;
  /** Only a message that is sent by itself has one: the broker drops that of a half message. */
  priority?: never;
  /** Only a message that is sent by itself has one: a half message would be visible there immediately. */
  liteTopic?: never;
  /** Only a message that is sent by itself can be delayed, a half message can't. */
  delayLevel?: never;
  /** Only a message that is sent by itself can be delayed, a half message can't. */
  delay?: never;
  /** Only a message that is sent by itself can be delayed, a half message can't. */
  deliverAt?: never;
}

/**
 * Delays the delivery of a message, by at most one of the three. Brokers before 5.0 only have levels.
 * They would deliver the others immediately, so these are refused before they leave.
 */
export interface DeliveryDelay {
  /**
   * Delivers the message later, by one of the broker's levels 1 to 18: 1 s, 5 s, 10 s, 30 s, 1 min to
   * 10 min, 20 min, 30 min, 1 h, 2 h by default.
   *
   * @default {none, it is delivered immediately}
   */
  delayLevel?: number;
  /**
   * Delivers the message this many milliseconds later, at most 3 days. The broker rounds to seconds.
   *
   * @default {none, it is delivered immediately}
   */
  delay?: number;
  /** Delivers the message at this time, a `Date` or milliseconds since 1970, at most 3 days ahead. */
  deliverAt?: Date | number;
}

/** Fields for messages that are sent by themselves, without a transaction and without a batch. */
export interface SingleMessageFields extends DeliveryDelay {
  /**
   * Priority of the message, an integer from 0. Consumers of a topic with the attribute
   * `message.type=PRIORITY` get higher ones first: the broker puts the message into the queue of this
   * number, or the last one. It can't be combined with a delay or a sharding key, because the broker
   * would drop it. Brokers up to 5.3 ignore it.
   *
   * @default {none}
   */
  priority?: number;
  /**
   * The lite topic within the topic: 1 to 64 of `A-Z a-z 0-9 _ - % |`. Brokers from version 5.4 with
   * `enableLmq=true` and `enableMultiDispatch=true` keep a queue for each.
   */
  liteTopic?: string;
}

/** A message that is sent by itself, without a transaction. It may be delayed, or have a priority. */
export type DelayableMessage = Omit<Message, keyof SingleMessageFields> & SingleMessageFields;

/** A message as a broker keeps it, opened for reading. */
export interface MessageExt {
  /** Name of the topic. */
  topic: string;
  /** The content, decompressed. If it came uncompressed, it is a view into the input. */
  body: Uint8Array;
  /** The application's own number, int32. */
  flag: number;
  /** Compression, transaction state and kinds of addresses as stored: see {@linkcode SysFlag}. */
  sysFlag: number;
  /** Number of the queue within its broker. */
  queueId: number;
  /** Position in the queue, counted in messages. */
  queueOffset: bigint;
  /** Position in the broker's commit log, in bytes. */
  commitLogOffset: bigint;
  /** Time when the producer made it, in milliseconds since 1970 by the producer's clock. */
  bornTimestamp: number;
  /** Address of the producer, `host:port`, with an IPv6 host in brackets. */
  bornHost: string;
  /** Time when the broker stored it, in milliseconds since 1970 by the broker's clock. */
  storeTimestamp: number;
  /** Address of the broker that stored it, `host:port`, with an IPv6 host in brackets. */
  storeHost: string;
  /** Size of the stored form in bytes, as it says itself. */
  storeSize: number;
  /** Checksum of the stored body: see {@linkcode crc32}. */
  bodyCrc: number;
  /** `true` if `bodyCrc` is the checksum of the stored body. Otherwise the body was damaged. */
  bodyCrcValid: boolean;
  /** Number of times that consumers have returned it. */
  reconsumeTimes: number;
  /** Of a committed message: position of its half message in the commit log, in bytes. */
  preparedTransactionOffset: bigint;
  /** All properties, also those of the system: see {@linkcode MessageProperty}. */
  properties: Record<string, string>;
  /** The tag, if it has one. */
  tags?: string;
  /** The business keys. May be empty. */
  keys: string[];
  /** The id that its producer gave it. Without one it is `offsetMessageId`. */
  messageId: string;
  /** The id made of the broker's address and the position in its commit log. */
  offsetMessageId: string;
  /** The id of its transaction: the one that the producer gave, if it gave one. */
  transactionId?: string;
  /** Name of the broker that it came from, if the reader knows it. */
  brokerName?: string;
}

/** One queue of a topic. Messages are put into queues, and read from them. */
export interface MessageQueue {
  /** Name of the topic. */
  topic: string;
  /** Name of the broker that keeps the queue. */
  brokerName: string;
  /** Number of the queue within that broker, from 0. */
  queueId: number;
}
