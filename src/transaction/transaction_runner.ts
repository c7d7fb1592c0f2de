import type { TransactionSendError } from "../errors.ts";
import type { OutgoingMessage, ProducerCore, SendBounds, SendReceipt } from "../producer/mod.ts";
import { notAState } from "./check_pump.ts";
import type { TransactionCoordinator } from "./coordinator.ts";
import type { EndTransactionResult } from "./end_transaction.ts";
import { InFlight } from "./in_flight.ts";
import type { TransactionJournal } from "./journal.ts";
import { isLocalTransactionState, type LocalTransactionState } from "./local_transaction_state.ts";
import { givenUp, sendFailure } from "./send_failure.ts";
import type { LocalTransactionContext } from "./transaction_listener.ts";
import type { TransactionSendResult } from "./transaction_result.ts";
import type { TransactionRecord } from "./transaction_table.ts";

/**
 * Milliseconds after its deadline up to which the answer to a half message counts: it came in time
 * and lay unread, because this program was busy. Later than that a check-back to another instance,
 * which has no record, may have rolled the message back.
 */
const READ_LATE = 3_000;

/** What a runner works with. */
export interface TransactionRunnerOptions {
  /** Sends half messages. */
  core: ProducerCore;
  /** Decides on verdicts. */
  coordinator: TransactionCoordinator;
  /** Where it is told what happens. */
  journal: TransactionJournal;
  /** Aborts when the producer waits no longer. */
  timeUp: AbortSignal;
}

/** The local part of a transaction. What it gives is checked. */
export type LocalTransaction = (context: LocalTransactionContext) => unknown;

/** Takes one transaction from its half message through the local transaction to the verdict. */
export class TransactionRunner {
  /** The transactions that it has begun with. */
  readonly underWay = new InFlight();
  readonly #options: TransactionRunnerOptions;

  constructor(options: TransactionRunnerOptions) {
    this.#options = options;
  }

  /** @throws {TransactionSendError} when the local transaction was not run. */
  async run(
    outgoing: OutgoingMessage,
    bounds: SendBounds,
    local: LocalTransaction,
  ): Promise<TransactionSendResult> {
    const { coordinator, core, journal, timeUp } = this.#options;
    const record = coordinator.begin(outgoing.uniqueKey, outgoing.topic);
    record.observed = outgoing.observation;
    this.underWay.begin();
    try {
      let receipt: SendReceipt;
      try {
        receipt = await core.delivery().half(outgoing, bounds);
      } catch (error) {
        throw this.#fail(record, error);
      }
      const { brokerName } = receipt.messageQueue;
      coordinator.stored(record, receipt, outgoing.properties);
      journal.halfStored(record, brokerName);
      let state: LocalTransactionState = "ROLLBACK", cause: unknown;
      if (receipt.sendStatus === "SEND_OK") {
        if (bounds.signal?.aborted || bounds.deadline.overdue > READ_LATE || timeUp.aborted) {
          throw this.#fail(record, givenUp(record, bounds, brokerName));
        }
        try {
          const returned = this.#runLocalTransaction(record, local, receipt, bounds);
          state = checkState(isLocalTransactionState(returned) ? returned : await returned);
        } catch (error) {
          state = "UNKNOWN";
          cause = error ?? new Error("the listener threw nothing");
        }
        journal.localTransactionEnded(record, brokerName, state, cause);
      }
      const ended = await coordinator.conclude(record, state, cause);
      return resultOf(record, receipt, state, cause, ended);
    } finally {
      this.underWay.end();
    }
  }

  /** What it returns, or a promise of that. */
  #runLocalTransaction(
    record: TransactionRecord,
    local: LocalTransaction,
    { messageQueue }: SendReceipt,
    { signal }: SendBounds,
  ): unknown {
    const { coordinator, journal, timeUp } = this.#options;
    coordinator.running(record);
    const context = {
      transactionId: record.transactionId,
      messageQueue,
      signal: signal ? AbortSignal.any([signal, timeUp]) : timeUp,
    };
    return journal.observation.local(record, () => local(context));
  }

  #fail(record: TransactionRecord, cause: unknown): TransactionSendError {
    const { coordinator, journal } = this.#options;
    coordinator.abandon(record);
    const error = sendFailure(record, cause);
    journal.sendFailed(record, error.outcome, error);
    return error;
  }
}

function checkState(returned: unknown): LocalTransactionState {
  if (isLocalTransactionState(returned)) return returned;
  throw notAState("the local transaction", returned);
}

function resultOf(
  { transactionId }: TransactionRecord,
  { sendStatus, offsetMessageId, messageQueue, queueOffset }: SendReceipt,
  localTransactionState: LocalTransactionState,
  cause: unknown,
  { outcome, error }: EndTransactionResult,
): TransactionSendResult {
  const result: { -readonly [Name in keyof TransactionSendResult]: TransactionSendResult[Name] } = {
    sendStatus,
    messageId: transactionId,
    transactionId,
    offsetMessageId,
    messageQueue,
    queueOffset,
    localTransactionState,
    endTransaction: outcome,
  };
  if (cause !== undefined) result.localTransactionError = cause;
  if (error) result.endTransactionError = error;
  return result;
}
