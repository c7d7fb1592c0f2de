import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BrokerResponseError,
  InvalidArgumentError,
  type MessageExt,
  Producer,
  type ProducerOptions,
  ResponseCode,
  systemClock,
  TopicRouteNotFoundError,
} from "../../mod.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../src/testing/mod.ts";
import { createOffsetMessageId } from "../../src/message/mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { ScriptedBroker } from "../support/scripted_broker.ts";
import { ScriptedCluster } from "../support/scripted_cluster.ts";
import { silentLogger } from "../support/test_client.ts";

const TOPIC = "archive";

async function start(
  stack: AsyncDisposableStack,
  options: EmbeddedBrokerOptions = {},
  client: Partial<ProducerOptions> = {},
) {
  const broker = stack.use(
    await EmbeddedBroker.start({ brokers: 2, listen: false, topics: [TOPIC], ...options }),
  );
  const producer = stack.use(
    new Producer({
      nameServers: broker.nameServer,
      dialer: broker.dialer,
      producerGroup: "archivists",
      topics: [TOPIC],
      logger: silentLogger,
      ...client,
    }),
  );
  await producer.start();
  return { broker, producer };
}

function textOf({ body }: MessageExt): string {
  return new TextDecoder().decode(body);
}

Deno.test("createTopic() - every master gets the topic as it is described, and it can be sent to", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack, { autoCreateTopics: false });
  const topic = "fresh";
  await assertRejects(() => producer.send({ topic, body: "b" }), TopicRouteNotFoundError);
  using requests = broker.faults.add({
    on: 17,
    fields: {
      topic,
      readQueueNums: "3",
      writeQueueNums: "3",
      perm: "6",
      attributes: "+message.type=TRANSACTION",
    },
    action: "delay",
    ms: 1,
  });
  await producer.createTopic({ topic, queues: 3, attributes: { "message.type": "TRANSACTION" } });
  assertEquals(requests.hits, 2);

  const queues = new Set<string>();
  for (let index = 0; index < 6; index++) {
    const { messageQueue } = await producer.send({ topic, body: "b" });
    queues.add(`${messageQueue.brokerName}/${messageQueue.queueId}`);
  }
  assertEquals(queues.size, 6);
});

Deno.test("createTopic() - a borrowed route gives way to that of the topic", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  const topic = "made_by_the_first_send";
  await producer.send({ topic, body: "b" });
  await producer.createTopic({ topic, queues: 1 });
  for (let index = 0; index < 4; index++) {
    assertEquals((await producer.send({ topic, body: "b" })).messageQueue.queueId, 0);
  }
});

Deno.test("createTopic() - tells the broker that refused, when all others were asked", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack, { autoCreateTopics: false });
  using _refusal = broker.faults.add({
    on: 17,
    at: "broker-a",
    action: "answer",
    code: ResponseCode.NO_PERMISSION,
  });
  const topic = "half_made";
  const error = await assertRejects(() => producer.createTopic({ topic }), BrokerResponseError);
  assertEquals([error.brokerName, error.topic], ["broker-a", topic]);
  assertEquals((await producer.send({ topic, body: "b" })).messageQueue.brokerName, "broker-b");
});

Deno.test("createTopic() - what no topic can be is refused", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  for (
    const fields of [
      { topic: "" },
      { topic: "RMQ_SYS_TRANS_HALF_TOPIC" },
      { topic: "t", queues: 0 },
      { topic: "t", perm: 8 },
      { topic: "t", attributes: { "a,b": "c" } },
    ]
  ) {
    await assertRejects(() => producer.createTopic(fields), InvalidArgumentError, "Cannot ");
  }
  await assertRejects(
    () => producer.createTopic({ topic: "t", clusterName: "other" }),
    TopicRouteNotFoundError,
    'no master of cluster "other"',
  );
});

Deno.test("viewMessage() - reads what an id names, from the broker that has it", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  for (let index = 0; index < 10; index++) {
    const { offsetMessageId, messageId, messageQueue } = await producer.send({
      topic: TOPIC,
      body: `${index}`,
    });
    const message = await producer.viewMessage(offsetMessageId, { topic: TOPIC });
    assert(message);
    assertEquals([textOf(message), message.messageId], [`${index}`, messageId]);
    assertEquals(message.brokerName, messageQueue.brokerName);
  }
});

Deno.test("viewMessage() - only the broker on IPv6 that an id names is asked", async () => {
  await using cluster = new ScriptedCluster();
  const six = new ScriptedBroker("six", "[fd00::2]:10911");
  cluster.network.listen("[fd00::2]:10911", six);
  cluster.route(TOPIC, [cluster.broker, six]);
  const producer = cluster.producer({ topics: [TOPIC] });
  await producer.start();
  const id = createOffsetMessageId("fd00::2", 10911, 64n);
  assertEquals(await producer.viewMessage(id, { topic: TOPIC }), undefined);

  const views = [cluster.broker, six].map((broker) =>
    broker.requests(RequestCode.VIEW_MESSAGE_BY_ID).length
  );
  assertEquals(views, [0, 1]);
});

