import {
  ConnectionError,
  describe,
  type ErrorFacts,
  LocalTransactionError,
  ProtocolError,
  RocketMQError,
  SendForbiddenError,
  TransactionSendError,
} from "../errors.ts";
import { type Clock, sleep } from "../clock.ts";
import type { OutgoingMessage, ProducerCore, SendBounds, SendReceipt } from "../producer/mod.ts";
import type { EndTransactions } from "./end_transaction.ts";
import type { LiveTransaction, TransactionBook } from "./live.ts";
import type { TransactionInstrumentation } from "./observe.ts";
import type { Report } from "./report.ts";
import {
  type EndTransactionResult,
  isLocalTransactionState,
  type LocalTransactionContext,
  type LocalTransactionState,
  notAState,
  type TransactionSendResult,
} from "./states.ts";

/** How half messages are sent: never again once one may have left, since both could become visible. */
const HALF_MESSAGE = {
  kind: "half",
  awaitAnswer: true,
  retries: Infinity,
  resendAfterWrite: false,
  minTimeForAnswer: 200,
} as const;

/**
 * Milliseconds after its deadline up to which the answer to a half message counts: it came in time and
 * lay unread, because this program was busy. Later than that another member, which has no record of the
 * transaction, may have rolled it back at a check-back.
 */
const MAX_LATE_READ_MS = 3_000;

/** Milliseconds in which a rollback may be confirmed after its caller has given up. */
const ROLLBACK_GRACE_MS = 50;

export interface SendTransactionOptions {
  core: ProducerCore;
  book: TransactionBook;
  ends: EndTransactions;
  report: Report;
  instrumentation: TransactionInstrumentation;
  clock: Clock;
  /** Aborts when the producer waits no longer. */
  timeUp: AbortSignal;
  /** Aborts when the producer is closed. */
  closed: AbortSignal;
}

/** The local part of a transaction. What it gives is checked. */
export type LocalTransaction = (context: LocalTransactionContext) => unknown;

/** What is run when the half message is stored. */
export interface LocalPart {
  readonly local: LocalTransaction;
  /** `false` if its failure rejects the call, so that the log need not tell it. */
  readonly logsFailure: boolean;
}

export interface LocalOutcome {
  readonly state: LocalTransactionState;
  /** What it threw, or what is wrong with what it returned. */
  readonly cause?: unknown;
}

/**
 * Takes one transaction from its half message through the local transaction to END_TRANSACTION.
 *
 * @throws {TransactionSendError} when the local transaction was not run.
 */
export async function sendTransaction(
  outgoing: OutgoingMessage,
  bounds: SendBounds,
  { local, logsFailure }: LocalPart,
  options: SendTransactionOptions,
): Promise<TransactionSendResult> {
  const { core, book, ends, report, instrumentation, timeUp } = options;
  const live = book.send(outgoing.uniqueKey, outgoing.topic, bounds.deadline.madeAt);
  let receipt: SendReceipt;
  try {
    receipt = await core.delivery.deliver(outgoing, bounds, HALF_MESSAGE);
  } catch (error) {
    if (error instanceof SendForbiddenError) {
      book.leave(live);
      throw error;
    }
    book.leaveTroubled(live);
    throw reported(report, sendFailure(live, error));
  }
  const { brokerName } = receipt.messageQueue;
  live.traceFacts = instrumentation.traceFactsOf(outgoing.properties, receipt);
  live.stored({
    brokerName,
    connection: receipt.brokerConnection,
    tranStateTableOffset: receipt.queueOffset,
    commitLogOffset: receipt.commitLogOffset,
    fromCheck: false,
    checkTimes: 0,
  });
  report.halfStored(live, brokerName, receipt.checkImmunity);
  let outcome: LocalOutcome = { state: "ROLLBACK" };
  if (receipt.sendStatus === "SEND_OK") {
    const isTooLate = bounds.deadline.overdue > MAX_LATE_READ_MS;
    if (bounds.signal?.aborted || isTooLate || timeUp.aborted) {
      throw await abandon(live, abandonedBy(live, bounds, brokerName), options);
    }
    const ran = runLocal(live, local, receipt, bounds, options);
    outcome = ran instanceof Promise ? await ran : ran;
    report.localTransactionEnded(live, brokerName, outcome, logsFailure);
  }
  return resultOf(live, receipt, outcome, await endWith(live, outcome, ends, book));
}

