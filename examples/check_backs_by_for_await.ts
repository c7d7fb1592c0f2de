#!/usr/bin/env -S deno run --allow-net
// deno-lint-ignore-file no-console
/**
 * Check-backs by `for await` instead of a listener: the loop decides when it takes the next one.
 *
 *     deno run --allow-net examples/check_backs_by_for_await.ts --nameserver 127.0.0.1:9876
 */
import { parseArgs } from "node:util";
import {
  LocalTransactionState,
  RocketMQError,
  type TransactionListener,
  TransactionProducer,
} from "@rocketmq-deno/client";

const USAGE = `Sends three transactions that only check-backs decide, and answers those in a loop.

Usage: check_backs_by_for_await.ts [--nameserver HOST:PORT] [--topic NAME]

It ends when the three are decided. A broker with default settings asks after 6 to 36 seconds.

Exit codes: 0 all decided, 1 the cluster failed, 2 wrong arguments, 130 interrupted by Ctrl+C.`;

const OPTIONS = {
  nameserver: { type: "string", default: "127.0.0.1:9876" },
  topic: { type: "string", default: "TopicTest" },
  help: { type: "boolean", short: "h" },
} as const;

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

async function run(
  { nameserver, topic }: { nameserver: string; topic: string },
  signal: AbortSignal,
): Promise<void> {
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
}

async function main(): Promise<number> {
  let settings;
  try {
    settings = parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (settings.help) {
    console.log(USAGE);
    return 0;
  }
  const interrupt = new AbortController();
  Deno.addSignalListener("SIGINT", () => interrupt.abort());
  try {
    await run(settings, interrupt.signal);
    return 0;
  } catch (error) {
    if (interrupt.signal.aborted) return 130;
    console.error(error instanceof RocketMQError ? error.message : error);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
