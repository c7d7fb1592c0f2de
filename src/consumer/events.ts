import { Broadcast } from "../broadcast.ts";
import type { MessageQueue } from "../message/mod.ts";

/** This member got a queue, and reads it from now on. */
export interface AssignedEvent {
  readonly type: "assigned";
  readonly queue: MessageQueue;
}

/** This member works on a queue no more. */
export interface ReleasedEvent {
  readonly type: "released";
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
  readonly type: "committed";
  readonly queue: MessageQueue;
  readonly offset: bigint;
}

/** A commit had no answer, or was refused. It is repeated. */
export interface CommitFailedEvent {
  readonly type: "commit-failed";
  readonly queue: MessageQueue;
  readonly error: unknown;
}

/** No broker confirmed a retry or dead letter. The message is handled again here. */
export interface RetryUnknownEvent {
  readonly type: "retry-unknown";
  readonly queue: MessageQueue;
  readonly uniqueKey: string;
  readonly error: unknown;
}

/** A message was put into `%DLQ%group`. */
export interface DeadLetteredEvent {
  readonly type: "dead-lettered";
  readonly queue: MessageQueue;
  readonly uniqueKey: string;
  /** The topic in which it is now. */
  readonly deadLetterTopic: string;
  readonly reason: string;
}

/** Reading goes on at another offset: messages were deleted, or an operator reset the offset. */
export interface OffsetMovedEvent {
  readonly type: "offset-moved";
  readonly queue: MessageQueue;
  readonly from: bigint;
  readonly to: bigint;
  readonly why: "deleted" | "shorter" | "reset";
}

/** Members of the group read other topics, or select other messages of a topic. */
export interface SubscriptionDiffersEvent {
  readonly type: "subscription-differs";
  readonly brokerName: string;
  /** The topics of which this member and the broker differ. */
  readonly topics: readonly string[];
}

/** A client id is in the group more than once. */
export interface DuplicateClientIdEvent {
  readonly type: "duplicate-client-id";
  readonly brokerName: string;
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
  | OffsetMovedEvent
  | SubscriptionDiffersEvent
  | DuplicateClientIdEvent;

/** Tells of events to those who iterate. */
export type ConsumerEvents = Broadcast<ConsumerEvent>;

/** Makes what tells of events. */
export function newConsumerEvents(): ConsumerEvents {
  return new Broadcast<ConsumerEvent>();
}
