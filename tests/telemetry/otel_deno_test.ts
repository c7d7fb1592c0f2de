import { assert, assertEquals, assertMatch } from "@std/assert";

const PROGRAM = new URL("testdata/one_transaction.ts", import.meta.url).pathname;

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

interface Metric {
  name: string;
  histogram?: { dataPoints: { explicitBounds: number[]; attributes: Attribute[] }[] };
  sum?: { isMonotonic: boolean; dataPoints: { attributes: Attribute[] }[] };
}

interface Span {
  name: string;
  attributes: Attribute[];
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
}

/** An OTLP collector: keeps the spans and metrics that it is sent, and the scopes that they come from. */
class Collector implements AsyncDisposable {
  readonly spans: Span[] = [];
  readonly metrics = new Map<string, Metric>();
  readonly scopes = new Set<string>();
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
      for (const { scope, spans } of scopeSpans) {
        this.spans.push(...spans);
        this.scopes.add(`${scope?.name} ${scope?.version}`);
      }
    }
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { scope, metrics } of scopeMetrics) {
        for (const metric of metrics) this.metrics.set(metric.name, metric);
        this.scopes.add(`${scope?.name} ${scope?.version}`);
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
      OTEL_METRIC_EXPORT_INTERVAL: "100",
    },
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));

  const half = collector.spans.find(({ name }) => name === "send_half orders");
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
  const facts = new Map(half.attributes.map(({ key, value }) => [key, value]));
  assertEquals(facts.get("messaging.operation.name"), { stringValue: "send_half" });
  assertEquals(facts.get("rocketmq.producer.group"), { stringValue: "order_service" });
  assertEquals(facts.get("rocketmq.namespace"), { stringValue: "shop" });
  assertEquals(facts.get("rocketmq.message.keys"), {
    arrayValue: { values: [{ stringValue: "order-1" }, { stringValue: "customer-7" }] },
  });

  const counters = ["slow", "last_checks", "discarded"].map((it) => `rocketmq.transaction.${it}`);
  const amounts = [
    "rocketmq.transaction.in_flight",
    "rocketmq.transaction.checks.waiting",
    "rocketmq.client.sends.in_flight",
    "rocketmq.client.brokers.registered",
  ];
  const durations = [
    "messaging.client.operation.duration",
    "rocketmq.transaction.local.duration",
    "rocketmq.transaction.check.duration",
  ];
  const others = [
    "messaging.client.sent.messages",
    "rocketmq.transaction.checks",
    "rocketmq.transaction.verdicts",
    "rocketmq.client.reconnects",
  ];
  for (const name of [...counters, ...amounts, ...durations, ...others]) {
    const metric = collector.metrics.get(name);
    assert(metric, `${name} is not among ${[...collector.metrics.keys()]}`);
    const { dataPoints } = (metric.sum ?? metric.histogram)!;
    for (const { attributes } of dataPoints) {
      const group = attributes.find(({ key }) => key === "rocketmq.producer.group");
      assertEquals(group?.value, { stringValue: "order_service" }, name);
    }
  }
  for (const name of [...counters, ...amounts]) {
    assertEquals(collector.metrics.get(name)!.sum?.isMonotonic, counters.includes(name), name);
  }
  for (const name of durations) {
    const [point] = collector.metrics.get(name)!.histogram!.dataPoints;
    assertEquals(point!.explicitBounds.slice(0, 3), [0.005, 0.01, 0.025], "seconds, not minutes");
  }
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  assert(collector.scopes.has(`@rocketmq-deno/client ${version}`), [...collector.scopes].join());
});
