import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../../src/errors.ts";
import { MessageProperty } from "../../src/message/mod.ts";
import type { MessageTraceOption } from "../../src/producer/mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import type { ReceivedMessage, ScriptedBroker } from "../support/scripted_broker.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { message } from "./support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2;
const TRACES = "RMQ_SYS_TRACE_TOPIC";

/** Makes a broker answer as real ones do. */
function inRegion(broker: ScriptedBroker, answer: Record<string, string> = {}): void {
  const fields = { MSG_REGION: "DefaultRegion", TRACE_ON: "true", ...answer };
  broker.on(SEND, (command, on) => broker.store(command, on, fields));
}

/** A cluster whose brokers say where they are, with a topic for traces. */
function start(options: { brokers?: number } = {}): ScriptedCluster {
  const cluster = new ScriptedCluster(options);
  for (const broker of cluster.brokers) inRegion(broker);
  cluster.route(TRACES);
  return cluster;
}

function tracesOf({ messages }: ScriptedBroker, topic = TRACES): ReceivedMessage[] {
  return messages.filter((message) => message.topic === topic);
}

/** The traces that came, as lists of fields. */
function fieldsOf(messages: readonly ReceivedMessage[]): string[][] {
  return messages.flatMap(({ body }) =>
    new TextDecoder().decode(body).split("\u0002").slice(0, -1).map((line) => line.split("\u0001"))
  );
}

Deno.test("messageTrace - a send is traced in the background, under a group of its own", async () => {
  await using cluster = start();
  const { broker, clock } = cluster;
  const producer = cluster.producer({ messageTrace: true });
  await producer.start();
  const at = clock.now();
  const result = await producer.send(message({ tags: "TagA", keys: ["k1", "k2"] }));
  const delayed = await producer.send({ topic: TOPIC, body: "later", delayLevel: 1 });
  assertEquals(tracesOf(broker), []);
  await clock.advance(5_000);

  const [trace] = tracesOf(broker);
  assertEquals(trace!.group, "_INNER_TRACE_PRODUCER-group-PRODUCE-1");
  assertEquals(
    trace!.properties[MessageProperty.Keys],
    `${result.messageId} k1 k2 ${delayed.messageId}`,
  );
  const id = result.messageId, { address } = broker;
  assertEquals(fieldsOf([trace!]), [
    ["Pub", `${at}`, "DefaultRegion", "group", TOPIC, id, "TagA", "k1 k2", address, "14", "0"]
      .concat("0", result.offsetMessageId, "true"),
    ["Pub", `${at}`, "DefaultRegion", "group", TOPIC, delayed.messageId, "null", "null", address]
      .concat("5", "0", "3", delayed.offsetMessageId, "true"),
  ]);
  assertEquals(producer.stats().sends, 2);
});

Deno.test("messageTrace - a message that is taken back is traced, whether the broker agrees or not", async () => {
  await using cluster = start();
  const { broker, clock } = cluster;
  const producer = cluster.producer({ messageTrace: true });
  await producer.start();
  const at = `${clock.now()}`, MSG_REGION = "DefaultRegion";
  const recall = (id: string) =>
    producer.recall({ topic: TOPIC, recallHandle: btoa(`v1 ${TOPIC} ${broker.name} 1 ${id}`) });
  broker.once(
    RequestCode.RECALL_MESSAGE,
    (command, on) => on.respond(command, { extFields: { msgId: "A1", MSG_REGION } }),
  );
  assertEquals(await recall("A1"), "A1");
  broker.once(
    RequestCode.RECALL_MESSAGE,
    (command, on) => on.respond(command, { code: 1, extFields: { MSG_REGION } }),
  );
  await assertRejects(() => recall("B2"));
  await clock.advance(5_000);

  assertEquals(fieldsOf(tracesOf(broker)), [
    ["Recall", at, MSG_REGION, "group", TOPIC, "A1", "true"],
    ["Recall", at, MSG_REGION, "group", TOPIC, "B2", "false"],
  ]);
});

Deno.test("messageTrace - a transaction leaves a trace of its half message and of each verdict", async () => {
  await using cluster = start();
  const { broker, clock } = cluster;
  const producer = await cluster.started(
    {
      executeLocalTransaction: () => "UNKNOWN",
      checkLocalTransaction: () => "ROLLBACK",
    },
    { messageTrace: { topic: "our-traces" } },
  );
  cluster.route("our-traces");
  const { transactionId } = await producer.sendMessageInTransaction(
    message({ tags: "TagA", keys: "k1" }),
  );
  broker.checkBack(broker.halves[0]!, { properties: { MSG_REGION: "DefaultRegion" } });
  broker.checkBack(broker.strangeHalf({
    transactionId: "STRANGE",
    properties: { TAGS: "TagB", MSG_REGION: "elsewhere" },
  }));
  broker.checkBack(broker.strangeHalf({ transactionId: "OFF", properties: { TRACE_ON: "false" } }));
  await settle(4);
  await clock.advance(5_000);

  const fields = fieldsOf(tracesOf(broker, "our-traces")).map(([type, _at, ...rest]) =>
    [type, ...rest].join(",")
  );
  const { address } = broker;
  assertEquals(fields, [
    `Pub,DefaultRegion,group,${TOPIC},${transactionId},TagA,k1,${address},14,0,1,` +
    `${fieldsOf(tracesOf(broker, "our-traces"))[0]![12]},true`,
    `EndTransaction,DefaultRegion,group,${TOPIC},${transactionId},TagA,k1,${address},2,` +
    `${transactionId},UNKNOW,false`,
    `EndTransaction,DefaultRegion,group,${TOPIC},${transactionId},TagA,k1,${address},2,` +
    `${transactionId},ROLLBACK_MESSAGE,true`,
    `EndTransaction,elsewhere,group,${TOPIC},STRANGE,TagB,null,${address},2,STRANGE,` +
    "ROLLBACK_MESSAGE,true",
  ]);
});

