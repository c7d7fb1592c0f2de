import {
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  BrokerResponseError,
  InvalidArgumentError,
  type Message,
  type MessageExt,
  Producer,
  type ProducerOptions,
  ProtocolError,
  ResponseCode,
  selectRandom,
  splitBatch,
} from "../../mod.ts";
import { createOffsetMessageId, encodeBatch } from "../../src/message/mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { silentLogger } from "../support/test_client.ts";

const TOPIC = "readings";

async function start(stack: AsyncDisposableStack, options: Partial<ProducerOptions> = {}) {
  const broker = stack.use(
    await EmbeddedBroker.start({ brokers: 2, listen: false, topics: [TOPIC] }),
  );
  const producer = stack.use(
    new Producer({
      nameServers: broker.nameServer,
      dialer: broker.dialer,
      producerGroup: "readers",
      topics: [TOPIC],
      logger: silentLogger,
      ...options,
    }),
  );
  await producer.start();
  return { broker, producer };
}

Deno.test("sendBatch() - all messages are in one queue, in order, each under its own id", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const messages: Message[] = [
    { topic: TOPIC, body: "plain" },
    { topic: TOPIC, body: "中文 🦕", tags: "t", keys: ["k1", "k2"], flag: 7 },
    { topic: TOPIC, body: new Uint8Array([0, 1, 2]), properties: { имя: "значение" } },
  ];
  const result = await producer.sendBatch(messages);

  assertEquals(result.sendStatus, "SEND_OK");
  const stored = await broker.messages(TOPIC);
  assertEquals(
    stored.map((it) => ({
      messageId: it.messageId,
      offsetMessageId: it.offsetMessageId,
      queueOffset: it.queueOffset,
    })),
    [...result.messages],
  );
  for (const { brokerName, queueId } of stored) {
    assertEquals({ topic: TOPIC, brokerName, queueId }, result.messageQueue as unknown);
  }
  const ids = [result.batchId, ...result.messages.map(({ messageId }) => messageId)];
  assertEquals(new Set(ids).size, 4);
  const text = new TextDecoder();
  assertEquals(
    stored.map((it) => [text.decode(it.body), it.tags, it.keys, it.flag, it.properties["имя"]]),
    [
      ["plain", undefined, [], 0, undefined],
      ["中文 🦕", "t", ["k1", "k2"], 7, undefined],
      ["\u0000\u0001\u0002", undefined, [], 0, "значение"],
    ],
  );
  assertEquals(stored.map(({ properties }) => properties["WAIT"]), ["true", "true", "true"]);
});

Deno.test("sendBatch() - is tried on another broker, and stays at the named queue", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  using refusals = broker.faults.add({
    on: "SEND_MESSAGE",
    at: "broker-a",
    action: "answer",
    code: ResponseCode.SYSTEM_BUSY,
  });
  for (let index = 0; index < 9; index++) {
    const { messageQueue } = await producer.sendBatch([{ topic: TOPIC, body: "b" }]);
    assertEquals(messageQueue.brokerName, "broker-b");
  }
  assertGreater(refusals.hits, 0);
  const queue = { brokerName: "broker-a", queueId: 0 };
  await assertRejects(
    () => producer.sendBatch([{ topic: TOPIC, body: "b" }], { queue }),
    BrokerResponseError,
  );
});

Deno.test("sendBatch() - messages of one sharding key go where single ones go", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  for (const shardingKey of ["a", "b", "c", "d", "e"]) {
    const message = { topic: TOPIC, body: "b", shardingKey };
    const single = await producer.send(message);
    const batch = await producer.sendBatch([message, { topic: TOPIC, body: "no key" }, message]);
    assertEquals(batch.messageQueue, single.messageQueue);
  }
  const two = ["a", "b"].map((shardingKey) => ({ topic: TOPIC, body: "b", shardingKey }));
  await assertRejects(() => producer.sendBatch(two), InvalidArgumentError, "2 sharding keys");
  await producer.sendBatch(two, { queue: { brokerName: "broker-a", queueId: 0 } });
});

