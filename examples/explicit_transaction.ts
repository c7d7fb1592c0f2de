#!/usr/bin/env -S deno run --allow-net
// deno-lint-ignore-file no-console
/**
 * A transaction in your own hands: `begin()` stores the half message, and one verdict ends it, where
 * and when your code has it.
 *
 *     deno run --allow-net examples/explicit_transaction.ts --nameserver 127.0.0.1:9876
 */
import { LocalTransactionState, TransactionProducer } from "@rocketmq-deno/client";
import { CLUSTER_OPTIONS, runExample } from "./cli.ts";

const USAGE = `Transfers money three times: one commits, one rolls back, one breaks off halfway.

Usage: explicit_transaction.ts [--nameserver HOST:PORT] [--topic NAME]

It ends when the check-back for the third came. A broker with default settings asks after 6 to 36
seconds.

Exit codes: 0 done, 1 the cluster failed, 2 wrong arguments, 130 interrupted by Ctrl+C.`;

/** The books: transfers that were made, by transaction. A real application has a database. */
const books = new Map<string, number>();

let balance = 100;

/** Moves money if there is enough, and has it made known; `work` is what comes in between. */
async function transfer(
  producer: TransactionProducer,
  topic: string,
  amount: number,
  work: () => void = () => {},
): Promise<void> {
  // Left without a verdict, the transaction is unknown: nothing is rolled back by accident.
  await using tx = await producer.begin({
    topic,
    keys: `transfer-${amount}`,
    body: `${amount} EUR`,
  });
  if (amount > balance) {
    const { endTransaction } = await tx.rollback();
    return console.log(`transfer of ${amount}: rolled back, ${endTransaction}`);
  }
  balance -= amount;
  books.set(tx.transactionId, amount);
  work();
  const { endTransaction } = await tx.commit();
  console.log(`transfer of ${amount}: committed, ${endTransaction}`);
}

await runExample(USAGE, CLUSTER_OPTIONS, async ({ nameserver, topic }, signal) => {
  const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => reject(signal.reason));
  await using producer = new TransactionProducer({
    nameServers: nameserver,
    producerGroup: "explicit_transaction",
    topics: [topic],
    transactionListener: {
      // Only needed for sendMessageInTransaction.
      executeLocalTransaction: () => LocalTransactionState.Unknown,
      checkLocalTransaction(message, { transactionId }) {
        if (!books.has(transactionId)) return LocalTransactionState.Unknown;
        console.log(`check-back of ${message.keys[0]}: it is in the books, committed`);
        resolve();
        return LocalTransactionState.Commit;
      },
    },
  });
  await producer.start({ signal });
  await transfer(producer, topic, 30);
  await transfer(producer, topic, 500);
  try {
    await transfer(producer, topic, 20, () => {
      throw new Error("a bug between the books and the verdict");
    });
  } catch (error) {
    console.log(`transfer of 20: ${(error as Error).message}; a check-back decides`);
  }
  await answered;
});
