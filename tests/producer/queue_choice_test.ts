import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  BrokerResponseError,
  ConnectionError,
  InvalidArgumentError,
  type MessageQueue,
  Producer,
  type ProducerOptions,
  ResponseCode,
  selectByHash,
  selectByMachineRoom,
  selectRandom,
  TopicRouteNotFoundError,
  TransactionProducer,
} from "../../mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { ScriptedCluster } from "../support/scripted_cluster.ts";
import { silentLogger } from "../support/test_client.ts";

const TOPIC = "orders";

/** Two brokers of two queues each, and a producer that knows them. */
async function start(stack: AsyncDisposableStack, options: Partial<ProducerOptions> = {}) {
  const topics = [{ topic: TOPIC, queues: 2 }];
  const broker = stack.use(await EmbeddedBroker.start({ brokers: 2, listen: false, topics }));
  const producer = stack.use(
    new Producer({
      nameServers: broker.nameServer,
      dialer: broker.dialer,
      producerGroup: "choosers",
      topics: [TOPIC],
      logger: silentLogger,
      ...options,
    }),
  );
  await producer.start();
  return { broker, producer };
}

function nameOf({ brokerName, queueId }: MessageQueue): string {
  return `${brokerName}/${queueId}`;
}

Deno.test("send() - a message goes to the queue that its sender names", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const queue = { brokerName: "broker-b", queueId: 1 };
  for (let index = 0; index < 3; index++) {
    const { messageQueue } = await producer.send({ topic: TOPIC, body: "b" }, { queue });
    assertEquals(messageQueue, { topic: TOPIC, ...queue });
  }
  const stored = await broker.messages(TOPIC);
  assertEquals(stored.map((it) => `${it.brokerName}/${it.queueId}`), Array(3).fill("broker-b/1"));
});

Deno.test("send() - a named queue is tried again, and no other is", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const queue = { brokerName: "broker-a", queueId: 0 };
  using refusals = broker.faults.add({
    on: "SEND_MESSAGE",
    at: "broker-a",
    action: "answer",
    code: ResponseCode.SYSTEM_BUSY,
  });
  const error = await assertRejects(
    () => producer.send({ topic: TOPIC, body: "b" }, { queue }),
    BrokerResponseError,
  );
  assertEquals([error.brokerName, refusals.hits], ["broker-a", 3]);
  assertEquals(await broker.messages(TOPIC), []);

  await broker.stop("broker-a");
  await assertRejects(
    () => producer.send({ topic: TOPIC, body: "b" }, { queue, timeout: 300 }),
    ConnectionError,
    "broker-a",
  );
  assertEquals(await broker.messages(TOPIC), []);
});

Deno.test("send() - a named queue has the whole time for its answer", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const queue = { brokerName: "broker-a", queueId: 0 };
  using silence = broker.faults.add({ on: "SEND_MESSAGE", at: "broker-a", action: "drop" });
  await assertRejects(
    () => producer.send({ topic: TOPIC, body: "b" }, { queue, timeout: 600 }),
    ConnectionError,
  );
  assertEquals(silence.hits, 1);
});

Deno.test("send() - a queue of a broker that the route does not name is an error that says so", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  const error = await assertRejects(
    () => producer.send({ topic: TOPIC, body: "b" }, { queue: { brokerName: "x", queueId: 0 } }),
    TopicRouteNotFoundError,
  );
  assertStringIncludes(error.message, 'its route names no master of broker "x"');
});

Deno.test("send() - a topic that was read-only when its route was found is looked up again before a send fails", async () => {
  for (const options of [{}, { queue: { brokerName: "broker-1", queueId: 0 } }]) {
    await using cluster = new ScriptedCluster();
    const { nameServer, broker: { name, address } } = cluster;
    nameServer.route(TOPIC, [{ name, address, perm: 4 }]);
    const producer = cluster.producer({ topics: [TOPIC] });
    await producer.start();
    const refused = () => producer.send({ topic: TOPIC, body: "o" }, options);
    const error = await assertRejects(refused, TopicRouteNotFoundError);
    assertEquals([error.topic, error.isRetriable], [TOPIC, true]);
    nameServer.route(TOPIC, [{ name, address }]);

    assertEquals(
      (await producer.send({ topic: TOPIC, body: "o" }, options)).messageQueue.brokerName,
      name,
    );
  }
});

Deno.test("send() - a selector gets all queues and the message, and its choice is taken", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  const message = { topic: TOPIC, body: "b", keys: "k" };
  let seen: unknown[] = [];
  const { messageQueue } = await producer.send(message, {
    selector(queues, of) {
      seen = [queues.map(nameOf), of];
      return { topic: TOPIC, brokerName: "broker-a", queueId: 1 };
    },
  });
  assertEquals(seen, [["broker-a/0", "broker-a/1", "broker-b/0", "broker-b/1"], message]);
  assertEquals(nameOf(messageQueue), "broker-a/1");
});

