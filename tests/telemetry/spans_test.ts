import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { BrokerResponseError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { message, saying } from "../transaction/support.ts";
import { FakeOpenTelemetry } from "./fake_open_telemetry.ts";

const API = Symbol.for("opentelemetry.js.api.1");

Deno.test("telemetry - a send is a producer's span whose context travels in the message", async () => {
  using telemetry = new FakeOpenTelemetry();
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  await producer.start();
  const result = await telemetry.within(
    "request",
    () => producer.send(message({ tags: "TagA", keys: "k1" })),
  );

  const [span] = telemetry.spans;
  assertEquals([span!.name, span!.kind, span!.parent], [`send ${TOPIC}`, 3, "request"]);
  assertEquals(span!.attributes, {
    "messaging.system": "rocketmq",
    "messaging.destination.name": TOPIC,
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    "messaging.client.id": "127.0.0.1@test",
    "rocketmq.producer.group": "group",
    "messaging.message.id": result.messageId,
    "messaging.message.body.size": 14,
    "rocketmq.message.type": "normal",
    "rocketmq.message.tag": "TagA",
    "rocketmq.message.keys": ["k1"],
    "messaging.destination.partition.id": String(result.messageQueue.queueId),
    "rocketmq.send_status": "SEND_OK",
    "server.address": "10.0.1.1",
    "server.port": 10911,
  });
  const { traceparent, tracestate } = cluster.broker.messages[0]!.properties;
  assertEquals([traceparent, tracestate], [`00-of-${span!.id}`, "vendor=1"]);
});

Deno.test("telemetry - a message's own traceparent is kept", async () => {
  using _telemetry = new FakeOpenTelemetry();
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  await producer.start();
  await producer.send(message({ properties: { traceparent: "00-mine" } }));

  const { traceparent, tracestate } = cluster.broker.messages[0]!.properties;
  assertEquals([traceparent, tracestate], ["00-mine", undefined]);
});

Deno.test("telemetry - a failed send is a span with its error", async () => {
  using telemetry = new FakeOpenTelemetry();
  await using cluster = new ScriptedCluster();
  cluster.broker.on(RequestCode.SEND_MESSAGE_V2, () => ({ code: 13, remark: "illegal" }));
  const producer = cluster.producer();
  await producer.start();
  const error = await assertRejects(() => producer.send(message()), BrokerResponseError);

  const [{ status, exceptions, attributes }] = telemetry.spans as [typeof telemetry.spans[0]];
  assertEquals([status, exceptions], [{ code: 2, message: error.message }, [error]]);
  assertEquals(
    [attributes["error.type"], attributes["server.address"]],
    ["BROKER_REFUSED", "10.0.1.1"],
  );
  const measured = telemetry.measurements.map(({ name, attributes }) => [
    name,
    attributes["error.type"],
  ]);
  assertEquals(measured, [
    ["messaging.client.operation.duration", "BROKER_REFUSED"],
    ["messaging.client.sent.messages", "BROKER_REFUSED"],
  ]);
});

Deno.test("telemetry - the spans of a transaction hang on that of its half message", async () => {
  using telemetry = new FakeOpenTelemetry();
  await using cluster = new ScriptedCluster();
  const active: (string | undefined)[] = [];
  const { broker } = cluster;
  const producer = await cluster.started({
    executeLocalTransaction() {
      active.push(telemetry.activeSpan);
      throw new Error("no database");
    },
    checkLocalTransaction() {
      active.push(telemetry.activeSpan);
      return "COMMIT";
    },
  });
  await telemetry.within("request", () => producer.sendMessageInTransaction(message()));
  broker.checkBack(broker.halves[0]!);
  await settle(4);

  assertEquals(telemetry.tree(), [
    `send_half ${TOPIC} < request`,
    `local_transaction ${TOPIC} < send_half ${TOPIC}`,
    `end_transaction ${TOPIC} < send_half ${TOPIC}`,
    `check ${TOPIC} < send_half ${TOPIC}`,
    `end_transaction ${TOPIC} < send_half ${TOPIC}`,
  ]);
  const [half, local, unknown, check, commit] = telemetry.spans;
  assertEquals(active, [local!.id, check!.id]);
  assertEquals(telemetry.spans.map(({ kind }) => kind), [3, 0, 2, 0, 2]);
  assertEquals(half!.attributes["rocketmq.message.type"], "transaction");
  assertEquals(local!.status, { code: 2, message: "no database" });
  assertInstanceOf(local!.exceptions[0], Error);
  const told = (name: string) =>
    [unknown, check, commit].map((span) => span!.attributes[`rocketmq.transaction.${name}`]);
  assertEquals(told("state"), ["UNKNOWN", "COMMIT", "COMMIT"]);
  assertEquals(told("outcome"), ["sent", undefined, "confirmed"]);
  assertEquals(told("from_check"), [false, undefined, true]);
  assertEquals(check!.attributes["rocketmq.transaction.check_times"], 1);
  const ids = new Set(telemetry.spans.map(({ attributes }) => attributes["messaging.message.id"]));
  assertEquals([...ids], [broker.halves[0]!.transactionId]);
});

Deno.test("telemetry - a check-back of another producer's message goes on in the trace that it brings", async () => {
  using telemetry = new FakeOpenTelemetry();
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  await cluster.started({ executeLocalTransaction: () => "COMMIT" }, { checkTimeout: 1_000 })
    .then((producer) => void firstCheck(producer.checkBacks()));
  const properties = { traceparent: "00-of-elsewhere" };
  broker.checkBack(broker.strangeHalf({ transactionId: "A", properties }));
  await settle(4);
  broker.checkBack(broker.strangeHalf({ transactionId: "B", properties: {} }));
  await settle(4);
  await cluster.clock.advance(1_000);

  assertEquals(telemetry.tree(), [
    `check ${TOPIC} < elsewhere`,
    `end_transaction ${TOPIC} < elsewhere`,
    `check ${TOPIC} < -`,
    `end_transaction ${TOPIC} < -`,
  ]);
  const [, , late] = telemetry.spans;
  assertEquals(late!.status?.code, 2);
  const checks = telemetry.measurements.filter(({ name }) => name.endsWith("transaction.checks"));
  assertEquals(checks.map(({ attributes }) => attributes["rocketmq.transaction.handling"]), [
    "asked",
    "asked",
  ]);
});

/** Answers the first check-back and leaves the others alone. */
async function firstCheck(checks: AsyncIterable<{ commit(): Promise<unknown> }>): Promise<void> {
  let count = 0;
  for await (const check of checks) if (count++ === 0) await check.commit();
}

Deno.test("telemetry - sends, verdicts and check-backs are measured", async () => {
  using telemetry = new FakeOpenTelemetry();
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("ROLLBACK"));
  await producer.sendMessageInTransaction(message());

  const operation = {
    "messaging.system": "rocketmq",
    "messaging.destination.name": TOPIC,
    "rocketmq.producer.group": "group",
  };
  const server = { "server.address": "10.0.1.1", "server.port": 10911 };
  const send = { "messaging.operation.name": "send_half", "messaging.operation.type": "send" };
  const settled = {
    "messaging.operation.name": "end_transaction",
    "messaging.operation.type": "settle",
  };
  assertEquals(telemetry.measurements, [
    {
      name: "messaging.client.operation.duration",
      value: 0,
      attributes: { ...operation, ...send, ...server },
    },
    {
      name: "messaging.client.sent.messages",
      value: 1,
      attributes: { ...operation, ...send, ...server },
    },
    {
      name: "rocketmq.transaction.local.duration",
      value: 0,
      attributes: { ...operation, "rocketmq.transaction.state": "ROLLBACK" },
    },
    {
      name: "messaging.client.operation.duration",
      value: 0,
      attributes: { ...operation, ...settled, ...server },
    },
    {
      name: "rocketmq.transaction.verdicts",
      value: 1,
      attributes: {
        ...operation,
        "rocketmq.transaction.state": "ROLLBACK",
        "rocketmq.transaction.outcome": "confirmed",
      },
    },
  ]);
});

