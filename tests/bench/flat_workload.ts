import process from "node:process";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { LineProcess } from "./line_process.ts";
import { createBody } from "./workload.ts";

/** A producer, and the process that answers it. */
export interface FlatWorkload extends AsyncDisposable {
  /** CPU time that `start()` took, in milliseconds. */
  readonly startCpu: number;
  /** Sends so many transactions; gives the CPU time of this process for one, in microseconds. */
  run(transactions: number, inFlight: number): Promise<number>;
}

/** Starts both. The topics are used in turn. */
export async function startFlatWorkload(brokers: number, topics: number): Promise<FlatWorkload> {
  const responder = new LineProcess("./responder.ts", ["--brokers", String(brokers)]);
  const names = Array.from({ length: topics }, (_, i) => `topic_${i}`);
  const producer = new TransactionProducer({
    nameServers: await responder.readLine(),
    producerGroup: "bench_flat",
    sendTimeout: 60_000,
    endTransactionTimeout: 60_000,
    topics: names,
    transactionListener: { executeLocalTransaction: () => LocalTransactionState.Commit },
  });
  const before = process.cpuUsage();
  await producer.start();
  const startCpu = cpuSince(before) / 1000;
  const body = createBody(128);
  return {
    startCpu,
    async run(transactions, inFlight) {
      let next = 0;
      const sendMany = async () => {
        for (let i = next++; i < transactions; i = next++) {
          const topic = names[i % names.length]!;
          const sent = await producer.sendMessageInTransaction({ topic, body });
          if (sent.endTransaction !== "confirmed") {
            throw sent.endTransactionError ?? new Error(`the verdict is ${sent.endTransaction}`);
          }
        }
      };
      const before = process.cpuUsage();
      await Promise.all(Array.from({ length: inFlight }, sendMany));
      return cpuSince(before) / transactions;
    },
    async [Symbol.asyncDispose]() {
      await producer.shutdown();
      await responder[Symbol.asyncDispose]();
    },
  };
}

/** CPU time of this process since then, in microseconds. */
function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
