import type { Connection } from "../transport/mod.ts";
import type { TransactionRecord } from "./transaction_table.ts";

/** Most brokers that are remembered for one transaction: two hold its half message at the worst. */
const MAX_BROKERS = 16;

/** By what a broker knows a half message: a verdict names it by nothing else. */
export interface HalfMessageHandle {
  /** Name of the broker. */
  readonly brokerName: string;
  /** The connection that it was learned on, if verdicts may use it. */
  readonly connection: Connection | undefined;
  /** Position of the record in the half topic's queue. */
  readonly tranStateTableOffset: bigint;
  /** Position of the record in the commit log. */
  readonly commitLogOffset: bigint;
  /** Whether it came with a check-back; else it came with the answer to the send. */
  readonly fromCheck: boolean;
  /** When it came, in monotonic milliseconds. */
  readonly receivedAt: number;
}

/**
 * What this producer knows of a transaction's half message on one broker. A slave that acts for its
 * dead master writes a half message to another broker; when the master is back, both ask about the
 * transaction, each with offsets of its own.
 */
export interface HalfMessage {
  /** Its transaction. */
  readonly transaction: TransactionRecord;
  /**
   * - `idle`: no verdict is on its way.
   * - `waiting`: one is about to leave on the newest handle, perhaps after a wait for the next
   *   check-back, see `VerdictTiming`.
   * - `ending`: one is on its way.
   */
  phase: "idle" | "waiting" | "ending";
  /** The newest handle. Each check-back brings another, and only the newest ends it. */
  handle: HalfMessageHandle;
  /** Ends the wait of phase `waiting`, if there is one. */
  wake?: () => void;
  /** A check-back that came while the verdict was on its way. */
  heldBack?: HalfMessageHandle;
  /** Whether a commit may have been carried out whose answer did not come. */
  answerLost?: boolean;
  /** The connections on which the broker confirmed a commit. */
  committedOn?: WeakSet<Connection>;
}

/**
 * Tells the brokers apart that hold one transaction's half message. A slave that was promoted has
 * the name of its master, and the offsets, too: to a producer it is the same broker. One without a
 * name, as in check-backs of old brokers that no route names any more, goes by its address.
 */
export function brokerKeyOf({ brokerName, connection }: HalfMessageHandle): string {
  return brokerName || `at ${connection?.address}`;
}

/** The half message that a handle is of. It is entered with this handle when it is not known. */
export function halfMessageOf(
  transaction: TransactionRecord,
  handle: HalfMessageHandle,
): HalfMessage {
  const { halfMessages } = transaction, key = brokerKeyOf(handle);
  const known = halfMessages.get(key);
  if (known) return known;
  if (halfMessages.size >= MAX_BROKERS) forgetOne(halfMessages);
  const halfMessage: HalfMessage = { transaction, phase: "idle", handle };
  halfMessages.set(key, halfMessage);
  return halfMessage;
}

/** Whether the broker confirmed a commit on the very connection that a handle came on. */
export function isCommittedOn(
  { committedOn }: HalfMessage,
  { connection }: HalfMessageHandle,
): boolean {
  return connection !== undefined && committedOn?.has(connection) === true;
}

function forgetOne(halfMessages: Map<string, HalfMessage>): void {
  for (const [key, { phase }] of halfMessages) {
    if (phase !== "idle") continue;
    halfMessages.delete(key);
    return;
  }
}
