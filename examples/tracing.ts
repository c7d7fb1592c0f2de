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
import { parseArgs } from "node:util";
import { LocalTransactionState, RocketMQError, TransactionProducer } from "@rocketmq-deno/client";

const USAGE = `Sends one transaction, and prints the trace context that its message carries.

Usage: tracing.ts [--nameserver HOST:PORT] [--topic NAME]

Exit codes: 0 done, 1 the cluster failed or there is no tracing, 2 wrong arguments, 130 interrupted
by Ctrl+C.`;

const OPTIONS = {
  nameserver: { type: "string", default: "127.0.0.1:9876" },
  topic: { type: "string", default: "TopicTest" },
  help: { type: "boolean", short: "h" },
} as const;

async function run(
  { nameserver, topic }: { nameserver: string; topic: string },
  signal: AbortSignal,
): Promise<void> {
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
}

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
