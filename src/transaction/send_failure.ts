import {
  ConnectionError,
  describe,
  type ErrorFacts,
  ProtocolError,
  RocketMQError,
  TransactionSendError,
} from "../errors.ts";
import type { SendBounds } from "../producer/mod.ts";
import type { TransactionRecord } from "./transaction_table.ts";

/** Why a half message that was stored gets no local transaction: the caller has given up. */
export function givenUp(
  record: TransactionRecord,
  bounds: SendBounds,
  brokerName: string,
): ConnectionError {
  const aborted = bounds.signal?.aborted;
  const reason = aborted
    ? "the caller aborted it"
    : bounds.deadline.passed
    ? `its ${bounds.deadline.timeout} ms were over`
    : "the producer was shut down";
  return new ConnectionError(
    aborted ? "ABORTED" : "TIMEOUT",
    `Cannot run the local transaction of ${record.transactionId}: ${reason} when broker "${brokerName}" had stored the half message`,
    {
      brokerName,
      topic: record.topic,
      written: true,
      ...(aborted ? { cause: bounds.signal!.reason } : {}),
    },
  );
}

/** The error of a send whose local transaction was not run: did a half message remain? */
export function sendFailure(record: TransactionRecord, cause: unknown): TransactionSendError {
  const { transactionId, topic } = record;
  const outcome = mayBeStored(cause) ? "indeterminate" : "failed";
  const options: ErrorFacts = { transactionId, topic, cause };
  if (cause instanceof RocketMQError) {
    options.address = cause.address;
    options.brokerName = cause.brokerName;
    options.responseCode = cause.responseCode;
    options.isRetriable = cause.isRetriable;
  }
  const consequence = outcome === "failed"
    ? "Nothing was stored"
    : "It may have been stored: answer a check-back for it with rollback";
  return new TransactionSendError(
    outcome,
    `Cannot send half message ${transactionId} to topic "${topic}": ${describe(cause)}. ` +
      `${consequence}; the local transaction was not run`,
    options,
  );
}

/** The error of an explicit transaction whose half message was stored too weakly to begin with. */
export function notBegun(
  topic: string,
  transactionId: string,
  sendStatus: string,
): TransactionSendError {
  return new TransactionSendError(
    "failed",
    `Cannot begin transaction ${transactionId} on topic "${topic}": the broker stored its half ` +
      `message with status ${sendStatus}, it was rolled back`,
    { transactionId, topic, isRetriable: true },
  );
}

/** A reply that makes no sense came for a message that was sent: the broker may well have it. */
function mayBeStored(cause: unknown): boolean {
  if (cause instanceof ConnectionError) return cause.written;
  return cause instanceof ProtocolError;
}
