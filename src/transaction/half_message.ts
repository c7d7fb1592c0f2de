import { MessageProperty, type StoredMessage } from "../message/mod.ts";
import type { CheckTransactionStateHeader } from "../requests/mod.ts";
import type { Connection } from "../transport/mod.ts";

/** Where a broker keeps half messages. */
export const HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC";

/** Where a broker keeps them with `transRocksDBEnable` and without `transWriteOriginTransHalfEnable`. */
export const ROCKSDB_HALF_TOPIC = "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC";

/** Where a broker puts half messages that it discards after the last check. */
export const DISCARDED_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";

/** One half message as its broker names it: END_TRANSACTION carries nothing else. */
export interface HalfMessage {
  readonly brokerName: string;
  /** The connection that it was learned on, if END_TRANSACTION may use it. */
  readonly connection: Connection | undefined;
  /** Position in the queue of the half topic. */
  readonly tranStateTableOffset: bigint;
  /** Position in the commit log. */
  readonly commitLogOffset: bigint;
  /** Whether a check-back brought it; else the answer to the send did. */
  readonly fromCheck: boolean;
  /** How often the broker has checked by then, as far as it says; 0 when it has not. */
  readonly checkTimes: number;
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

/** How often the broker has checked a half message, by the message's own account. */
export function checkTimesOf(message: { properties: Record<string, string> }): number {
  const times = Number(message.properties[MessageProperty.TransactionCheckTimes] ?? 0);
  return Number.isInteger(times) && times >= 0 ? times : 0;
}
