// deno-lint-ignore-file no-console
/**
 * The producer that is measured: it sends as it is told to, line by line, and writes what that cost.
 *
 * @module
 */
import { TextLineStream } from "@std/streams/text-line-stream";
import process from "node:process";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import type { FlatOrder, FlatReport } from "./flat_workload.ts";
import { readPeakMemory } from "./peak_memory.ts";
import { createBody } from "./workload.ts";

const [nameServers, topicCount] = Deno.args;
const topics = Array.from({ length: Number(topicCount) }, (_, i) => `topic_${i}`);
const body = createBody(128);

/** CPU time of this process since then, in microseconds. */
function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function report(cpu: number): void {
  const { rss, heapUsed: heap, external } = Deno.memoryUsage();
  const line: FlatReport = { cpu, rss, heap, external, peak: readPeakMemory() };
  console.log(JSON.stringify(line));
}

async function send(producer: TransactionProducer, order: FlatOrder): Promise<void> {
  const { transactions, inFlight } = order;
  let next = 0;
  const sendMany = async () => {
    for (let i = next++; i < transactions; i = next++) {
      const topic = topics[i % topics.length]!;
      const sent = await producer.sendMessageInTransaction({ topic, body });
      if (sent.endTransaction !== "confirmed") {
        throw sent.endTransactionError ?? new Error(`the verdict is ${sent.endTransaction}`);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, sendMany));
}

const beforeStart = process.cpuUsage();
await using producer = new TransactionProducer({
  nameServers: nameServers!,
  producerGroup: "bench_flat",
  topics,
  sendTimeout: 60_000,
  endTransactionTimeout: 60_000,
  startTimeout: 60_000,
  transactionListener: {
    executeLocalTransaction: () => LocalTransactionState.Commit,
    checkLocalTransaction: () => LocalTransactionState.Unknown,
  },
});
await producer.start();
report(cpuSince(beforeStart));

const orders = Deno.stdin.readable
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
for await (const line of orders) {
  const order: FlatOrder = JSON.parse(line);
  const before = process.cpuUsage();
  await send(producer, order);
  report(cpuSince(before) / order.transactions);
}
