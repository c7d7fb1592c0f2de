import type { Connection, ConnectionMark } from "../transport/mod.ts";
import type { TransactionRecord } from "./transaction_table.ts";

/** Most brokers that are remembered for one transaction: two hold its half message at the worst. */
const MAX_BROKERS = 16;

/** Connections to one broker on which a commit may have been confirmed and that are told apart. */
const MAX_CONNECTIONS = 16;

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
  /** How often the broker has asked by then, as far as it says; 0 when it has not. */
  readonly checkTimes: number;
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
  /** See {@linkcode brokerKeyOf}. */
  readonly broker: string;
  /**
   * - `idle`: no verdict is on its way.
   * - `waiting`: one is about to leave on the newest handle, perhaps after a wait for the next
   *   check-back, see `VerdictTiming`.
   * - `ending`: one is on its way.
   */
  phase: "idle" | "waiting" | "ending";
  /** The newest handle. Each check-back brings another, and only the newest ends it. */
  handle: HalfMessageHandle;
  /** The handle of the last check-back: whatever waits to leave on another does not leave. */
  lastAsked?: HalfMessageHandle;
  /** Ends the wait of phase `waiting`, if there is one. */
  wake?: (() => void) | undefined;
  /** A check-back that came while the verdict was on its way. */
  heldBack?: HalfMessageHandle | undefined;
  /** Whether a commit may have been carried out whose answer did not come. */
  answerLost?: boolean;
  /** Stands for the first connection on which it was heard of. */
  readonly since: ConnectionMark | undefined;
  /** Marks of the connections on which the broker confirmed a commit, the newest ones. */
  committedOn?: ConnectionMark[];
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
  const { halfMessages } = transaction, broker = brokerKeyOf(handle);
  const known = halfMessages.find((halfMessage) => halfMessage.broker === broker);
  if (known) return known;
  if (halfMessages.length >= MAX_BROKERS) forgetOne(halfMessages);
  const halfMessage: HalfMessage = {
    transaction,
    broker,
    phase: "idle",
    handle,
    since: handle.connection?.mark,
  };
  halfMessages.push(halfMessage);
  return halfMessage;
}

/** Remembers that the broker confirmed a commit on a connection. */
export function markCommitted(halfMessage: HalfMessage, { mark }: Connection): void {
  const { committedOn } = halfMessage;
  if (!committedOn) halfMessage.committedOn = [mark];
  else if (!committedOn.includes(mark)) {
    committedOn.push(mark);
    if (committedOn.length > MAX_CONNECTIONS) committedOn.shift();
  }
}

/** Whether the broker confirmed a commit on the very connection that a handle came on. */
export function isCommittedOn(
  { committedOn }: HalfMessage,
  { connection }: HalfMessageHandle,
): boolean {
  return connection !== undefined && committedOn?.includes(connection.mark) === true;
}

/** Whether a question came on another connection than the one that the half message was first heard of on. */
export function isReconnected({ since }: HalfMessage, { connection }: HalfMessageHandle): boolean {
  return since !== undefined && connection !== undefined && connection.mark !== since;
}

function forgetOne(halfMessages: HalfMessage[]): void {
  const at = halfMessages.findIndex(({ phase }) => phase === "idle");
  if (at >= 0) halfMessages.splice(at, 1);
}
