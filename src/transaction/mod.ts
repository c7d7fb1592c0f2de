/**
 * Transactions: half messages, local transactions, verdicts, check-backs.
 *
 * @module
 */
export { CheckBack } from "./check_back.ts";
export type { AnswerCheck } from "./check_back.ts";
export type { EndTransactionOutcome } from "./end_transaction.ts";
export type {
  EndTransactionContext,
  EndTransactionHooks,
  EndTransactionReport,
} from "./end_transaction_hooks.ts";
export type { TransactionInspection, TransactionRecord } from "./inspection.ts";
export { Transaction } from "./explicit_transaction.ts";
export { LocalTransactionState } from "./local_transaction_state.ts";
export type { Verdict } from "./local_transaction_state.ts";
export type {
  BrokerLostEvent,
  BrokerRegisteredEvent,
  CheckBackEvent,
  CheckFailedEvent,
  CheckHandling,
  CheckImmunityEvent,
  CommitFoundEvent,
  ContradictionEvent,
  EndTransactionEvent,
  HalfStoredEvent,
  LastChecksEvent,
  LocalTransactionEndedEvent,
  RouteChangedEvent,
  SendFailedEvent,
  SlowLocalTransactionEvent,
  TransactionEvent,
  TransactionFacts,
  TransactionWarningEvent,
} from "./transaction_events.ts";
export { recoverTransactions } from "./recovery.ts";
export type { RecoveryOptions, RecoveryResult } from "./recovery.ts";
export type { RecoveryCounts } from "./recovery_ledger.ts";
export type {
  CheckContext,
  LocalTransactionContext,
  TransactionListener,
} from "./transaction_listener.ts";
export type {
  InspectOptions,
  TransactionArguments,
  TransactionOutcome,
  TransactionProducerOptions,
} from "./transaction_options.ts";
export { TransactionProducer } from "./transaction_producer.ts";
export type { TransactionSendResult } from "./transaction_result.ts";
export { stateWithoutRecord } from "./unrecorded.ts";
export type { WithoutRecordOptions } from "./unrecorded.ts";
export type { TransactionCounters, TransactionProducerStats } from "./transaction_stats.ts";
