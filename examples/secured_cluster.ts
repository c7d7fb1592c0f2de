#!/usr/bin/env -S deno run --allow-net --allow-read=ca.pem --allow-env=ROCKETMQ_ACCESS_KEY,ROCKETMQ_SECRET_KEY
// deno-lint-ignore-file no-console
/**
 * A cluster that takes TLS only and asks who sends: the certificate of its authority comes from a
 * file, key and secret from the environment.
 *
 *     ROCKETMQ_ACCESS_KEY=… ROCKETMQ_SECRET_KEY=… deno run --allow-net --allow-read=ca.pem \
 *       --allow-env=ROCKETMQ_ACCESS_KEY,ROCKETMQ_SECRET_KEY \
 *       examples/secured_cluster.ts --nameserver mq.example.com:9876
 */
import { parseArgs } from "node:util";
import {
  AccessDeniedError,
  LocalTransactionState,
  RocketMQError,
  TransactionProducer,
} from "@rocketmq-deno/client";

const USAGE = `Sends one transaction over TLS, as a user who may.

Usage: secured_cluster.ts [--nameserver HOST:PORT] [--topic NAME] [--ca FILE]

  --ca FILE              Certificate of the authority, as PEM (default ca.pem; for another file add
                         --allow-read=FILE). The authorities that Deno trusts count too.
  --server-name NAME     The name in the servers' certificates, where it is not the one that is dialled.

Environment: ROCKETMQ_ACCESS_KEY and ROCKETMQ_SECRET_KEY, both or none.

Exit codes: 0 done, 1 the cluster failed, 2 wrong arguments, 3 the user may not, 130 interrupted by
Ctrl+C.`;

const OPTIONS = {
  nameserver: { type: "string", default: "127.0.0.1:9876" },
  topic: { type: "string", default: "TopicTest" },
  ca: { type: "string", default: "ca.pem" },
  "server-name": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

interface Settings {
  nameserver: string;
  topic: string;
  ca: string;
  "server-name"?: string | undefined;
}

async function run(settings: Settings, signal: AbortSignal): Promise<void> {
  const { nameserver, topic, ca, "server-name": serverName } = settings;
  const accessKey = Deno.env.get("ROCKETMQ_ACCESS_KEY");
  const secretKey = Deno.env.get("ROCKETMQ_SECRET_KEY");
  await using producer = new TransactionProducer({
    nameServers: nameserver,
    producerGroup: "secured_cluster",
    topics: [topic],
    tls: { caCerts: [await Deno.readTextFile(ca)], ...(serverName ? { serverName } : {}) },
    ...(accessKey && secretKey ? { credentials: { accessKey, secretKey } } : {}),
    transactionListener: {
      executeLocalTransaction: () => LocalTransactionState.Commit,
      checkLocalTransaction: () => LocalTransactionState.Commit,
    },
  });
  await producer.start({ signal });
  const { transactionId, endTransaction } = await producer.sendMessageInTransaction(
    { topic, keys: "secured", body: "nobody else can read this" },
    undefined,
    { signal },
  );
  console.log(`${transactionId}: ${endTransaction}`);
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
    return error instanceof AccessDeniedError ? 3 : 1;
  }
}

if (import.meta.main) Deno.exit(await main());
