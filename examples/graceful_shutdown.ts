#!/usr/bin/env -S deno run --allow-net
// deno-lint-ignore-file no-console
/**
 * What a service does on SIGTERM: takes nothing new, finishes what it has begun, answers the
 * check-backs that have come, leaves the group and ends with 0.
 *
 *     deno run --allow-net examples/graceful_shutdown.ts --nameserver 127.0.0.1:9876
 *     kill -TERM THE_PROCESS_ID_THAT_IT_PRINTS
 */
import { LocalTransactionState, TransactionProducer } from "@rocketmq-deno/client";
import { CLUSTER_OPTIONS, runExample } from "./cli.ts";

const USAGE = `Sends ten transactions a second until SIGTERM or Ctrl+C.

Usage: graceful_shutdown.ts [--nameserver HOST:PORT] [--topic NAME]

Exit codes: 0 shut down, everything that was begun has ended; 1 the cluster failed, or something was
left to check-backs; 2 wrong arguments.`;

/** Milliseconds that the service has for its end. Kubernetes sends SIGKILL after 30 seconds. */
const SHUTDOWN_TIMEOUT = 20_000;

/** Transactions that are committed. A real application has a database. */
const committed = new Set<string>();

await runExample(USAGE, CLUSTER_OPTIONS, async ({ nameserver, topic }, signal) => {
  console.log(`process ${Deno.pid}`);
  const producer = new TransactionProducer({
    nameServers: nameserver,
    producerGroup: "graceful_shutdown",
    topics: [topic],
    transactionListener: {
      async executeLocalTransaction(_message, _arg, { transactionId }) {
        await new Promise((resolve) => setTimeout(resolve, 300)); // the work takes a while
        committed.add(transactionId);
        return LocalTransactionState.Commit;
      },
      checkLocalTransaction: (_message, { transactionId }) =>
        committed.has(transactionId) ? LocalTransactionState.Commit : LocalTransactionState.Unknown,
    },
  });
  let begun = 0, ended = 0;
  const place = async (key: string) => {
    try {
      const { endTransaction } = await producer.sendMessageInTransaction({
        topic,
        keys: key,
        body: "an order",
      });
      if (endTransaction === "confirmed") ended++;
      console.log(`${key}: ${endTransaction}`);
    } catch (error) {
      console.error(`${key}: ${(error as Error).message}`);
    }
  };
  try {
    // The signal ends the wait for a cluster, but no transaction that has begun.
    await producer.start({ signal });
    // As requests come in from customers: the next one does not wait for the one before.
    for (; !signal.aborted; await new Promise((resolve) => setTimeout(resolve, 100))) {
      void place(`order-${++begun}`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await producer.shutdown({ timeout: SHUTDOWN_TIMEOUT });
  }
  console.log(`shut down: ${begun} begun, ${ended} confirmed`);
  return begun === ended ? 0 : 1;
});
