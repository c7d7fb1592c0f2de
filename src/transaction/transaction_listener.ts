import type { Message, MessageExt, MessageQueue } from "../message/mod.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";

/** What is known when a local transaction is run. */
export interface LocalTransactionContext {
  /** The id that a check-back for it will carry: record it in the same database transaction. */
  readonly transactionId: string;
  /** The queue that the message will be visible in. */
  readonly messageQueue: MessageQueue;
  /** Aborts when the caller's signal does, and when a shutdown has reached its deadline. */
  readonly signal: AbortSignal;
}

/** What is known when the broker asks about a transaction. */
export interface CheckContext {
  /** The id of the transaction. */
  readonly transactionId: string;
  /** How often the broker has asked, this time included. It gives up after 15 by default. */
  readonly checkTimes: number;
  /**
   * Whether the local transaction was run by this producer: `false` when its send failed or was
   * given up before (the right answer is rollback), `undefined` when another producer sent it, or
   * this one before it was restarted (the answer is in the database).
   */
  readonly localTransactionRan: boolean | undefined;
  /** Whether this producer object sent it and remembers. */
  readonly known: boolean;
  /** Name of the broker that asks. */
  readonly brokerName: string;
  /** Aborts when `checkTimeout` has passed, after which an answer is thrown away, and at the end of a shutdown. */
  readonly signal: AbortSignal;
}

/**
 * The two halves of a transaction that only the application can do. Both may be synchronous or
 * asynchronous. What they throw counts as `Unknown`.
 *
 * @typeParam Arg What `sendMessageInTransaction` hands to `executeLocalTransaction`.
 *
 * @example
 * ```ts
 * import { LocalTransactionState, type TransactionListener } from "@rocketmq-deno/client";
 *
 * const done = new Set<string>(); // stands for a table in your database
 *
 * const listener: TransactionListener<{ orderId: string }> = {
 *   executeLocalTransaction(_message, order, context) {
 *     done.add(context.transactionId); // one database transaction with the order itself
 *     return order.orderId ? LocalTransactionState.Commit : LocalTransactionState.Rollback;
 *   },
 *   checkLocalTransaction(_message, context) {
 *     return done.has(context.transactionId)
 *       ? LocalTransactionState.Commit
 *       : LocalTransactionState.Unknown;
 *   },
 * };
 * ```
 */
export interface TransactionListener<Arg = unknown> {
  /**
   * Runs the local transaction, after the half message was stored and at most once for a send.
   * While it runs, check-backs for it are answered *unknown* without asking the listener.
   */
  executeLocalTransaction(
    message: Message,
    arg: Arg,
    context: LocalTransactionContext,
  ): LocalTransactionState | Promise<LocalTransactionState>;

  /**
   * Says what became of a local transaction. Any producer of the group may be asked, also one that
   * was started later: answer from the database, not from memory. Left out when the application
   * takes check-backs with `checkBacks()`.
   */
  checkLocalTransaction?(
    message: MessageExt,
    context: CheckContext,
  ): LocalTransactionState | Promise<LocalTransactionState>;
}
