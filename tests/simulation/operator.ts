import type { TransactionInspection, TransactionProducer } from "../../mod.ts";
import type { PlannedOperation } from "./plan.ts";
import type { MemberWorld } from "./process.ts";
import { TOPIC } from "./world/context.ts";

/** Milliseconds that an operator waits for brokers. */
const TIMEOUT = 3_000;

/** An operator looks at a transaction, and resumes it when it was discarded and he means to. */
export async function operate(
  producer: TransactionProducer<never>,
  { tell, idOf }: MemberWorld,
  member: string,
  { txn, resumes }: PlannedOperation,
): Promise<void> {
  const transactionId = idOf(txn), options = { topic: TOPIC, timeout: TIMEOUT };
  if (transactionId === undefined) return;
  tell({ type: "inspecting", member, txn });
  let inspection: TransactionInspection;
  try {
    inspection = await producer.inspect(transactionId, options);
  } catch {
    tell({ type: "inspected", member, txn });
    return;
  }
  const { state, copies, brokerName, givenUpMessageId } = inspection;
  const broker = brokerName === undefined ? {} : { broker: brokerName };
  tell({ type: "inspected", member, txn, state, copies, ...broker });
  if (!resumes || state !== "givenUp" || givenUpMessageId === undefined) return;
  tell({ type: "resuming", member, txn, ...broker });
  try {
    await producer.resume(inspection, options);
    tell({ type: "resumed", member, txn });
  } catch (error) {
    tell({ type: "resumed", member, txn, error: (error as Error).message });
  }
}
