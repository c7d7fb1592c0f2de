import { MessageDecodeError } from "../errors.ts";
import { MessageProperty, openStoredMessage, type StoredMessage } from "../message/mod.ts";
import type { CheckTransactionStateHeader } from "../requests/mod.ts";
import { type AnswerCheck, CheckBack } from "./check_back.ts";
import type { CheckDeadlines } from "./check_deadlines.ts";
import type { PendingCheck } from "./check_queue.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";
import type { TransactionObservation } from "./transaction_observation.ts";

/** What a check-back is opened with. */
export interface OpenCheckOptions {
  /** Within what time it must be answered. */
  deadlines: CheckDeadlines;
  /** Largest body that it may decompress to, in bytes. */
  maxMessageSize: number;
  /** Everyone who looks on. */
  observation: TransactionObservation;
  /** Sends the answer. */
  answer: AnswerCheck;
  /** Takes an answer that came when its time was over, and is not sent. */
  onLate: (state: LocalTransactionState) => void;
}

/**
 * Makes of a pending check-back what a listener gets, and starts its time. When that is over, it is
 * answered with *unknown*, and nobody else can answer it.
 *
 * @throws {MessageDecodeError} when the message in it can't be read: nothing is to be decided on
 * damaged data. @throws The reason why the producer waits no longer.
 */
export async function openCheck(
  pending: PendingCheck,
  options: OpenCheckOptions,
): Promise<CheckBack> {
  const { record, handle } = pending;
  const { deadlines, maxMessageSize, observation } = options;
  const answer: AnswerCheck = (state, cause) => {
    observation.checkEnds(check, state, cause);
    return options.answer(state, cause);
  };
  const message = await openStoredMessage(pending.message, { maxBodySize: maxMessageSize });
  if (!message.bodyCrcValid) {
    throw new MessageDecodeError("Cannot decode message: the checksum of its body is wrong");
  }
  message.brokerName = handle.brokerName;
  const time = new AbortController();
  const stop = deadlines.begin((reason) => {
    time.abort(reason);
    answer("UNKNOWN", reason);
  });
  const check = new CheckBack(message, {
    transactionId: record.transactionId,
    checkTimes: checkTimesOf(message),
    localTransactionRan: record.localTransactionRan,
    known: record.localTransactionRan !== undefined,
    brokerName: handle.brokerName,
    signal: time.signal,
  }, (state, cause) => {
    stop();
    return answer(state, cause);
  }, options.onLate);
  observation.checkBegins(check, record);
  return check;
}

/**
 * The id of the transaction that a check-back is about: the one that its producer gave, or the best
 * substitute. It is never empty, and never the same for two half messages without an id.
 */
export function transactionIdOf(
  header: CheckTransactionStateHeader,
  message: StoredMessage,
): string {
  return message.properties[MessageProperty.UniqueKey] || header.transactionId || header.msgId ||
    header.offsetMsgId || `${message.storeHost}@${header.commitLogOffset}`;
}

/** How often the broker has asked about a half message, by the message's own account. */
export function checkTimesOf(message: { properties: Record<string, string> }): number {
  const times = Number(message.properties[MessageProperty.TransactionCheckTimes] ?? 0);
  return Number.isInteger(times) && times >= 0 ? times : 0;
}
