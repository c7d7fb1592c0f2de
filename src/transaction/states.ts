import type { Message, MessageExt, MessageQueue } from "../message/mod.ts";
import type { SendResult } from "../producer/mod.ts";
import type { Connection } from "../transport/mod.ts";

/** What became of a local transaction; RocketMQ calls it the transaction state. */
export const LocalTransactionState: {
  /** The message becomes visible to consumers. */
  readonly Commit: "COMMIT";
  /** The message never becomes visible. */
  readonly Rollback: "ROLLBACK";
  /** Not known now; the broker checks back. */
  readonly Unknown: "UNKNOWN";
} = { Commit: "COMMIT", Rollback: "ROLLBACK", Unknown: "UNKNOWN" };

/** One of the three states: commit, rollback, or not known now. */
export type LocalTransactionState = "COMMIT" | "ROLLBACK" | "UNKNOWN";

/** Commit or rollback: a state that ends a transaction. */
export type Verdict = Exclude<LocalTransactionState, "UNKNOWN">;

/** Reports whether something that a listener returned is one of the three states. */
export function isLocalTransactionState(value: unknown): value is LocalTransactionState {
  return value === "COMMIT" || value === "ROLLBACK" || value === "UNKNOWN";
}

/** Says what is wrong with something that was given instead of a state. Shows a word, no other text. */
export function notAState(value: unknown): string {
  const shown = typeof value === "string"
    ? (/^[A-Za-z_]{1,20}$/.test(value) ? JSON.stringify(value) : "a text")
    : typeof value === "object" && value
    ? "an object"
    : String(value);
  return `it is ${shown}, one of "COMMIT", "ROLLBACK" and "UNKNOWN" is needed`;
}

/**
 * What became of an END_TRANSACTION request.
 *
 * - `confirmed`: the broker said that it carried it out, or the message was found visible.
 * - `sent`: it was handed to the connection, and no answer tells more: *unknown* is never answered, in
 *   mode `oneway` nothing is, and a proxy answers with success whatever becomes of it.
 * - `failed`: it did not leave, the broker refused it, or its fate is not known. The check-back
 *   decides.
 */
export type EndTransactionOutcome = "confirmed" | "sent" | "failed";

/** What became of an END_TRANSACTION request, for this module. */
export interface EndTransactionResult {
  readonly outcome: EndTransactionOutcome;
  /** Why it failed. */
  readonly error?: Error;
  /** `host:port` of the broker that it was sent to. */
  readonly address?: string;
  /** The connection on which the message was found visible, so that no COMMIT was sent. */
  readonly visibleOn?: Connection;
}

/** What is known when a local transaction is run. */
export interface LocalTransactionContext {
  /** The id that a check-back for it will carry: record it in the same database transaction. */
  readonly transactionId: string;
  /** The queue that the message will be visible in. */
  readonly messageQueue: MessageQueue;
  /** Aborts when the caller's signal does, and when a shutdown has reached its deadline. */
  readonly signal: AbortSignal;
}

/** What is known when the broker checks back. */
export interface CheckContext {
  /** The id of the transaction. */
  readonly transactionId: string;
  /** How often the broker has checked, this time included. It discards the message after 15 by default. */
  readonly checkTimes: number;
  /**
   * Whether the local transaction was run by this producer: `false` when its send failed or was
   * given up before (the right answer is rollback), `undefined` when another producer sent it, or
   * this one and its end was confirmed (the answer is in the database).
   */
  readonly localTransactionRan: boolean | undefined;
  /** Whether this producer object sent it and its end is not confirmed yet. */
  readonly known: boolean;
  /** Name of the broker that checks. */
  readonly brokerName: string;
  /** Aborts when `checkTimeout` has passed, after which an answer is ignored, and at the end of a shutdown. */
  readonly signal: AbortSignal;
}

/**
 * The two parts of a transaction that only the application can do. Both may be synchronous or
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
export interface TransactionListener<Arg = undefined> {
  /**
   * Runs the local transaction, after the half message was stored and at most once for a send.
   * While it runs, check-backs for it are answered *unknown* without calling the listener.
   */
  executeLocalTransaction(
    message: Message,
    arg: Arg,
    context: LocalTransactionContext,
  ): LocalTransactionState | Promise<LocalTransactionState>;

  /**
   * Says what became of a local transaction. Any producer of the group may get the check-back, also
   * one that was started later, and also for a transaction that has ended: answer from the database,
   * not from memory. Left out when the application takes check-backs with `checkBacks()`.
   */
  checkLocalTransaction?(
    message: MessageExt,
    context: CheckContext,
  ): LocalTransactionState | Promise<LocalTransactionState>;
}

/** Answers check-backs; part of a {@linkcode TransactionListener}. */
export type CheckListener = NonNullable<TransactionListener["checkLocalTransaction"]>;

/** An END_TRANSACTION request that is about to be sent, as a hook sees it. */
export interface EndTransactionContext {
  /** Id of the transaction. */
  readonly transactionId: string;
  /** Topic of its message. */
  readonly topic: string;
  /** The producer group. */
  readonly producerGroup: string;
  /** Name of the broker that holds the half message. */
  readonly brokerName: string;
  /** The state that it tells. */
  readonly state: LocalTransactionState;
  /** Whether it answers a check-back. */
  readonly fromCheck: boolean;
}

/** What became of an END_TRANSACTION request, as a hook sees it. */
export interface EndTransactionReport {
  /** What became of it. */
  readonly outcome: EndTransactionOutcome;
  /** Milliseconds that it took, all attempts together. */
  readonly duration: number;
  /** `host:port` of the broker that it was sent to, if it came so far. */
  readonly brokerAddress?: string;
  /** Why it failed. */
  readonly error?: Error;
}

/**
 * What an application wants to do around every END_TRANSACTION. Hooks are called synchronously. One
 * that throws is logged and does no harm: the request is sent whatever they do.
 */
export interface EndTransactionHooks {
  /** Called before the request is sent. */
  before?(context: EndTransactionContext): void;
  /** Called when it was confirmed, sent, or has failed: once for each `before`. */
  after?(context: EndTransactionContext, report: EndTransactionReport): void;
}

/**
 * What became of a transactional send whose half message was stored. That a commit is `confirmed`
 * means that the broker said it made the message visible; otherwise a check-back decides.
 */
export interface TransactionSendResult extends SendResult {
  /** The id that a check-back carries; the same as `messageId`. */
  readonly transactionId: string;
  /**
   * What the listener decided; `Unknown` when it threw, or had not ended when the producer was closed.
   * `Rollback` without calling it when the half message was stored with a status other than `SEND_OK`.
   */
  readonly localTransactionState: LocalTransactionState;
  /** What the listener threw, if it threw. */
  readonly localTransactionError?: unknown;
  /** What became of the first END_TRANSACTION. */
  readonly endTransaction: EndTransactionOutcome;
  /** Why it failed, if it failed. */
  readonly endTransactionError?: Error;
}
