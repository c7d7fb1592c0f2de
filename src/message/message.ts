/** A message as an application hands it to a producer. It is read once and never changed. */
export interface Message {
  /** Name of the topic: 1 to 127 of the characters `A-Z a-z 0-9 _ - % |`. */
  topic: string;
  /** What is carried. A string is sent as UTF-8. */
  body: Uint8Array | string;
  /** The tag that consumers filter by: one tag, without `||` and `*`. An empty string is no tag. */
  tags?: string;
  /**
   * Business keys by which the message can be looked up. A string may hold several, with spaces
   * between; the entries of an array are joined by one space and hold none themselves.
   */
  keys?: string | string[];
  /** Properties of the application's own. Names that the system uses are refused. */
  properties?: Record<string, string>;
  /**
   * A number of the application's own that travels with the message, int32. The broker drops it
   * when it asks back about a half message.
   *
   * @default {0}
   */
  flag?: number;
  /** Messages of one key keep their order: they go to one queue, as long as the queues stay the same. */
  shardingKey?: string;
  /**
   * Whether the broker answers only when the message is as safe as the broker is set up for: on disk
   * with synchronous flushing, on a slave with synchronous replication.
   *
   * @default {true}
   */
  waitStoreMessageOk?: boolean;
  /** Only a message that is sent by itself has one: the broker drops that of a half message. */
  priority?: never;
  /** Only a message that is sent by itself has one: a half message would be visible there at once. */
  liteTopic?: never;
  /** Only a message that is sent by itself can be delayed, a half message can't. */
  delayLevel?: never;
  /** Only a message that is sent by itself can be delayed, a half message can't. */
  delay?: never;
  /** Only a message that is sent by itself can be delayed, a half message can't. */
  deliverAt?: never;
}

/**
 * When a message is delivered, at most one of the three. Brokers before 5.0 only have levels: what
 * they would deliver at once is refused before it leaves.
 */
export interface DeliveryDelay {
  /**
   * Delivers the message later, by one of the broker's levels 1 to 18: 1 s, 5 s, 10 s, 30 s, 1 min to
   * 10 min, 20 min, 30 min, 1 h, 2 h by default.
   *
   * @default {none, it is delivered at once}
   */
  delayLevel?: number;
  /**
   * Delivers the message this many milliseconds later, at most 3 days. The broker rounds to seconds.
   *
   * @default {none, it is delivered at once}
   */
  delay?: number;
  /** Delivers the message at this time, a `Date` or milliseconds since 1970, at most 3 days ahead. */
  deliverAt?: Date | number;
}

/** What only a message can have that is sent by itself, without a transaction and without a batch. */
export interface SingleMessageFields extends DeliveryDelay {
  /**
   * Consumers of a topic with the attribute `message.type=PRIORITY` get higher ones first: an integer
   * from 0. The broker puts the message into the queue of this number, or the last one. Not together
   * with a delay or a sharding key, which make the broker drop it. Brokers up to 5.3 ignore it.
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

/** A message that is sent by itself and without a transaction: it may be delayed, or have a priority. */
export type DelayableMessage = Omit<Message, keyof SingleMessageFields> & SingleMessageFields;

/** A message as a broker keeps it, opened for reading. */
export interface MessageExt {
  /** Name of the topic. */
  topic: string;
  /** What is carried, decompressed. When it came uncompressed it is a view into the input. */
  body: Uint8Array;
  /** The application's own number, int32. */
  flag: number;
  /** Compression, transaction state and address kinds as stored; see {@linkcode SysFlag}. */
  sysFlag: number;
  /** Number of the queue within its broker. */
  queueId: number;
  /** Position in the queue, counted in messages. */
  queueOffset: bigint;
  /** Position in the broker's commit log, in bytes. */
  commitLogOffset: bigint;
  /** When the producer made it, in milliseconds since 1970 by the producer's clock. */
  bornTimestamp: number;
  /** Address of the producer, `host:port`; an IPv6 host is in brackets. */
  bornHost: string;
  /** When the broker stored it, in milliseconds since 1970 by the broker's clock. */
  storeTimestamp: number;
  /** Address of the broker that stored it, `host:port`; an IPv6 host is in brackets. */
  storeHost: string;
  /** Size of the stored form in bytes, as it says itself. */
  storeSize: number;
  /** Checksum of the stored body: see {@linkcode crc32}. */
  bodyCrc: number;
  /** `true` if `bodyCrc` is the checksum of the stored body. If not, the body was damaged. */
  bodyCrcValid: boolean;
  /** How often consumers have given it back. */
  reconsumeTimes: number;
  /** Of a committed message: position of its half message in the commit log, in bytes. */
  preparedTransactionOffset: bigint;
  /** All properties, those of the system too; see {@linkcode MessageProperty}. */
  properties: Record<string, string>;
  /** The tag, if it has one. */
  tags?: string;
  /** The business keys; empty when there are none. */
  keys: string[];
  /** The id that its producer gave it; without one the same as `offsetMessageId`. */
  messageId: string;
  /** The id made of the broker's address and the position in its commit log. */
  offsetMessageId: string;
  /** The id that a transaction is known by: the one that the producer gave, if it gave one. */
  transactionId?: string;
  /** Name of the broker that it came from, where the reader knows it. */
  brokerName?: string;
}

/** One queue of a topic: where a message is put, and where it is read. */
export interface MessageQueue {
  /** Name of the topic. */
  topic: string;
  /** Name of the broker that keeps the queue. */
  brokerName: string;
  /** Number of the queue within that broker, from 0. */
  queueId: number;
}
