#!/usr/bin/env -S OTEL_DENO=true deno run --allow-net
// deno-lint-ignore-file no-console
/**
 * Tracing with OpenTelemetry: with `OTEL_DENO=true` each transaction is one trace, with spans of its
 * half message, local transaction, verdict and check-backs, and its consumers can go on with it.
 * Nothing has to be set up in code. `OTEL_EXPORTER_OTLP_ENDPOINT` names the collector
 * (http://localhost:4318 by default).
 *
 *     OTEL_DENO=true OTEL_SERVICE_NAME=orders deno run --allow-net examples/tracing.ts
 */
import { LocalTransactionState, TransactionProducer } from "@rocketmq-deno/client";
import { CLUSTER_OPTIONS, runExample } from "./cli.ts";

const USAGE = `Sends one transaction, and prints the trace context that its message carries.

Usage: tracing.ts [--nameserver HOST:PORT] [--topic NAME]

Exit codes: 0 done, 1 the cluster failed or there is no tracing, 2 wrong arguments, 130 interrupted
by Ctrl+C.`;

/** The trace context that consumers find in the message. It is indexed within a moment. */
async function traceContextOf(
  producer: TransactionProducer,
  topic: string,
  uniqueKey: string,
): Promise<string | undefined> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const [message] = await producer.queryMessages({ topic, uniqueKey });
    if (message) return message.properties.traceparent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("The message can't be found");
}

await runExample(USAGE, CLUSTER_OPTIONS, async ({ nameserver, topic }, signal) => {
  await using producer = new TransactionProducer({
    nameServers: nameserver,
    producerGroup: "tracing",
    topics: [topic],
    transactionListener: {
      async executeLocalTransaction() {
        // What the local transaction does shows below its span: here a request by fetch.
        await (await fetch("data:text/plain,reserved")).text();
        return LocalTransactionState.Commit;
      },
      checkLocalTransaction: () => LocalTransactionState.Commit,
    },
  });
  await producer.start({ signal });
  const { messageId } = await producer.sendMessageInTransaction(
    { topic, keys: "traced", body: "an order" },
    undefined,
    { signal },
  );
  const traceparent = await traceContextOf(producer, topic, messageId);
  if (!traceparent) throw new Error("The message has no trace context: is OTEL_DENO=true set?");
  console.log(`traceparent ${traceparent}`);
});
