import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ConnectionError,
  InvalidArgumentError,
  InvalidStateError,
  Producer,
  ResponseCode,
} from "../../mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { eventually } from "../support/progress.ts";
import { silentLogger } from "../support/test_client.ts";

const TOPIC = "metrics";

async function start(stack: AsyncDisposableStack) {
  const broker = stack.use(
    await EmbeddedBroker.start({ brokers: 2, listen: false, topics: [TOPIC] }),
  );
  const producer = stack.use(
    new Producer({
      nameServers: broker.nameServer,
      dialer: broker.dialer,
      producerGroup: "meters",
      topics: [TOPIC],
      logger: silentLogger,
    }),
  );
  await producer.start();
  return { broker, producer };
}

Deno.test("sendOneway() - the messages arrive under the ids that were told, on all queues in turn", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const ids = [];
  for (let index = 0; index < 8; index++) {
    ids.push(await producer.sendOneway({ topic: TOPIC, body: `${index}`, tags: "t" }));
  }
  assert(await eventually(async () => (await broker.messages(TOPIC)).length === 8, 5_000));
  const stored = await broker.messages(TOPIC);
  assertEquals(stored.map(({ messageId }) => messageId).sort(), ids.sort());
  const queues = new Set(stored.map(({ brokerName, queueId }) => `${brokerName}/${queueId}`));
  assertEquals(queues.size, 8);
});

Deno.test("sendOneway() - goes to the named queue, and waits for no answer", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  using refusals = broker.faults.add({
    on: "SEND_MESSAGE",
    at: "broker-b",
    action: "answer",
    code: ResponseCode.NO_PERMISSION,
  });
  const queue = { brokerName: "broker-b", queueId: 3 };
  await producer.sendOneway({ topic: TOPIC, body: "lost" }, { queue });
  assert(await eventually(() => refusals.hits === 1, 5_000));
  refusals.remove();

  await producer.sendOneway({ topic: TOPIC, body: "kept" }, { queue });
  assert(await eventually(async () => (await broker.messages(TOPIC)).length > 0, 5_000));
  const stored = await broker.messages(TOPIC);
  assertEquals(
    stored.map((it) => [new TextDecoder().decode(it.body), it.brokerName, it.queueId]),
    [["kept", "broker-b", 3]],
  );
});

Deno.test("sendOneway() - passes a dead broker over, and fails when all are dead", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  await broker.stop("broker-a");
  for (let index = 0; index < 4; index++) {
    await producer.sendOneway({ topic: TOPIC, body: `${index}` }, { timeout: 1_000 });
  }
  assert(await eventually(async () => (await broker.messages(TOPIC)).length === 4, 5_000));
  await broker.stop("broker-b");
  await assertRejects(
    () => producer.sendOneway({ topic: TOPIC, body: "b" }, { timeout: 300 }),
    ConnectionError,
  );
});

Deno.test("sendOneway() - refuses what send() refuses, and what comes after the end", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  await assertRejects(() => producer.sendOneway({ topic: TOPIC, body: "" }), InvalidArgumentError);
  await producer.shutdown();
  await assertRejects(() => producer.sendOneway({ topic: TOPIC, body: "b" }), InvalidStateError);
});
