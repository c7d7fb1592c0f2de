import type { SendResult } from "../producer/mod.ts";
import type { EndTransactionOutcome } from "./end_transaction.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";

/**
 * What became of a transactional send whose half message was stored. That a commit is `confirmed`
 * means that the broker has made the message visible; otherwise a check-back decides.
 */
export interface TransactionSendResult extends SendResult {
  /** The id that a check-back carries; the same as `messageId`. */
  readonly transactionId: string;
  /**
   * What the listener decided; `Unknown` when it threw. `Rollback` without asking it when the half
   * message was stored with a status other than `SEND_OK`.
   */
  readonly localTransactionState: LocalTransactionState;
  /** What the listener threw, if it threw. */
  readonly localTransactionError?: unknown;
  /** What became of the verdict. */
  readonly endTransaction: EndTransactionOutcome;
  /** Why the verdict failed, if it failed. */
  readonly endTransactionError?: Error;
}
