#!/usr/bin/env -S deno run --allow-net
// deno-lint-ignore-file no-console
/**
 * The quick start: ten transactional messages whose local transactions answer *unknown* at first,
 * so that the broker asks back about each of them and gets commit, rollback or unknown then.
 *
 *     deno run --allow-net examples/transaction_producer.ts --nameserver 127.0.0.1:9876
 */
import { ConsoleHandler, setup } from "@std/log";
import {
  LocalTransactionState,
  type TransactionListener,
  TransactionProducer,
} from "@rocketmq-deno/client";
import { CLUSTER_OPTIONS, runExample } from "./cli.ts";

const USAGE = `Sends ten transactional messages and answers the check-backs for them.

Usage: transaction_producer.ts [--nameserver HOST:PORT] [--exit-when-settled]

  --nameserver HOST:PORT  Name servers, several with ; between (default 127.0.0.1:9876).
  --exit-when-settled     End when every commit and rollback is confirmed and every other
                          transaction was asked about. Without it, Ctrl+C ends the program.
  --help                  This text.

Exit codes: 0 done or ended by Ctrl+C, 1 the cluster failed, 2 wrong arguments.`;

const PRODUCER_GROUP = "please_rename_unique_group_name";
const TOPIC = "TopicTest";
const MESSAGES = 10;

/** What became of each local transaction, by its id. A real application asks its database. */
const localTransactions = new Map<string, number>();
let next = 0;

const transactionListener: TransactionListener = {
  executeLocalTransaction(_message, _arg, { transactionId }) {
    localTransactions.set(transactionId, next++ % 3);
    return LocalTransactionState.Unknown;
  },
  checkLocalTransaction(message, { transactionId, checkTimes }) {
    const state = verdictOn(transactionId);
    console.log(`check-back ${checkTimes} of ${message.keys[0]} (${transactionId}): ${state}`);
    return state;
  },
};

function verdictOn(transactionId: string): LocalTransactionState {
  switch (localTransactions.get(transactionId)) {
    case 1:
      return LocalTransactionState.Commit;
    case 2:
      return LocalTransactionState.Rollback;
    default:
      return LocalTransactionState.Unknown;
  }
}

/** Resolves when the broker was given every verdict that there is. */
async function allSettled(producer: TransactionProducer): Promise<void> {
  const open = new Set<string>();
  for await (const event of producer.events()) {
    if (event.type === "halfStored") open.add(event.transactionId);
    if (event.type === "endTransaction" && event.fromCheck && event.outcome !== "failed") {
      open.delete(event.transactionId);
    }
    if (localTransactions.size === MESSAGES && open.size === 0) return;
  }
}

const OPTIONS = {
  nameserver: CLUSTER_OPTIONS.nameserver,
  "exit-when-settled": { type: "boolean", default: false },
} as const;

await runExample(USAGE, OPTIONS, async (values, signal) => {
  const { nameserver: nameServers, "exit-when-settled": exitWhenSettled } = values;
  setup({
    handlers: { console: new ConsoleHandler("INFO") },
    loggers: { rocketmq: { level: "INFO", handlers: ["console"] } },
  });
  const producer = new TransactionProducer({
    nameServers,
    producerGroup: PRODUCER_GROUP,
    topics: [TOPIC],
    transactionListener,
  });
  const interrupted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  try {
    await producer.start({ signal });
    const settled = allSettled(producer);
    for (let index = 0; index < MESSAGES; index++) {
      const result = await producer.sendMessageInTransaction(
        { topic: TOPIC, tags: "TagA", keys: `KEY${index}`, body: "Hello RocketMQ" },
        undefined,
        { signal },
      );
      console.log(
        `send result: ${result.sendStatus} KEY${index} transactionId=${result.transactionId} ` +
          `queue=${result.messageQueue.brokerName}:${result.messageQueue.queueId} ` +
          `state=${result.localTransactionState}`,
      );
    }
    console.log("waiting for check-backs" + (exitWhenSettled ? "" : ", Ctrl+C ends the program"));
    await Promise.race(exitWhenSettled ? [settled, interrupted] : [interrupted]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await producer.shutdown();
    console.log("producer shut down");
  }
});
