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
  CheckBack,
  LocalTransactionState,
  recoverTransactions,
  stateWithoutRecord,
  Transaction,
  TransactionProducer,
} from "./src/transaction/mod.ts";
export {
  createReply,
  Producer,
  ReplyMessage,
  selectByHash,
  selectByMachineRoom,
  selectRandom,
  splitBatch,
} from "./src/producer/mod.ts";
export {
  AccessDeniedError,
  BrokerResponseError,
  ConnectionError,
  InvalidArgumentError,
  InvalidStateError,
  MessageDecodeError,
  ProtocolError,
  RemotingDecodeError,
  RocketMQError,
  SendForbiddenError,
  TopicRouteNotFoundError,
  TransactionSendError,
} from "./src/errors.ts";
export { systemClock } from "./src/clock.ts";
export { ResponseCode } from "./src/remoting/mod.ts";
export { SendStatus } from "./src/requests/mod.ts";
export { createTlsDialer, dialTcp } from "./src/transport/mod.ts";

export type {
  AnswerCheck,
  BrokerLostEvent,
  BrokerRegisteredEvent,
  CheckBackEvent,
  CheckContext,
  CheckFailedEvent,
  CheckHandling,
  CheckImmunityEvent,
  CommitFoundEvent,
  ContradictionEvent,
  EndTransactionContext,
  EndTransactionEvent,
  EndTransactionHooks,
  EndTransactionOutcome,
  EndTransactionReport,
  HalfStoredEvent,
  InspectOptions,
  LastChecksEvent,
  LocalTransactionContext,
  LocalTransactionEndedEvent,
  RecoveryCounts,
  RecoveryOptions,
  RecoveryResult,
  RouteChangedEvent,
  SendFailedEvent,
  SlowLocalTransactionEvent,
  TransactionArguments,
  TransactionCounters,
  TransactionEvent,
  TransactionFacts,
  TransactionInspection,
  TransactionListener,
  TransactionOutcome,
  TransactionProducerOptions,
  TransactionProducerStats,
  TransactionRecord,
  TransactionSendResult,
  TransactionWarningEvent,
  Verdict,
  WithoutRecordOptions,
} from "./src/transaction/mod.ts";
export type {
  AutoBatchOptions,
  BatchedMessage,
  CallOptions,
  CompressionName,
  CompressionOptions,
  LatencyFaultToleranceOptions,
  MachineRoomOptions,
  MessageQuery,
  MessageTraceOption,
  ProducerBaseOptions,
  ProducerOptions,
  ProducerStats,
  QueueName,
  RecallFields,
  RetryOptions,
  SelectQueue,
  SendBatchOptions,
  SendBatchResult,
  SendContext,
  SendCounters,
  SendHookMessage,
  SendHooks,
  SendingOptions,
  SendKind,
  SendOptions,
  SendOutcome,
  SendResult,
  TopicFields,
} from "./src/producer/mod.ts";
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
export type {
  Dialer,
  DialOptions,
  RawTransport,
  TlsOptions,
  Transport,
} from "./src/transport/mod.ts";
export type { Clock, TimerHandle } from "./src/clock.ts";
export type { Logger } from "./src/logger.ts";
export type { ErrorFacts, MissingPermission, RocketMQErrorCode } from "./src/errors.ts";
