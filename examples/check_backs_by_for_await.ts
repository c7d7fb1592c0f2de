#!/usr/bin/env -S deno run --allow-net
// deno-lint-ignore-file no-console
/**
 * Check-backs by `for await` instead of a listener: the loop decides when it takes the next one.
 *
 *     deno run --allow-net examples/check_backs_by_for_await.ts --nameserver 127.0.0.1:9876
 */
import {
  LocalTransactionState,
  type TransactionListener,
  TransactionProducer,
} from "@rocketmq-deno/client";
import { CLUSTER_OPTIONS, runExample } from "./cli.ts";

const USAGE = `Sends three transactions that only check-backs decide, and answers those in a loop.

Usage: check_backs_by_for_await.ts [--nameserver HOST:PORT] [--topic NAME]

It ends when the three are decided. A broker with default settings asks after 6 to 36 seconds.

Exit codes: 0 all decided, 1 the cluster failed, 2 wrong arguments, 130 interrupted by Ctrl+C.`;

const PRODUCTS = ["bread", "cake", "milk"];

/** What became of each local transaction, by its id. A real application asks its database. */
const decided = new Map<string, LocalTransactionState>();

/** Without `checkLocalTransaction`, check-backs wait for the loop. */
const transactionListener: TransactionListener<string> = {
  executeLocalTransaction(_message, product, { transactionId }) {
    const { Commit, Rollback, Unknown } = LocalTransactionState;
    decided.set(transactionId, product === "cake" ? Rollback : Commit);
    return Unknown; // as if the verdict had got lost
  },
};

/** Answers until as many transactions are decided. */
async function answer(producer: TransactionProducer<string>, count: number): Promise<void> {
  for await (const check of producer.checkBacks()) {
    const state = decided.get(check.transactionId) ?? LocalTransactionState.Unknown;
    const outcome = await check.answer(state);
    console.log(`check-back ${check.checkTimes} of ${check.message.keys[0]}: ${state}, ${outcome}`);
    if (outcome === "confirmed" && --count === 0) return;
  }
}

await runExample(USAGE, CLUSTER_OPTIONS, async ({ nameserver, topic }, signal) => {
  await using producer = new TransactionProducer<string>({
    nameServers: nameserver,
    producerGroup: "check_backs_by_for_await",
    topics: [topic],
    transactionListener,
  });
  await producer.start({ signal });
  signal.addEventListener("abort", () => producer.shutdown()); // ends the loop
  for (const product of PRODUCTS) {
    const message = { topic, keys: product, body: `one ${product}` };
    await producer.sendMessageInTransaction(message, product, { signal });
  }
  await answer(producer, PRODUCTS.length);
  signal.throwIfAborted();
});
