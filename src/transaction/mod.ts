/**
 * Transactions: half messages, local transactions, END_TRANSACTION, check-backs.
 *
 * @module
 */
export type { CheckBack } from "./check_back.ts";
export type {
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
  SendFailedEvent,
  SlowLocalTransactionEvent,
  TransactionCounters,
  TransactionEvent,
  TransactionFacts,
  TransactionProducerStats,
  TransactionWarningEvent,
} from "./events.ts";
export type { DiscardedTransaction, TransactionInspection, TransactionRecord } from "./inspect.ts";
export { CAPACITIES, type Capacities } from "./options.ts";
export type {
  InspectOptions,
  TransactionArguments,
  TransactionProducerOptions,
} from "./options.ts";
export { recoverTransactions } from "./recovery.ts";
export type { RecoveryCounts, RecoveryOptions, RecoveryResult } from "./recovery.ts";
export { LocalTransactionState } from "./states.ts";
export type {
  CheckContext,
  EndTransactionContext,
  EndTransactionHooks,
  EndTransactionOutcome,
  EndTransactionReport,
  LocalTransactionContext,
  TransactionListener,
  TransactionSendResult,
  Verdict,
} from "./states.ts";
export type { Transaction } from "./transaction.ts";
export { TransactionProducer } from "./transaction_producer.ts";
export { stateWithoutRecord } from "./unrecorded.ts";
export type { WithoutRecordOptions } from "./unrecorded.ts";
