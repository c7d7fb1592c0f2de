import type { TransactionSendError } from "../errors.ts";
import type { OutgoingMessage, ProducerCore, SendBounds, SendReceipt } from "../producer/mod.ts";
import { notAState } from "./check_pump.ts";
import type { TransactionCoordinator } from "./coordinator.ts";
import type { TransactionJournal } from "./journal.ts";
import { isLocalTransactionState, type LocalTransactionState } from "./local_transaction_state.ts";
import { givenUp, sendFailure } from "./send_failure.ts";
import type { LocalTransactionContext } from "./transaction_listener.ts";
import type { TransactionSendResult } from "./transaction_result.ts";
import type { TransactionRecord } from "./transaction_table.ts";

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
      if (bounds.signal?.aborted || bounds.deadline.passed || timeUp.aborted) {
        throw this.#fail(record, givenUp(record, bounds, brokerName));
      }
      [state, cause] = await this.#runLocalTransaction(record, local, receipt, bounds);
    }
    const ended = await coordinator.conclude(record, state, cause);
    const result: { -readonly [Name in keyof TransactionSendResult]: TransactionSendResult[Name] } =
      {
        sendStatus: receipt.sendStatus,
        messageId: record.transactionId,
        transactionId: record.transactionId,
        offsetMessageId: receipt.offsetMessageId,
        messageQueue: receipt.messageQueue,
        queueOffset: receipt.queueOffset,
        localTransactionState: state,
        endTransaction: ended.outcome,
      };
    if (cause !== undefined) result.localTransactionError = cause;
    if (ended.error) result.endTransactionError = ended.error;
    return result;
  }

  async #runLocalTransaction(
    record: TransactionRecord,
    local: LocalTransaction,
    { messageQueue }: SendReceipt,
    { signal }: SendBounds,
  ): Promise<[LocalTransactionState, unknown]> {
    const { coordinator, journal, timeUp } = this.#options;
    coordinator.running(record);
    let state: LocalTransactionState = "UNKNOWN", cause: unknown;
    try {
      const context = {
        transactionId: record.transactionId,
        messageQueue,
        signal: signal ? AbortSignal.any([signal, timeUp]) : timeUp,
      };
      const returned = await journal.observation.local(record, () => local(context));
      if (isLocalTransactionState(returned)) state = returned;
      else cause = notAState("the local transaction", returned);
    } catch (error) {
      cause = error ?? new Error("the listener threw nothing");
    }
    journal.localTransactionEnded(record, messageQueue.brokerName, state, cause);
    return [state, cause];
  }

  #fail(record: TransactionRecord, cause: unknown): TransactionSendError {
    const { coordinator, journal } = this.#options;
    coordinator.abandon(record);
    const error = sendFailure(record, cause);
    journal.sendFailed(record, error.outcome, error);
    return error;
  }
}
