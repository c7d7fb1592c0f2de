/**
 * Sending: checks, queue choice, retries, and the life of a producer.
 *
 * @module
 */
export type { AutoBatchOptions } from "./auto_batch.ts";
export {
  type BatchedMessage,
  type SendBatchOptions,
  type SendBatchResult,
  splitBatch,
} from "./batch.ts";
export type { CompressionName, CompressionOptions } from "./body_compression.ts";
export { type MachineRoomOptions, selectByMachineRoom } from "./machine_room.ts";
export { type IndexQuery, MessageIndex } from "./message_index.ts";
export type { MessageTraceOption } from "./message_trace.ts";
export type { Observation } from "./observation.ts";
export type { ObservedMessage } from "./send_observation.ts";
export type { OutgoingMessage } from "./outgoing_message.ts";
export { coreOf, Producer, type ProducerOptions } from "./producer.ts";
export { type ProducerBaseOptions, ProducerCore } from "./producer_core.ts";
export type { ProducerStats, SendCounters } from "./producer_stats.ts";
export {
  callHook,
  checkHooks,
  type SendContext,
  type SendHookMessage,
  type SendHooks,
  type SendKind,
  type SendOutcome,
} from "./send_hooks.ts";
export { operationDuration, serverOf } from "./send_telemetry.ts";
export type { RetryOptions } from "./retry_policy.ts";
export type { LatencyFaultToleranceOptions, SendingOptions } from "./sending_options.ts";
export type { TopicFields } from "./topic_creation.ts";
export type { MessageQuery } from "./look_up.ts";
export { createReply, ReplyMessage } from "./reply_message.ts";
export type { RecallFields } from "./recall.ts";
export { type QueueName, selectByHash, type SelectQueue, selectRandom } from "./queue_choice.ts";
export type { CallOptions, SendOptions, SendResult } from "./send_result.ts";
export type { SendBounds, SendReceipt } from "./send_receipt.ts";
export { DEFAULT_MAX_MESSAGE_SIZE } from "./validation.ts";