Deno.test("send() - choices that can't be meant are refused before anything is sent", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const queue = { brokerName: "broker-a", queueId: 0 };
  for (
    const options of [
      { queue, selector: selectRandom() },
      { queue: { ...queue, queueId: -1 } },
      { queue: { ...queue, queueId: 0.5 } },
      { queue: null as never },
      { selector: "hash" as never },
      { selector: () => undefined as never },
      { selector: () => ({ topic: TOPIC, brokerName: "broker-a", queueId: 2 }) },
    ]
  ) {
    await assertRejects(
      () => producer.send({ topic: TOPIC, body: "b" }, options),
      InvalidArgumentError,
      "Cannot ",
    );
  }
  assertEquals(await broker.messages(TOPIC), []);
});

Deno.test("send() - messages of one sharding key go to one queue, half messages too", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const transactions = stack.use(
    new TransactionProducer({
      nameServers: broker.nameServer,
      dialer: broker.dialer,
      producerGroup: "transactional_choosers",
      topics: [TOPIC],
      logger: silentLogger,
      transactionListener: { executeLocalTransaction: () => "COMMIT" },
    }),
  );
  await transactions.start();
  for (let index = 0; index < 12; index++) {
    const message = { topic: TOPIC, body: "b", shardingKey: `customer-${index % 4}` };
    if (index < 8) await producer.send(message);
    else await transactions.sendMessageInTransaction(message);
  }
  const places = new Map<string, Set<string>>();
  for (const { brokerName, queueId, properties } of await broker.messages(TOPIC)) {
    const key = properties["__SHARDINGKEY"]!;
    places.set(key, (places.get(key) ?? new Set()).add(`${brokerName}/${queueId}`));
  }
  assertEquals(places.size, 4);
  for (const queues of places.values()) assertEquals(queues.size, 1);
  assertEquals(new Set([...places.values()].flatMap((queues) => [...queues])).size, 4);
});

Deno.test("selectByHash() - chooses as Java's SelectMessageQueueByHash does", () => {
  const queues = Array.from({ length: 7 }, (_, queueId) => ({
    topic: TOPIC,
    brokerName: "broker-a",
    queueId,
  }));
  // What `String.hashCode()` gives; that of "customer-7" is -1581185528.
  const chosen = ["", "a", "hello", "customer-7", "заказ"].map((key) =>
    selectByHash(key)(queues).queueId
  );
  assertEquals(chosen, [0, 97 % 7, 99162322 % 7, 1581185528 % 7, 1029489224 % 7]);
  assertThrows(() => selectByHash(7 as never), InvalidArgumentError);
});

Deno.test("selectRandom() - reaches every queue", () => {
  const queues = ["a", "b", "c"].map((brokerName) => ({ topic: TOPIC, brokerName, queueId: 0 }));
  const chances = [0, 0.34, 0.999];
  const select = selectRandom(() => chances.shift()!);
  assertEquals([select(queues), select(queues), select(queues)], queues);
});

Deno.test("ProducerOptions - retryCodes says after which refusals another broker is tried", async () => {
  for (const [retryCodes, hits] of [[[], 1], [[ResponseCode.INVALID_PARAMETER], 2]] as const) {
    await using stack = new AsyncDisposableStack();
    const { broker, producer } = await start(stack, { retryCodes, retries: 1 });
    using refusals = broker.faults.add({
      on: "SEND_MESSAGE",
      action: "answer",
      code: ResponseCode.INVALID_PARAMETER,
    });
    await assertRejects(() => producer.send({ topic: TOPIC, body: "b" }), BrokerResponseError);
    assertEquals(refusals.hits, hits);
  }
  const options = { nameServers: "127.0.0.1:9876", producerGroup: "g", retryCodes: [0.5] };
  assertThrows(() => new Producer(options), InvalidArgumentError, "retryCodes");
});

Deno.test("selectByMachineRoom() - chooses among the brokers of the rooms, and among all when there is none", () => {
  const queues = ["hz1@a", "hz2@b", "sh@c", "plain", "hz1@x@y"].flatMap((brokerName) =>
    [0, 1].map((queueId) => ({ topic: TOPIC, brokerName, queueId }))
  );
  const message = { topic: TOPIC, body: "b" };
  const offered = (rooms: string[], roomOf?: (brokerName: string) => string | undefined) => {
    let near: readonly MessageQueue[] = [];
    const select = (queues: readonly MessageQueue[]) => (near = queues)[0]!;
    const options = roomOf ? { select, roomOf } : { select };
    assertEquals(selectByMachineRoom(rooms, options)(queues, message), near[0]!);
    return near.map(nameOf);
  };
  assertEquals(offered(["hz1", "hz2"]), ["hz1@a/0", "hz1@a/1", "hz2@b/0", "hz2@b/1"]);
  assertEquals(offered(["plain"]), queues.map(nameOf));
  assertEquals(offered(["it"], (name) => name === "plain" ? "it" : undefined), [
    "plain/0",
    "plain/1",
  ]);
  const seen = new Set(
    Array.from({ length: 50 }, () => nameOf(selectByMachineRoom(["sh"])(queues, message))),
  );
  assertEquals([...seen].sort(), ["sh@c/0", "sh@c/1"]);
  assertThrows(() => selectByMachineRoom([]), InvalidArgumentError, "rooms is empty");
});