Deno.test("sendBatch() - what no batch can carry is refused, and nothing is sent", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack, { maxMessageSize: 1_000 });
  const good = { topic: TOPIC, body: "b" };
  for (
    const [messages, reason] of [
      [[], "at least one message"],
      [undefined, "at least one message"],
      [[good, null], "not an object"],
      [[good, { topic: "other", body: "b" }], 'message 1 is for topic "other"'],
      [[good, { ...good, delayLevel: 1 }], "message 1 has a delay"],
      [[{ ...good, delay: 1_000 }], "message 0 has a delay"],
      [[{ ...good, deliverAt: new Date() }], "message 0 has a delay"],
      [[good, { ...good, priority: 1 }], "message 1 has a priority, send it by itself"],
      [[{ ...good, liteTopic: "lite" }], "message 0 has a lite topic"],
      [[good, { ...good, waitStoreMessageOk: false }], "waitStoreMessageOk differs"],
      [[{ topic: "%RETRY%group", body: "b" }], "retry topic"],
      [[{ ...good, body: "" }], "empty"],
      [Array(20).fill(good), "splitBatch() makes smaller ones"],
    ] as [Message[], string][]
  ) {
    await assertRejects(() => producer.sendBatch(messages), InvalidArgumentError, reason);
  }
  await assertRejects(
    () => producer.sendBatch([good], { selector: selectRandom() } as never),
    InvalidArgumentError,
    "selector",
  );
  assertEquals(await broker.messages(TOPIC), []);
});

Deno.test("sendBatch() - an answer about another number of messages is an error", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  using _fault = broker.faults.add({
    on: "SEND_MESSAGE",
    action: "answer",
    code: 0,
    extFields: { msgId: "0".repeat(32), queueId: "0", queueOffset: "0" },
  });
  const message = { topic: TOPIC, body: "b" };
  await assertRejects(
    () => producer.sendBatch([message, message]),
    ProtocolError,
    "names 1 messages, the batch has 2",
  );
});

Deno.test("sendBatch() - a broker that keeps a batch as one record gives it one position", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const msgId = createOffsetMessageId("10.0.0.9", 10911, 389n);
  using _fault = broker.faults.add({
    on: "SEND_MESSAGE",
    action: "answer",
    code: 0,
    extFields: { msgId, queueId: "0", queueOffset: "7", batchUniqId: "B".repeat(32) },
  });
  const message = { topic: TOPIC, body: "b" };
  const { messages } = await producer.sendBatch([message, message]);
  assertEquals(
    messages.map(({ offsetMessageId, queueOffset }) => [offsetMessageId, queueOffset]),
    [[msgId, 7n], [msgId, 8n]],
  );
});

Deno.test("sendBatch() - all of its messages wait to be safe, or none", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const hasty = { topic: TOPIC, body: "b", waitStoreMessageOk: false };
  await producer.sendBatch([hasty, hasty]);
  const stored = await broker.messages(TOPIC);
  assertEquals(stored.map(({ properties }) => properties["WAIT"]), ["false", "false"]);
  assertEquals(splitBatch([hasty, hasty], 2 * encodedSize(stored[0]!)).length, 1);
  assertEquals(splitBatch([hasty, hasty], 2 * encodedSize(stored[0]!) - 1).length, 2);
});

/** Bytes of a stored message in the batch that it came in. */
function encodedSize({ body, properties }: MessageExt): number {
  const { MSG_REGION: _region, TRACE_ON: _trace, CLUSTER: _cluster, ...sent } = properties;
  return encodeBatch([{ body, properties: sent }]).length;
}

Deno.test("splitBatch() - keeps the order, and every batch is as full as it can be and can be sent", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack, { maxMessageSize: 2_000 });
  const messages: Message[] = Array.from({ length: 40 }, (_, index) => ({
    topic: TOPIC,
    body: `${index} ${"ü".repeat(index * 7)}`,
    keys: [`key-${index}`],
    properties: { größe: "ß".repeat(1 + index) },
  }));
  const batches = splitBatch(messages, 2_000);
  assertEquals(batches.flat(), messages);
  assertGreater(batches.length, 5);

  const queue = { brokerName: "broker-a", queueId: 0 };
  for (const batch of batches) await producer.sendBatch(batch, { queue });
  const stored = await broker.messages(TOPIC);
  assertEquals(stored.map(({ keys }) => keys[0]), messages.map((_, index) => `key-${index}`));

  let at = 0;
  const sizes = batches.map(({ length }) => {
    const part = stored.slice(at, at += length + 1).map(({ body, properties }) => {
      const { MSG_REGION: _region, TRACE_ON: _trace, CLUSTER: _cluster, ...sent } = properties;
      return { body, properties: sent };
    });
    at--;
    return [encodeBatch(part.slice(0, length)).length, encodeBatch(part).length];
  });
  for (const [index, [size, withNext]] of sizes.entries()) {
    assertLessOrEqual(size!, 2_000);
    if (index < sizes.length - 1) assertGreater(withNext!, 2_000);
  }
});

Deno.test("splitBatch() - a message too large for any batch is refused", () => {
  const message = { topic: TOPIC, body: "x".repeat(100) };
  assertThrows(() => splitBatch([message], 100), InvalidArgumentError, "at most 100 are allowed");
  assertThrows(() => splitBatch([message], 0), InvalidArgumentError, "maxSize");
  assertEquals(splitBatch([]), []);
});
