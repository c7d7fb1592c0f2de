/**
 * A consumer of Apache RocketMQ messages: handlers, loops, streams or batches, one byte budget over all
 * queues, and offsets that never pass a message that is not settled.
 *
 * The members of a group share the queues under locks of the brokers. They come, go and restart without
 * a second delivery: a queue is handed over only after its messages are handled and committed.
 *
 * @example Iterate, and settle each message
 * ```ts
 * import { Consumer } from "@rocketmq-deno/client/consumer";
 *
 * async function consume(nameServers: string, signal: AbortSignal): Promise<void> {
 *   const subscriptions = { orders: "*" };
 *   await using consumer = new Consumer({ nameServers, group: "warehouse", subscriptions });
 *   await consumer.start({ signal });
 *   signal.addEventListener("abort", () => consumer.close());
 *   for await (const message of consumer) {
 *     if (message.attempt > 3) message.deadLetter("no such article");
 *     else message.ack();
 *   }
 * }
 * ```
 *
 * @module
 */
export { Batch, type BatchOptions } from "./batch.ts";
export type { CloseOptions, CloseReport } from "./close_report.ts";
export { Consumer } from "./consumer.ts";
export type { MessageHandler } from "./delivery.ts";
export type {
  AssignedEvent,
  CommitFailedEvent,
  CommittedEvent,
  ConsumerEvent,
  DeadLetteredEvent,
  DuplicateClientIdEvent,
  OffsetMovedEvent,
  ReleasedEvent,
  RetryUnknownEvent,
  StoppedEvent,
  SubscriptionDiffersEvent,
} from "./events.ts";
export type { Allocation, AllocationInput } from "./allocation.ts";
export type { Effect, EffectMessage, TransactionRunner } from "./effects.ts";
export {
  type ForwardDatabase,
  FORWARDED_FROM,
  type ForwardResult,
  MessageForwarder,
} from "./forward.ts";
export type { GroupOffsets, GroupQueue } from "./group_offsets.ts";
export type { ConsumedMessage, Settlement } from "./incoming_message.ts";
export { type InboxDatabase, type InboxEntry, MessageInbox } from "./message_inbox.ts";
export type { ConsumerOptions, ConsumerRetryOptions, StartFrom } from "./options.ts";
export type { ConsumerStats } from "./stats.ts";
export { type OffsetDatabase, StoredOffsets } from "./stored_offsets.ts";
export type { MessageSelection } from "./subscriptions.ts";
export type { AccessOptions, AddressMap, ClientOptions, Fetch } from "../client/mod.ts";
export type { Clock } from "../clock.ts";
export type { Logger } from "../logger.ts";
export type { MessageQueue } from "../message/mod.ts";
