// deno-lint-ignore-file no-console
/**
 * The producer that is asked. It writes what that took when it is told a line.
 *
 * @module
 */
import process from "node:process";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import type { AnswerOrder, AnswerReport } from "./check_orders.ts";
import { readPeakMemory } from "./peak_memory.ts";

const { nameServer, delay, concurrency }: AnswerOrder = JSON.parse(Deno.args[0]!);
let calls = 0, running = 0, mostAtOnce = 0;

async function answerLater(): Promise<LocalTransactionState> {
  mostAtOnce = Math.max(mostAtOnce, ++running);
  await new Promise((resolve) => setTimeout(resolve, delay));
  running--;
  return LocalTransactionState.Commit;
}

await using producer = new TransactionProducer({
  nameServers: nameServer,
  producerGroup: "bench_checks",
  topics: ["topic_0"],
  checkConcurrency: concurrency,
  logger: { debug() {}, info() {}, warn() {}, error: (message) => console.error(message) },
  transactionListener: {
    executeLocalTransaction: () => LocalTransactionState.Unknown,
    checkLocalTransaction() {
      calls++;
      return delay > 0 ? answerLater() : LocalTransactionState.Commit;
    },
  },
});
await producer.start();
const before = process.cpuUsage();
console.log("started");
for await (const _ of Deno.stdin.readable) {
  const { user, system } = process.cpuUsage(before);
  const report: AnswerReport = {
    calls,
    mostAtOnce,
    dropped: producer.stats().droppedChecks,
    cpu: user + system,
    peak: readPeakMemory(),
  };
  console.log(JSON.stringify(report));
}
