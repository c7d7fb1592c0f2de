import type { ConnectionMark } from "../transport/mod.ts";
import type { HalfMessage } from "./half_message.ts";
import type { Verdict } from "./local_transaction_state.ts";
import type { TransactionRecord } from "./transaction_table.ts";

/**
 * What is left to know of a transaction whose verdict was given without any trouble. Almost all end
 * like that, many thousands are remembered, and most are never asked about again.
 */
export interface PastTransaction {
  readonly topic: string;
  readonly verdict: Verdict;
  readonly localTransactionRan: boolean | undefined;
  readonly brokerName: string;
  /** Whether a commit may have been carried out whose answer did not come. */
  readonly answerLost: boolean;
  /** Stands for the connection on which the broker confirmed a commit. */
  readonly committedOn: ConnectionMark | undefined;
  /** Stands for the first connection on which its half message was heard of. */
  readonly since: ConnectionMark | undefined;
}

/** What is left to know of a transaction, or nothing when that is not all that there is. */
export function summarize(record: TransactionRecord): PastTransaction | undefined {
  const { topic, verdict, localTransactionRan, halfMessages, observed, isSlow } = record;
  if (verdict === undefined || observed || isSlow || halfMessages.length !== 1) return undefined;
  const { broker, handle: { brokerName }, answerLost, committedOn, since } = halfMessages[0]!;
  if (broker !== brokerName || (committedOn && committedOn.length > 1)) return undefined;
  return {
    topic,
    verdict,
    localTransactionRan,
    brokerName,
    answerLost: answerLost === true,
    committedOn: committedOn?.[0],
    since,
  };
}

/** Whether the same is left of two transactions. */
export function isAlike(one: PastTransaction, other: PastTransaction): boolean {
  return one.topic === other.topic && one.verdict === other.verdict &&
    one.localTransactionRan === other.localTransactionRan && one.brokerName === other.brokerName &&
    one.answerLost === other.answerLost && one.committedOn === other.committedOn &&
    one.since === other.since;
}

/**
 * The transaction anew, for a question about it. Its old handle is not kept: the question brings
 * the one that is answered.
 */
export function restore(transactionId: string, past: PastTransaction): TransactionRecord {
  const { topic, verdict, localTransactionRan, brokerName, answerLost, committedOn, since } = past;
  const record: TransactionRecord = {
    transactionId,
    topic,
    phase: "over",
    localTransactionRan,
    halfMessages: [],
    verdict,
  };
  const halfMessage: HalfMessage = {
    transaction: record,
    broker: brokerName,
    since,
    phase: "idle",
    handle: {
      brokerName,
      connection: undefined,
      tranStateTableOffset: -1n,
      commitLogOffset: -1n,
      fromCheck: false,
      checkTimes: 0,
      receivedAt: 0,
    },
  };
  if (answerLost) halfMessage.answerLost = true;
  if (committedOn) halfMessage.committedOn = [committedOn];
  record.halfMessages.push(halfMessage);
  return record;
}