/** Runs the local transaction. One that is over when it returns is not waited for. */
function runLocal(
  live: LiveTransaction,
  local: LocalTransaction,
  { messageQueue }: SendReceipt,
  { signal }: SendBounds,
  { instrumentation, timeUp, closed }: SendTransactionOptions,
): LocalOutcome | Promise<LocalOutcome> {
  live.running();
  const context = {
    transactionId: live.transactionId,
    messageQueue,
    signal: signal ? AbortSignal.any([signal, timeUp]) : timeUp,
  };
  try {
    const state = instrumentation.local(live, () => local(context));
    return isLocalTransactionState(state) ? { state } : outcomeOf(state, closed);
  } catch (error) {
    return unknownBecause(error);
  }
}

async function outcomeOf(work: unknown, closed: AbortSignal): Promise<LocalOutcome> {
  try {
    const state = await orClosed(work, closed);
    if (isLocalTransactionState(state)) return { state };
    const what = `Cannot use what the local transaction returned: ${notAState(state)}`;
    return { state: "UNKNOWN", cause: new TypeError(what) };
  } catch (error) {
    return unknownBecause(error);
  }
}

function unknownBecause(error: unknown): LocalOutcome {
  return { state: "UNKNOWN", cause: error ?? new Error("it threw nothing") };
}

/** Waits for work that may never end: rejects when the producer is closed. */
async function orClosed(work: unknown, closed: AbortSignal): Promise<unknown> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onClosed = () => reject(closed.reason);
  if (closed.aborted) onClosed();
  closed.addEventListener("abort", onClosed, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    closed.removeEventListener("abort", onClosed);
  }
}

function endWith(
  live: LiveTransaction,
  { state, cause }: LocalOutcome,
  ends: EndTransactions,
  book: TransactionBook,
): Promise<EndTransactionResult> {
  if (state !== "UNKNOWN") return ends.end(live, state, cause);
  book.leaveTroubled(live);
  return ends.leaveOpen(live, live.newest, cause);
}

/** Rolls back a half message whose caller has given up: its local transaction never runs. */
async function abandon(
  live: LiveTransaction,
  cause: ConnectionError,
  { ends, report, clock }: SendTransactionOptions,
): Promise<TransactionSendError> {
  const confirmed = new AbortController();
  let isRolledBack = false;
  ends.end(live, "ROLLBACK").then(({ outcome }) => {
    isRolledBack = outcome === "confirmed";
    confirmed.abort();
  });
  await sleep(clock, ROLLBACK_GRACE_MS, confirmed.signal).catch(() => {});
  return reported(report, abandoned(live, cause, isRolledBack));
}

function reported(report: Report, error: TransactionSendError): TransactionSendError {
  report.sendFailed(error);
  return error;
}

function resultOf(
  { transactionId }: LiveTransaction,
  { sendStatus, offsetMessageId, messageQueue, queueOffset }: SendReceipt,
  { state, cause }: LocalOutcome,
  { outcome, error }: EndTransactionResult,
): TransactionSendResult {
  const result: { -readonly [Name in keyof TransactionSendResult]: TransactionSendResult[Name] } = {
    sendStatus,
    messageId: transactionId,
    transactionId,
    offsetMessageId,
    messageQueue,
    queueOffset,
    localTransactionState: state,
    endTransaction: outcome,
  };
  if (cause !== undefined) result.localTransactionError = cause;
  if (error) result.endTransactionError = error;
  return result;
}

