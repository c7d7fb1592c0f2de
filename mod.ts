/**
 * Apache RocketMQ transactional messages from TypeScript, over the remoting protocol, with nothing
 * but Deno: a half message that no consumer sees, a local transaction, a verdict, and check-backs
 * when the verdict got lost.
 *
 * @example
 * ```ts
 * import { LocalTransactionState, TransactionProducer } from "@rocketmq-deno/client";
 *
 * async function main(): Promise<void> {
 *   await using producer = new TransactionProducer({
 *     nameServers: "127.0.0.1:9876",
 *     producerGroup: "order_service",
 *     topics: ["orders"],
 *     transactionListener: {
 *       executeLocalTransaction(_message, _arg, _context) {
 *         // write to your database here, and record context.transactionId with it
 *         return LocalTransactionState.Commit;
 *       },
 *       checkLocalTransaction(_message, _context) {
 *         // look context.transactionId up in your database here
 *         return LocalTransactionState.Unknown;
 *       },
 *     },
 *   });
 *   await producer.start();
 *   const result = await producer.sendMessageInTransaction({ topic: "orders", body: "order 1" });
 *   if (result.endTransaction !== "confirmed") {
 *     // a check-back decides; nothing is lost
 *   }
 * }
 * ```
 *
 * @module
 */
export {
  type CheckBack,
  type CheckBackEvent,
  type CheckContext,
  type CheckFailedEvent,
  type CheckHandling,
  type CheckImmunityEvent,
  type CommitFoundEvent,
  type ContradictionEvent,
  type DiscardedTransaction,
  type EndTransactionContext,
  type EndTransactionEvent,
  type EndTransactionHooks,
  type EndTransactionOutcome,
  type EndTransactionReport,
  type HalfStoredEvent,
  type InspectOptions,
  type LastChecksEvent,
  type LocalTransactionContext,
  type LocalTransactionEndedEvent,
  LocalTransactionState,
  recoverTransactions,
  type RecoveryCounts,
  type RecoveryOptions,
  type RecoveryResult,
  type SendFailedEvent,
  type SlowLocalTransactionEvent,
  stateWithoutRecord,
  type Transaction,
  type TransactionArguments,
  type TransactionCounters,
  type TransactionEvent,
  type TransactionFacts,
  type TransactionInspection,
  type TransactionListener,
  TransactionProducer,
  type TransactionProducerOptions,
  type TransactionProducerStats,
  type TransactionRecord,
  type TransactionSendResult,
  type TransactionWarningEvent,
  type Verdict,
  type WithoutRecordOptions,
} from "./src/transaction/mod.ts";
export {
  type AutoBatchOptions,
  type BatchedMessage,
  type BrokerLostEvent,
  type BrokerRegisteredEvent,
  type CallOptions,
  type CloseReason,
  type CompressionName,
  type CompressionOptions,
  createReply,
  type LatencyFaultToleranceOptions,
  type LostEvent,
  type MachineRoomOptions,
  type MessageQuery,
  type MessageTraceOption,
  type OtherEvent,
  Producer,
  type ProducerBaseOptions,
  type ProducerEvent,
  type ProducerOptions,
  type ProducerStats,
  type QueueName,
  type ReadyEvent,
  type RecallFields,
  type ReplyMessage,
  type RetryOptions,
  type RouteChangedEvent,
  selectByHash,
  selectByMachineRoom,
  type SelectQueue,
  selectRandom,
  type SendBatchOptions,
  type SendBatchResult,
  type SendContext,
  type SendCounters,
  type SendHookMessage,
  type SendHooks,
  type SendingOptions,
  type SendOptions,
  type SendOutcome,
  type SendResult,
  splitBatch,
  type TopicFields,
} from "./src/producer/mod.ts";
export {
  AccessDeniedError,
  BrokerResponseError,
  ConnectionError,
  type ErrorFacts,
  InvalidArgumentError,
  InvalidStateError,
  LocalTransactionError,
  MessageDecodeError,
  type MissingPermission,
  ProtocolError,
  RemotingDecodeError,
  RocketMQError,
  type RocketMQErrorCode,
  SendForbiddenError,
  TopicRouteNotFoundError,
  TransactionSendError,
} from "./src/errors.ts";
export { type Clock, systemClock, type TimerHandle } from "./src/clock.ts";
export { ResponseCode } from "./src/remoting/mod.ts";
export { type SendKind, SendStatus } from "./src/requests/mod.ts";
export {
  createTlsDialer,
  type Dialer,
  type DialOptions,
  dialTcp,
  type TlsOptions,
  type Transport,
} from "./src/transport/mod.ts";

export type { AccessOptions, AddressMap, ClientOptions, Fetch } from "./src/client/mod.ts";
export type {
  CredentialsOptions,
  RequestFacts,
  RequestHook,
  RequestOutcome,
} from "./src/access/mod.ts";
export type { AllowBroker } from "./src/route/mod.ts";
export type {
  DelayableMessage,
  DeliveryDelay,
  Message,
  MessageExt,
  MessageQueue,
  SingleMessageFields,
} from "./src/message/internal.ts";
export type { TransactionEventType } from "./src/event_types.ts";
export type { Logger } from "./src/logger.ts";
