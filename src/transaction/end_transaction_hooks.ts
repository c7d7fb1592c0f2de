import type { EndTransactionOutcome } from "./end_transaction.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";

/** A verdict that is about to be sent, as a hook sees it. */
export interface EndTransactionContext {
  /** Id of the transaction. */
  readonly transactionId: string;
  /** Topic of its message. */
  readonly topic: string;
  /** The producer group. */
  readonly producerGroup: string;
  /** Name of the broker that holds the half message. */
  readonly brokerName: string;
  /** The verdict. */
  readonly state: LocalTransactionState;
  /** Whether it answers a check-back. */
  readonly fromCheck: boolean;
}

/** What became of a verdict, as a hook sees it. */
export interface EndTransactionReport {
  /** What became of it. */
  readonly outcome: EndTransactionOutcome;
  /** Milliseconds that it took, all tries together. */
  readonly duration: number;
  /** `host:port` of the broker that it was sent to, if it came so far. */
  readonly brokerAddress?: string;
  /** Why it failed. */
  readonly error?: Error;
}

/**
 * What an application wants to do around every END_TRANSACTION. Hooks are called synchronously. One
 * that throws is logged and does no harm: the verdict is sent whatever they do.
 */
export interface EndTransactionHooks {
  /** Called before a verdict is sent. */
  before?(context: EndTransactionContext): void;
  /** Called when it was confirmed, sent, or has failed. */
  after?(context: EndTransactionContext, report: EndTransactionReport): void;
}
