/** What every event of an embedded broker says. */
export interface EmbeddedBrokerEventBase {
  /** When it happened by the broker's clock, in milliseconds since 1970. */
  time: number;
  /** The broker that it happened on. */
  brokerName: string;
  /** Topic of the message; of a half message the one that it is meant for. */
  topic: string;
  /** Unique key of the message, which is the transaction id. */
  transactionId: string;
  /** The business keys of the message. */
  keys: string[];
}

/** What every event of a transaction says. */
export interface TransactionEventBase extends EmbeddedBrokerEventBase {
  /** Group whose members are asked about it. */
  producerGroup: string;
}

/** A message that is no transaction was stored; consumers see it. */
export interface MessageStoredEvent extends EmbeddedBrokerEventBase {
  /** Tells the kinds apart. */
  type: "messageStored";
}

/** A half message was stored; consumers do not see it. */
export interface HalfStoredEvent extends TransactionEventBase {
  /** Tells the kinds apart. */
  type: "halfStored";
}

/** A producer gave its verdict. */
export interface VerdictEvent extends TransactionEventBase {
  /** Tells the kinds apart. */
  type: "verdict";
  /** What it said. */
  verdict: "commit" | "rollback" | "unknown";
  /** Whether it answers a check-back. */
  fromCheck: boolean;
  /** What the broker answered, or would have; 0 when it took it. */
  responseCode: number;
  /** Why the broker refused it. */
  remark?: string;
}

/** A message was committed; consumers see it. A second commit makes a second message. */
export interface VisibleEvent extends TransactionEventBase {
  /** Tells the kinds apart. */
  type: "visible";
  /** Queue that it is in. */
  queueId: number;
  /** Its offset in that queue. */
  queueOffset: bigint;
}

/** A message was rolled back; consumers will never see it. */
export interface GoneEvent extends TransactionEventBase {
  /** Tells the kinds apart. */
  type: "gone";
}

/** A producer was asked for its verdict, or nobody of the group was there to be asked. */
export interface CheckedEvent extends TransactionEventBase {
  /** Tells the kinds apart. */
  type: "checked";
  /** How often the broker has tried to ask, this time included. */
  checkTimes: number;
  /** `host:port` of the client that was asked; absent when there was none. */
  client?: string;
}

/** The broker gave up asking; the message is in `TRANS_CHECK_MAX_TIME_TOPIC`. */
export interface GivenUpEvent extends TransactionEventBase {
  /** Tells the kinds apart. */
  type: "givenUp";
  /** How often it had tried to ask. */
  checkTimes: number;
}

/** Something that happened to a message in an embedded broker; `type` tells the kinds apart. */
export type EmbeddedBrokerEvent =
  | MessageStoredEvent
  | HalfStoredEvent
  | VerdictEvent
  | VisibleEvent
  | GoneEvent
  | CheckedEvent
  | GivenUpEvent;
