import { InvalidStateError } from "../errors.ts";
import type { ConsumedMessage } from "./incoming_message.ts";

/**
 * Runs database transactions of the application, with its own driver.
 *
 * @typeParam Tx What an effect writes with: a connection, or an object of the driver for a transaction.
 */
export interface TransactionRunner<Tx> {
  /**
   * Runs `work` in one database transaction. Commits it when `work` resolves. Rolls it back when `work`
   * rejects, and rejects itself then. Resolves only after the commit succeeded. May run `work` again
   * when the database asks for that, as after a serialization failure.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}

/** A message in the hands of an effect. The outcome of the database transaction settles it. */
export interface EffectMessage
  extends Omit<ConsumedMessage, "ack" | "retry" | "deadLetter" | "settled"> {
  /** Ends the effect, rolls it back, and puts the message into `%DLQ%group`. The reason goes to the log. */
  deadLetter(reason?: string): never;
}

/**
 * Does what a message asks for, with `tx` only. What it does elsewhere, for example an HTTP call, is no
 * part of the database transaction, and may happen several times.
 */
export type Effect<Tx> = (message: EffectMessage, tx: Tx) => void | Promise<void>;

/** Ends the work of an effect that puts its message aside. */
class PutAside extends Error {
  override name = "PutAside";
}

/** Tells what is known of a database transaction, also when it failed. */
export interface EffectRun {
  /** `true` if the note said that the effect is there already. */
  isRepeat: boolean;
  /** `true` unless it is certain that the effect was not committed. */
  mayBeCommitted: boolean;
}

/**
 * Runs an effect in one database transaction with a note about its message. The effect is left out if
 * the note returns `false`.
 *
 * @param run Takes what is known, also when this rejects.
 * @returns `false` if the effect put the message aside.
 * @throws what the database or the effect threw.
 */
export async function runEffect<Tx>(
  database: TransactionRunner<Tx>,
  message: ConsumedMessage,
  { note, effect, run = { isRepeat: false, mayBeCommitted: false } }: {
    note: (tx: Tx) => boolean | Promise<boolean>;
    effect: Effect<Tx>;
    run?: EffectRun;
  },
): Promise<boolean> {
  let putAside: PutAside | undefined, isComplete = false;
  const view = viewOf(message, (reason) => {
    throw putAside = new PutAside(reason);
  });
  const work = async (tx: Tx) => {
    putAside = undefined;
    isComplete = false;
    // A database may run it again after a commit that failed, and that happened all the same.
    const { mayBeCommitted } = run;
    run.mayBeCommitted = true;
    try {
      const isNew = checkAnswer(await note(tx));
      if (isNew) await effect(view, tx);
      // One that the effect has caught counts as well.
      if (putAside) throw putAside;
      run.isRepeat = !isNew;
      if (!isNew) run.mayBeCommitted = mayBeCommitted;
      isComplete = true;
    } catch (error) {
      run.mayBeCommitted = mayBeCommitted;
      throw error;
    }
  };
  try {
    await database.transaction(work);
  } catch (error) {
    if (!putAside) throw error;
    message.deadLetter(putAside.message);
    return false;
  }
  if (isComplete) return true;
  throw new InvalidStateError(
    `Cannot acknowledge message "${message.uniqueKey}": transaction() resolved without its work, it has ` +
      "to await the work, and to reject if the work does",
  );
}

function checkAnswer(isNew: unknown): boolean {
  if (typeof isNew === "boolean") return isNew;
  throw new InvalidStateError(
    "Cannot tell whether the effect of a message is there already: the database answered neither true " +
      "nor false",
  );
}

function viewOf(message: ConsumedMessage, deadLetter: (reason?: string) => never): EffectMessage {
  const { topic, body, tags, keys, properties, uniqueKey, group, queue, offset } = message;
  const { attempt, storedAt, transactionId, signal } = message;
  return {
    ...{ topic, body, keys, properties, uniqueKey, group, queue, offset },
    ...{ attempt, storedAt, signal, deadLetter },
    ...tags !== undefined && { tags },
    ...transactionId !== undefined && { transactionId },
  };
}
