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
import {
  AccessDeniedError,
  LocalTransactionState,
  TransactionProducer,
} from "@rocketmq-deno/client";
import { CLUSTER_OPTIONS, runExample } from "./cli.ts";

const USAGE = `Sends one transaction over TLS, as a user who may.

Usage: secured_cluster.ts [--nameserver HOST:PORT] [--topic NAME] [--ca FILE]

  --ca FILE              Certificate of the authority, as PEM (default ca.pem; for another file add
                         --allow-read=FILE). The authorities that Deno trusts count too.
  --server-name NAME     The name in the servers' certificates, where it is not the one that is dialled.

Environment: ROCKETMQ_ACCESS_KEY and ROCKETMQ_SECRET_KEY, both or none.

Exit codes: 0 done, 1 the cluster failed, 2 wrong arguments, 3 the user may not, 130 interrupted by
Ctrl+C.`;

const OPTIONS = {
  ...CLUSTER_OPTIONS,
  ca: { type: "string", default: "ca.pem" },
  "server-name": { type: "string" },
} as const;

await runExample(USAGE, OPTIONS, async (values, signal) => {
  const { nameserver, topic, ca, "server-name": serverName } = values;
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
  try {
    await producer.start({ signal });
    const { transactionId, endTransaction } = await producer.sendMessageInTransaction(
      { topic, keys: "secured", body: "nobody else can read this" },
      undefined,
      { signal },
    );
    console.log(`${transactionId}: ${endTransaction}`);
  } catch (error) {
    if (!(error instanceof AccessDeniedError)) throw error;
    console.error(error.message);
    return 3;
  }
});
