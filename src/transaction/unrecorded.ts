import { checkTime } from "../checks.ts";
import { type Clock, systemClock } from "../clock.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { MessageExt } from "../message/mod.ts";
import { type CheckContext, LocalTransactionState } from "./states.ts";

/** The settings of {@linkcode stateWithoutRecord}. */
export interface WithoutRecordOptions {
  /**
   * Milliseconds after the birth of a message from which on its sender can't finish the local
   * transaction any more: its `sendTimeout`, the longest that the local transaction may take, and
   * how far the clocks of two members may be apart.
   */
  deadline: number;
  /**
   * Time.
   *
   * @default {the system's}
   */
  clock?: Clock;
}

/**
 * What to answer about a transaction of which the database has no record. That the record is missing
 * alone says nothing: another member of the group may be about to write it. So it is `Unknown` until
 * the deadline of the sender has passed, and `Rollback` from then on, or at once where this producer
 * sent the message and knows that its local transaction never ran and never will.
 *
 * @throws {InvalidArgumentError} when the deadline is no number of milliseconds.
 *
 * @example
 * ```ts
 * import {
 *   LocalTransactionState,
 *   stateWithoutRecord,
 *   type TransactionListener,
 * } from "@rocketmq-deno/client";
 *
 * const recorded = new Map<string, LocalTransactionState>(); // stands for a table in your database
 *
 * const listener: TransactionListener = {
 *   executeLocalTransaction(_message, _arg, { transactionId }) {
 *     recorded.set(transactionId, LocalTransactionState.Commit);
 *     return LocalTransactionState.Commit;
 *   },
 *   checkLocalTransaction: (message, context) =>
 *     recorded.get(context.transactionId) ??
 *       stateWithoutRecord(message, context, { deadline: 30_000 }),
 * };
 * ```
 */
export function stateWithoutRecord(
  message: Pick<MessageExt, "bornTimestamp">,
  context: Pick<CheckContext, "localTransactionRan">,
  { deadline, clock = systemClock }: WithoutRecordOptions,
): LocalTransactionState {
  if (deadline === undefined) {
    throw new InvalidArgumentError("Cannot decide about a transaction: deadline is needed");
  }
  const allowed = checkTime("deadline", deadline, deadline);
  if (context.localTransactionRan === false) return LocalTransactionState.Rollback;
  return clock.now() - message.bornTimestamp > allowed
    ? LocalTransactionState.Rollback
    : LocalTransactionState.Unknown;
}
