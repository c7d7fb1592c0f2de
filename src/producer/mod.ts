/**
 * Sending: checks, queue choice, retries, and the life of a producer.
 *
 * @module
 */
export type { RecallFields, TopicFields } from "./admin.ts";
export type { AutoBatchOptions } from "./auto_batcher.ts";
export {
  type BatchedMessage,
  type SendBatchOptions,
  type SendBatchResult,
  splitBatch,
} from "./batch.ts";
export type { CompressionName, CompressionOptions } from "./body_compression.ts";
export type {
  BrokerLostEvent,
  BrokerRegisteredEvent,
  CloseReason,
  LostEvent,
  OtherEvent,
  ProducerEvent,
  ReadyEvent,
  RouteChangedEvent,
} from "./events.ts";
export {
  callHook,
  checkHooks,
  type SendContext,
  type SendHookMessage,
  type SendHooks,
  type SendOutcome,
} from "./hooks.ts";
export {
  type IndexQuery,
  MessageIndex,
  type MessageQuery,
  readOffsetMessageId,
} from "./look_up.ts";
export type { OutgoingMessage } from "./outgoing_message.ts";
export { Producer, PRODUCER_OPTIONS, type ProducerOptions } from "./producer.ts";
export { type ProducerBaseOptions, ProducerCore } from "./producer_core.ts";
export { createReply, type ReplyMessage } from "./reply_message.ts";
export {
  type MachineRoomOptions,
  type QueueName,
  selectByHash,
  selectByMachineRoom,
  type SelectQueue,
  selectRandom,
} from "./selectors.ts";
export type { AnsweredPolicy, RetryOptions, SendBounds, SendPolicy } from "./send_policy.ts";
export type {
  CallOptions,
  ProducerStats,
  SendCounters,
  SendOptions,
  SendReceipt,
  SendResult,
} from "./send_result.ts";
export type { LatencyFaultToleranceOptions, SendingOptions } from "./sending_options.ts";
export { groupOf, operationDuration, serverOf } from "./spans.ts";
export type { MessageTraceOption } from "./traces.ts";
export { checkTopic, DEFAULT_MAX_MESSAGE_SIZE } from "./validation.ts";