Deno.test("messageTrace - a broker without region, or that wants no traces, gets none", async () => {
  await using cluster = start();
  const { broker, clock } = cluster;
  const producer = cluster.producer({ messageTrace: true });
  await producer.start();
  inRegion(broker, { TRACE_ON: "false" });
  await producer.send(message());
  broker.on(SEND, (command, on) => broker.store(command, on));
  await producer.send(message());
  await producer.sendOneway(message());
  await clock.advance(10_000);

  assertEquals([broker.messages.length, tracesOf(broker).length], [3, 0]);
});

Deno.test("messageTrace - without a trace topic sends go on, and lost traces are counted", async () => {
  await using cluster = start();
  cluster.nameServer.forget(TRACES);
  const { broker, clock, logger } = cluster;
  const producer = cluster.producer({ messageTrace: true });
  await producer.start();
  for (let i = 0; i < 30; i++) await producer.send(message());
  await clock.advance(500);

  assertEquals([broker.messages.length, producer.stats().droppedTraces], [30, 20]);
  assertEquals(logger.matching("Cannot send message traces", "warn").length, 1);
  const closed = watch(producer.shutdown());
  await settle();
  assertEquals([closed.state, producer.stats().droppedTraces], ["resolved", 30]);
});

Deno.test("messageTrace - a trace broker that is silent delays no send, and the end only to its deadline", async () => {
  await using cluster = start({ brokers: 2 });
  const [orders, traces] = cluster.brokers;
  cluster.route(TOPIC, [orders!]);
  cluster.route(TRACES, [traces!]);
  traces!.on(SEND, () => {});
  const producer = cluster.producer({ messageTrace: true });
  await producer.start();
  for (let i = 0; i < 50; i++) {
    const sent = watch(producer.send(message()));
    await settle();
    assertEquals(sent.state, "resolved");
  }
  const closed = watch(producer.shutdown({ timeout: 2_000 }));
  await cluster.clock.advance(1_500);
  assertEquals(closed.state, "pending");
  await cluster.clock.advance(500);
  assertEquals([closed.state, producer.stats().droppedTraces > 0], ["resolved", true]);
});

Deno.test("messageTrace - what is left is sent at the end", async () => {
  await using cluster = start();
  const { broker } = cluster;
  const producer = cluster.producer({ messageTrace: true });
  await producer.start();
  const sent = [];
  for (let i = 0; i < 45; i++) sent.push((await producer.send(message())).messageId);
  await producer.shutdown();

  assertEquals(fieldsOf(tracesOf(broker)).map((fields) => fields[5]), sent);
  assertEquals(producer.stats().droppedTraces, 0);
});

Deno.test("messageTrace - the topic of the system is for traces only, and they are not traced", async () => {
  await using cluster = start();
  const producer = cluster.producer({ messageTrace: { topic: "our-traces" } });
  cluster.route("our-traces");
  await producer.start();
  await assertRejects(() => producer.send({ topic: TRACES, body: "x" }), InvalidArgumentError);
  await producer.send({ topic: "our-traces", body: "by hand" });
  await cluster.clock.advance(10_000);
  assertEquals(cluster.broker.messages.length, 1);

  for (const option of [{ topic: "TBW102" }, { topic: "" }, "on", null]) {
    assertThrows(
      () => cluster.producer({ messageTrace: option as MessageTraceOption }),
      InvalidArgumentError,
      "Cannot ",
    );
  }
});

Deno.test("messageTrace - each message of a batch is traced", async () => {
  await using cluster = start();
  const { broker, clock } = cluster;
  broker.on(RequestCode.SEND_BATCH_MESSAGE, (command, on) => {
    const reply = broker.store(command, on, { MSG_REGION: "r" });
    const { msgId } = reply.extFields!;
    return { ...reply, extFields: { ...reply.extFields, msgId: `${msgId},${msgId}` } };
  });
  const producer = cluster.producer({ messageTrace: true });
  await producer.start();
  const { messages } = await producer.sendBatch([
    message({ keys: "a" }),
    message({ keys: "b", body: "longer than the other" }),
  ]);
  await clock.advance(5_000);

  const traced = fieldsOf(tracesOf(broker)).map((fields) => [fields[5], fields[7], fields[9]]);
  assertEquals(traced, [
    [messages[0]!.messageId, "a", "14"],
    [messages[1]!.messageId, "b", "21"],
  ]);
  assert(tracesOf(broker)[0]!.properties[MessageProperty.Keys]!.includes("a"));
});