Deno.test("viewMessage() - tells what is not there from what is no id", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  const { offsetMessageId } = await producer.send({ topic: TOPIC, body: "b" });
  const nowhere = offsetMessageId.slice(0, 16) + "0000000000FFFFFF";
  assertEquals(await producer.viewMessage(nowhere, { topic: TOPIC }), undefined);
  const ofAnotherBroker = "0A0000010000000" + "1" + offsetMessageId.slice(16);
  assertEquals(await producer.viewMessage(ofAnotherBroker, { topic: TOPIC }), undefined);
  await assertRejects(() => producer.viewMessage("x", { topic: TOPIC }), InvalidArgumentError);
});

Deno.test("queryMessages() - finds by key and by unique key, on all brokers, the oldest first", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  const ids = [];
  for (let index = 0; index < 10; index++) {
    const message = { topic: TOPIC, body: `${index}`, keys: [`k${index}`, "all"] };
    ids.push((await producer.send(message)).messageId);
  }
  const all = await producer.queryMessages({ topic: TOPIC, key: "all" });
  assertEquals(all.map(textOf).sort(), ids.map((_, index) => `${index}`));
  const times = all.map(({ storeTimestamp }) => storeTimestamp);
  assertEquals(times, times.toSorted((a, b) => a - b));
  assertEquals(new Set(all.map(({ brokerName }) => brokerName)), new Set(["broker-a", "broker-b"]));
  assertEquals((await producer.queryMessages({ topic: TOPIC, key: "all", limit: 3 })).length, 3);

  const [third] = await producer.queryMessages({ topic: TOPIC, key: "k3" });
  assertEquals([textOf(third!), third!.messageId], ["3", ids[3]]);
  const [same] = await producer.queryMessages({ topic: TOPIC, uniqueKey: ids[3]! });
  assertEquals(same, third);
});

Deno.test("queryMessages() - keeps to time and topic, and does not take an id for a key", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  const { messageId } = await producer.send({ topic: TOPIC, body: "b", keys: "k" });
  const find = async (query: Parameters<Producer["queryMessages"]>[0]) =>
    (await producer.queryMessages(query)).length;
  const hour = 3_600_000;
  assertEquals(await find({ topic: TOPIC, key: "k", from: Date.now() - hour }), 1);
  assertEquals(await find({ topic: TOPIC, key: "k", from: new Date(Date.now() + hour) }), 0);
  assertEquals(await find({ topic: TOPIC, key: "k", to: Date.now() - hour }), 0);
  assertEquals(await find({ topic: "other", key: "k" }), 0);
  assertEquals(await find({ topic: TOPIC, key: messageId }), 0);
  assertEquals(await find({ topic: TOPIC, uniqueKey: "k" }), 0);
});

Deno.test("queryMessages() - a query without exactly one key is refused", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  for (
    const query of [{}, { key: "" }, { key: "k", uniqueKey: "u" }, { key: "k", limit: 65 }, {
      key: "k",
      from: new Date(NaN),
    }]
  ) {
    await assertRejects(
      () => producer.queryMessages({ topic: TOPIC, ...query }),
      InvalidArgumentError,
      "Cannot ",
    );
  }
});

Deno.test("queryMessages() - asks in a way that brokers of all releases sign alike", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const fields = { _UNIQUE_KEY_QUERY: "true" };
  using flagged = broker.faults.add({ on: 12, fields, action: "delay", ms: 1 });
  using typed = broker.faults.add({
    on: 12,
    fields: { indexType: "U" },
    action: "delay",
    ms: 1,
  });
  await producer.queryMessages({ topic: TOPIC, uniqueKey: "00" });
  assertEquals([flagged.hits, typed.hits], [0, 2]);
});

for (
  const [title, shift] of [
    ["two days behind", -48 * 3_600_000],
    ["at 1970", -Date.now() + 1_000],
    ["two days ahead", 48 * 3_600_000],
  ] as const
) {
  Deno.test(`queryMessages() - finds messages of a broker when the clock of the client is ${title}`, async () => {
    await using stack = new AsyncDisposableStack();
    const clock = { ...systemClock, now: () => Date.now() + shift };
    const { producer } = await start(stack, {}, { clock });
    const { messageId } = await producer.send({ topic: TOPIC, body: "old", keys: "k" });

    for (const query of [{ key: "k" }, { uniqueKey: messageId }]) {
      const found = await producer.queryMessages({ topic: TOPIC, ...query });
      assertEquals(found.map(textOf), ["old"]);
    }
  });
}

Deno.test("queryMessages() - a time that is given bounds it on either side", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  await producer.send({ topic: TOPIC, body: "now", keys: "k" });
  const find = (bounds: { from?: number | Date; to?: number | Date }) =>
    producer.queryMessages({ topic: TOPIC, key: "k", ...bounds }).then((found) => found.length);
  const [before, after] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];

  assertEquals([await find({ from: before, to: after }), await find({ from: before })], [1, 1]);
  assertEquals([await find({ to: before }), await find({ from: after })], [0, 0]);
});