Deno.test("telemetry - one that throws everywhere, or has only parts, does no harm", async () => {
  const broken = new Proxy({}, {
    get() {
      throw new Error("telemetry is broken");
    },
  });
  const globals = globalThis as Record<symbol, unknown>;
  const before = globals[API];
  try {
    globals[API] = broken;
    assertEquals(await sentAndCommitted(), undefined);
  } finally {
    if (before === undefined) delete globals[API];
    else globals[API] = before;
  }
  for (const parts of [[], ["trace"], ["trace", "propagation"], ["metrics"], ["context"]]) {
    using telemetry = new FakeOpenTelemetry(parts);
    const traceparent = await sentAndCommitted();
    assertEquals(telemetry.spans.length, parts.includes("trace") ? 3 : 0);
    assertEquals(telemetry.measurements.length, parts.includes("metrics") ? 5 : 0);
    assertEquals(traceparent !== undefined, parts.includes("propagation"));
    if (parts.includes("propagation")) {
      assert(telemetry.tree()[2]!.endsWith(`< send_half ${TOPIC}`));
    }
  }
});

/** Sends a transaction that is committed, and gives the traceparent of its message. */
async function sentAndCommitted(): Promise<string | undefined> {
  await using cluster = new ScriptedCluster();
  let ran = 0;
  const producer = await cluster.started({ executeLocalTransaction: () => (ran++, "COMMIT") });
  const { endTransaction } = await producer.sendMessageInTransaction(message());
  assertEquals([endTransaction, ran], ["confirmed", 1]);
  return cluster.broker.halves[0]!.properties.traceparent;
}