/** Says why a half message that was stored gets no local transaction. */
function abandonedBy(
  { transactionId, topic }: LiveTransaction,
  { signal, deadline }: SendBounds,
  brokerName: string,
): ConnectionError {
  const isAborted = signal?.aborted;
  const reason = isAborted
    ? "the caller aborted it"
    : deadline.passed
    ? `its ${deadline.timeout} ms were over`
    : "the producer was shut down";
  return new ConnectionError(
    isAborted ? "ABORTED" : "TIMEOUT",
    `Cannot run the local transaction of ${transactionId}: ${reason} when broker "${brokerName}" ` +
      "had stored the half message",
    { brokerName, topic, written: true, ...(isAborted ? { cause: signal!.reason } : {}) },
  );
}

function abandoned(
  live: LiveTransaction,
  cause: ConnectionError,
  isRolledBack: boolean,
): TransactionSendError {
  const consequence = isRolledBack
    ? "It was rolled back"
    : "Its rollback is not confirmed, a check-back for it is answered with rollback";
  return failure(live, cause, isRolledBack ? "failed" : "indeterminate", consequence);
}

/** The error of a send whose local transaction was not run: did a half message remain? */
function sendFailure(live: LiveTransaction, cause: unknown): TransactionSendError {
  // A response that makes no sense came for a message that was sent: the broker may well have it.
  const mayBeStored = cause instanceof ConnectionError
    ? cause.written
    : cause instanceof ProtocolError;
  return mayBeStored
    ? failure(
      live,
      cause,
      "indeterminate",
      "The half message may exist; checkLocalTransaction must answer ROLLBACK for this id",
    )
    : failure(live, cause, "failed", "Nothing was stored");
}

function failure(
  { transactionId, topic }: LiveTransaction,
  cause: unknown,
  outcome: "failed" | "indeterminate",
  consequence: string,
): TransactionSendError {
  const options: ErrorFacts = { transactionId, topic, cause };
  if (cause instanceof RocketMQError) {
    options.address = cause.address;
    options.brokerName = cause.brokerName;
    options.responseCode = cause.responseCode;
    options.isRetriable = cause.isRetriable;
  }
  return new TransactionSendError(
    outcome,
    `Cannot send half message ${transactionId} to topic "${topic}": ${describe(cause)}. ` +
      `${consequence}; the local transaction was not run`,
    options,
  );
}

/** Makes the error of a call whose half message was stored with a status other than SEND_OK. */
export function notRun(
  topic: string,
  { transactionId, sendStatus, endTransaction, messageQueue: { brokerName } }:
    TransactionSendResult,
): TransactionSendError {
  const isRolledBack = endTransaction === "confirmed";
  return new TransactionSendError(
    isRolledBack ? "failed" : "indeterminate",
    `Cannot begin transaction ${transactionId} on topic "${topic}": broker "${brokerName}" stored its ` +
      `half message with status ${sendStatus}, ` +
      (isRolledBack
        ? "it was rolled back"
        : "its rollback is not confirmed, answer a check-back for it with rollback") +
      "; the local transaction was not run",
    { transactionId, topic, brokerName, isRetriable: true },
  );
}

/** Makes the error of a call whose local transaction failed. */
export function localFailure(
  topic: string,
  { transactionId, localTransactionError: cause, endTransaction, ...result }: TransactionSendResult,
): LocalTransactionError {
  const { messageQueue: { brokerName }, endTransactionError } = result;
  const told = endTransactionError
    ? `could not be told UNKNOWN (${describe(endTransactionError)}), it checks back all the same`
    : "was told UNKNOWN and checks back";
  return new LocalTransactionError(
    `The local transaction of ${transactionId} on topic "${topic}" failed: ${describe(cause)}. ` +
      `Broker "${brokerName}" ${told}: the answer decides, have it come from your database`,
    {
      transactionId,
      topic,
      brokerName,
      cause,
      endTransaction: endTransaction === "sent" ? "sent" : "failed",
      endTransactionError,
    },
  );
}
