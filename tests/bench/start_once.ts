// deno-lint-ignore-file no-console
/**
 * A process that sends one transaction, and then one more with a second producer; writes how long
 * that took.
 *
 * @module
 */
import type { StartTimes } from "./start_up.ts";

const begin = performance.now();
const { LocalTransactionState, TransactionProducer } = await import("../../mod.ts");
const imported = performance.now() - begin;

async function sendFirst(nameServer: string): Promise<{ start: number; first: number }> {
  const begin = performance.now();
  await using producer = new TransactionProducer({
    nameServers: nameServer,
    producerGroup: "bench_start",
    topics: ["topic_0"],
    transactionListener: { executeLocalTransaction: () => LocalTransactionState.Commit },
  });
  await producer.start();
  const start = performance.now() - begin;
  const sent = await producer.sendMessageInTransaction({ topic: "topic_0", body: "first" });
  if (sent.endTransaction !== "confirmed") throw sent.endTransactionError;
  return { start, first: performance.now() - begin };
}

const nameServer = Deno.args[0];
const times: StartTimes = { imported };
if (nameServer !== undefined) {
  times.cold = await sendFirst(nameServer);
  times.warm = await sendFirst(nameServer);
}
console.log(JSON.stringify(times));
