import { assert, assertEquals, assertMatch } from "@std/assert";

const PROGRAM = new URL("testdata/one_transaction.ts", import.meta.url).pathname;

interface Span {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
}

/** An OTLP collector: keeps the spans and the names of the metrics that it is sent. */
class Collector implements AsyncDisposable {
  readonly spans: Span[] = [];
  readonly metrics = new Set<string>();
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => this.#take(request),
  );

  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async #take(request: Request): Promise<Response> {
    const { resourceSpans = [], resourceMetrics = [] } = await request.json();
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { metrics } of scopeMetrics) {
        for (const { name } of metrics) this.metrics.add(name);
      }
    }
    return Response.json({});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("telemetry - with OTEL_DENO=true a transaction reaches a collector as one trace", async () => {
  await using collector = new Collector();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-net", PROGRAM],
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_SERVICE_NAME: "orders",
    },
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));

  const half = collector.spans.find(({ name }) => name === "send orders");
  assert(half, "there is a span of the half message");
  const traceparent = decoder.decode(stdout).trim();
  assertMatch(traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assertEquals(traceparent, `00-${half.traceId}-${half.spanId}-01`);

  const children = collector.spans.filter(({ parentSpanId }) => parentSpanId === half.spanId);
  assertEquals(new Set(children.map(({ traceId }) => traceId)), new Set([half.traceId]));
  assertEquals(children.map(({ name }) => name).sort(), [
    "check orders",
    "end_transaction orders",
    "end_transaction orders",
    "local_transaction orders",
  ]);
  const local = children.find(({ name }) => name === "local_transaction orders")!;
  const own = collector.spans.filter(({ parentSpanId }) => parentSpanId === local.spanId);
  assertEquals(own.map(({ name }) => name), ["GET"], "the application's span nests");
  for (
    const metric of [
      "messaging.client.operation.duration",
      "messaging.client.sent.messages",
      "rocketmq.transaction.checks",
      "rocketmq.transaction.verdicts",
    ]
  ) assert(collector.metrics.has(metric), metric);
});
