import { Broadcast } from "../broadcast.ts";
import type { MessageQueue } from "../message/mod.ts";

/** This member got a queue, and reads it from now on. */
export interface AssignedEvent {
  /** Tells the events apart. */
  readonly type: "assigned";
  /** The queue. */
  readonly queue: MessageQueue;
}

/** This member works on a queue no more. */
export interface ReleasedEvent {
  /** Tells the events apart. */
  readonly type: "released";
  /** The queue. */
  readonly queue: MessageQueue;
  /** Handed over to another member, or lost because the broker did not confirm its lock in time. */
  readonly how: "handed-over" | "lost";
  /** Messages whose handling had begun and did not end. They come again. */
  readonly unfinished: number;
  /** `false` if messages that were acknowledged may come again. */
  readonly isCommitted: boolean;
}

/** A broker confirmed an offset of the group. */
export interface CommittedEvent {
  /** Tells the events apart. */
  readonly type: "committed";
  /** The queue. */
  readonly queue: MessageQueue;
  /** Offset of the next message that the group will read. */
  readonly offset: bigint;
}

/** A commit had no answer, or was refused. It is repeated. */
export interface CommitFailedEvent {
  /** Tells the events apart. */
  readonly type: "commit-failed";
  /** The queue. */
  readonly queue: MessageQueue;
  /** What went wrong. */
  readonly error: unknown;
}

/** No broker confirmed a retry or dead letter. The message is handled again here. */
export interface RetryUnknownEvent {
  /** Tells the events apart. */
  readonly type: "retry-unknown";
  /** The queue. */
  readonly queue: MessageQueue;
  /** Names the message. */
  readonly uniqueKey: string;
  /** What went wrong. */
  readonly error: unknown;
}

/** A message was put into `%DLQ%group`. */
export interface DeadLetteredEvent {
  /** Tells the events apart. */
  readonly type: "dead-lettered";
  /** The queue. */
  readonly queue: MessageQueue;
  /** Names the message. */
  readonly uniqueKey: string;
  /** The topic in which it is now. */
  readonly deadLetterTopic: string;
  /** Why: what the application said, or which attempt failed. */
  readonly reason: string;
}

/** A message failed for good, and nothing behind it is handled any more: see `retry.then`. */
export interface StoppedEvent {
  /** Tells the events apart. */
  readonly type: "stopped";
  /** The queue. */
  readonly queue: MessageQueue;
  /** Names the message. */
  readonly uniqueKey: string;
}

/** Reading goes on at another offset: messages were deleted, or an operator reset the offset. */
export interface OffsetMovedEvent {
  /** Tells the events apart. */
  readonly type: "offset-moved";
  /** The queue. */
  readonly queue: MessageQueue;
  /** Offset that was to be read next. */
  readonly from: bigint;
  /** Offset that is read next instead. */
  readonly to: bigint;
  /** Why: its messages were deleted, the queue has become shorter, or an operator reset it. */
  readonly why: "deleted" | "shorter" | "reset";
}

/** Members of the group read other topics, or select other messages of a topic. */
export interface SubscriptionDiffersEvent {
  /** Tells the events apart. */
  readonly type: "subscription-differs";
  /** Name of the broker that lists it. */
  readonly brokerName: string;
  /** The topics of which this member and the broker differ. */
  readonly topics: readonly string[];
}

/** A client id is in the group more than once. */
export interface DuplicateClientIdEvent {
  /** Tells the events apart. */
  readonly type: "duplicate-client-id";
  /** Name of the broker that lists it. */
  readonly brokerName: string;
  /** The ids. */
  readonly clientIds: readonly string[];
}

/** What happens in a consumer. */
export type ConsumerEvent =
  | AssignedEvent
  | ReleasedEvent
  | CommittedEvent
  | CommitFailedEvent
  | RetryUnknownEvent
  | DeadLetteredEvent
  | StoppedEvent
  | OffsetMovedEvent
  | SubscriptionDiffersEvent
  | DuplicateClientIdEvent;

/** Tells of events to those who iterate. */
export type ConsumerEvents = Broadcast<ConsumerEvent>;

/** Makes what tells of events. */
export function newConsumerEvents(): ConsumerEvents {
  return new Broadcast<ConsumerEvent>();
}
