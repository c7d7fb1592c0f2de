import { TransactionProducer } from "../../mod.ts";
import { print } from "../support/progress.ts";
import { silentLogger } from "../support/test_client.ts";

/** What a run is told. */
export interface RunOptions {
  nameServers: string;
  transactions: number;
  concurrency: number;
}

/** Commits transactions of 100 bytes, a fifth of them before it measures; prints how many a second. */
export async function main({ nameServers, transactions, concurrency }: RunOptions): Promise<void> {
  await using producer = new TransactionProducer({
    ...{ nameServers, producerGroup: "speed", topics: ["Speed"], logger: silentLogger },
    transactionListener: { executeLocalTransaction: () => "COMMIT" },
  });
  await producer.start();
  const body = new Uint8Array(100).fill(7);
  const run = async (count: number) => {
    const work = async () => {
      while (count-- > 0) await producer.sendMessageInTransaction({ topic: "Speed", body });
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  };
  await run(transactions / 5);
  const start = performance.now();
  await run(transactions);
  print(String(Math.round(transactions / (performance.now() - start) * 1_000)));
}

if (import.meta.main) await main(JSON.parse(Deno.args[0]!));
