import {
  LocalTransactionError,
  LocalTransactionState,
  type TransactionProducer,
  TransactionSendError,
  type TransactionSendResult,
} from "../../mod.ts";
import type { Application } from "./application.ts";
import type { PlannedTransaction } from "./plan.ts";
import type { MemberWorld } from "./process.ts";

type Producer = TransactionProducer<PlannedTransaction>;

/** What came of a transaction; nothing is known of the verdict of one that was left open. */
type Result = Partial<Pick<TransactionSendResult, "endTransaction">>;

/** Sends a transaction in the way that is planned, and tells how that settled. */
export function sendTransaction(
  producer: Producer,
  application: Application,
  world: MemberWorld,
  member: string,
  txn: PlannedTransaction,
): void {
  const { name, way = "listener", timeout } = txn, { tell, scheduler, calledAt } = world;
  tell({
    type: "called",
    member,
    txn: name,
    timeout,
    ...(way === "listener" ? {} : { way }),
  });
  calledAt.set(name, scheduler.now);
  const settle = ({ endTransaction }: Result) =>
    tell({
      type: "settled",
      member,
      txn: name,
      outcome: "sent",
      ...(endTransaction === undefined ? {} : { endTransaction }),
    });
  send(producer, application, txn, settle).then(settle, (error) => {
    // Its local transaction has run, and failed.
    if (error instanceof LocalTransactionError) return settle(error);
    tell({
      type: "settled",
      member,
      txn: name,
      outcome: error instanceof TransactionSendError ? error.outcome : "refused",
      reason: (error as Error).name,
    });
  });
}

async function send(
  producer: Producer,
  application: Application,
  txn: PlannedTransaction,
  settleAgain: (result: Result) => void,
): Promise<Result> {
  const { way = "listener", timeout } = txn, message = application.messageOf(txn);
  switch (way) {
    case "listener":
      return await producer.sendMessageInTransaction(message, txn, { timeout });
    case "callback":
      return await producer.transaction(message, async () => {
        const state = await application.runLocal(txn);
        // Nothing means commit.
        return state === LocalTransactionState.Commit ? undefined : state;
      }, { timeout });
    case "begin":
      return await decide(producer, application, txn, settleAgain);
  }
}

/**
 * Begins a transaction, and ends it with what its work gives. One whose work fails, or gives nothing
 * useful, is left open as `await using` does. A second verdict is tried, and must be refused.
 */
async function decide(
  producer: Producer,
  application: Application,
  txn: PlannedTransaction,
  settleAgain: (result: Result) => void,
): Promise<Result> {
  const { timeout } = txn;
  const tx = await producer.begin(application.messageOf(txn), { timeout });
  let state: LocalTransactionState = "UNKNOWN";
  try {
    state = await application.runLocal(txn);
  } catch {
    // It is left open.
  }
  if (state !== "COMMIT" && state !== "ROLLBACK") {
    await tx[Symbol.asyncDispose]();
    return {};
  }
  const ended = state === "COMMIT" ? tx.commit() : tx.rollback();
  const again = state === "COMMIT" ? tx.rollback() : tx.commit();
  again.then(settleAgain, () => {});
  return await ended;
}
