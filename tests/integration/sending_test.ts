import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type BatchedMessage,
  ConnectionError,
  createReply,
  type Message,
  type MessageExt,
  Producer,
  selectByHash,
  splitBatch,
} from "../../mod.ts";
import { createTopic } from "../support/create_topic.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

brokerTest(
  "Producer - messages go to the queue that is named, selected, or that of their sharding key",
  async ({ nameServers, brokers, uniqueName }) => {
    const topic = uniqueName("Chosen");
    await createTopic(topic, brokers);
    await using consumer = new TestClient(nameServers);
    await using producer = new Producer({
      nameServers,
      producerGroup: uniqueName("choosers"),
      topics: [topic],
      sendTimeout: 30_000,
      logger: silentLogger,
    });
    await producer.start();

    const brokerName = (await producer.send({ topic, body: "first" })).messageQueue.brokerName;
    const expected = new Map<string, number>();
    for (let queueId = 0; queueId < 4; queueId++) {
      const queue = { brokerName, queueId };
      const { messageId } = await producer.send({ topic, body: "named" }, { queue });
      expected.set(messageId, queueId);
    }
    const selector = selectByHash("customer-7");
    const keyed = [
      await producer.send({ topic, body: "selected" }, { selector }),
      await producer.send({ topic, body: "by key", shardingKey: "customer-7" }),
      await producer.send({ topic, body: "by key", shardingKey: "customer-7" }),
    ];
    for (const { messageId, messageQueue } of keyed) {
      assertEquals(messageQueue, keyed[0]!.messageQueue);
      expected.set(messageId, messageQueue.queueId);
    }

    const visible = await consumer.visibleMessages(topic);
    for (const [messageId, queueId] of expected) {
      const found = visible.filter((message) => message.messageId === messageId);
      assertEquals(found.map((message) => message.queueId), [queueId]);
    }
  },
);

brokerTest(
  "Producer - one-way messages arrive under the ids that were told",
  async ({ nameServers, brokers, uniqueName }) => {
    const topic = uniqueName("OneWay");
    await createTopic(topic, brokers);
    await using consumer = new TestClient(nameServers);
    await using producer = new Producer({
      nameServers,
      producerGroup: uniqueName("one-way"),
      topics: [topic],
      sendTimeout: 30_000,
      logger: silentLogger,
    });
    await producer.start();
    const ids: string[] = [];
    for (let index = 0; index < 20; index++) {
      ids.push(await producer.sendOneway({ topic, body: `${index}`, keys: `k${index}` }));
    }
    const arrived = async () => (await consumer.visibleMessages(topic)).length >= ids.length;
    assert(await eventually(arrived, 30_000, 100));
    const visible = await consumer.visibleMessages(topic);
    assertEquals(visible.map(({ messageId }) => messageId).sort(), ids.sort());
  },
);

brokerTest(
  "Producer - a large batch is split, and consumers get each message under its own id",
  async ({ nameServers, brokers, uniqueName }) => {
    const topic = uniqueName("Batches");
    await createTopic(topic, brokers);
    await using consumer = new TestClient(nameServers);
    await using producer = new Producer({
      nameServers,
      producerGroup: uniqueName("batches"),
      topics: [topic],
      sendTimeout: 30_000,
      logger: silentLogger,
    });
    await producer.start();
    const messages: Message[] = Array.from({ length: 12 }, (_, index) => ({
      topic,
      body: new Uint8Array(700_000).fill(index),
      keys: [`k${index}`, "ключ"],
      tags: "batch",
      properties: { имя: `значение ${index}` },
    }));
    const sent: (BatchedMessage & { queueId: number })[] = [];
    for (const batch of splitBatch(messages)) {
      const { sendStatus, messageQueue, messages } = await producer.sendBatch(batch);
      assertEquals(sendStatus, "SEND_OK");
      sent.push(...messages.map((message) => ({ ...message, queueId: messageQueue.queueId })));
    }

    const visible = await consumer.visibleMessages(topic);
    assertEquals(visible.length, messages.length);
    for (const [index, message] of messages.entries()) {
      const found = visible.filter(({ messageId }) => messageId === sent[index]!.messageId);
      assertEquals(
        found.map(({ messageId, offsetMessageId, queueOffset, queueId }) => ({
          messageId,
          offsetMessageId,
          queueOffset,
          queueId,
        })),
        [sent[index]!],
      );
      const { body, keys, tags, properties } = found[0]!;
      assertEquals([body, keys, tags], [message.body, message.keys, "batch"] as unknown[]);
      assertEquals(properties["имя"], `значение ${index}`);
    }
  },
);

brokerTest(
  "Producer - a topic is made, and its messages are found by position, key and id",
  async ({ nameServers, brokers, uniqueName }) => {
    const topic = uniqueName("Made");
    await using producer = new Producer({
      nameServers,
      producerGroup: uniqueName("makers"),
      sendTimeout: 30_000,
      logger: silentLogger,
    });
    await producer.start();
    const attributes = { "message.type": "TRANSACTION" };
    await producer.createTopic({ topic, queues: 2, attributes });

    const sent = [];
    for (let index = 0; index < 8; index++) {
      sent.push(await producer.send({ topic, body: `${index}`, keys: [`k${index}`, "ключ"] }));
    }
    const queues = sent.map(({ messageQueue: { brokerName, queueId } }) => brokerName + queueId);
    assertEquals(new Set(queues).size, Math.min(8, 2 * brokers.length));

    const { offsetMessageId, messageId } = sent[5]!;
    const viewed = await producer.viewMessage(offsetMessageId, { topic });
    assertEquals([viewed?.messageId, viewed?.keys], [messageId, ["k5", "ключ"]]);
    const nowhere = offsetMessageId.slice(0, 16) + "00000000FFFFFFF0";
    assertEquals(await producer.viewMessage(nowhere, { topic }), undefined);

    const indexed = async () =>
      (await producer.queryMessages({ topic, key: "ключ" })).length >= sent.length;
    assert(await eventually(indexed, 30_000, 100));
    const found = await producer.queryMessages({ topic, key: "ключ" });
    assertEquals(
      found.map((message) => message.messageId).sort(),
      sent.map((result) => result.messageId).sort(),
    );
    for (const query of [{ key: "k5" }, { uniqueKey: messageId }]) {
      assertEquals(await producer.queryMessages({ topic, ...query }), [viewed!]);
    }
    assertEquals(await producer.queryMessages({ topic, key: "none" }), []);
  },
);

brokerTest(
  "Producer - a request gets the reply of its consumer, and a late reply troubles nobody",
  async ({ nameServers, brokers, uniqueName }) => {
    const topic = uniqueName("Requests");
    await createTopic(topic, brokers);
    await using consumer = new TestClient(nameServers);
    const options = { nameServers, topics: [topic], sendTimeout: 30_000, logger: silentLogger };
    await using asking = new Producer({ ...options, producerGroup: uniqueName("asking") });
    await using replying = new Producer({ ...options, producerGroup: uniqueName("replying") });
    await asking.start();
    await replying.start();

    const consumed = async (body: string) => {
      let found: MessageExt | undefined;
      await eventually(async () => {
        const visible = await consumer.visibleMessages(topic);
        found = visible.find((message) => new TextDecoder().decode(message.body) === body);
        return found !== undefined;
      }, 30_000);
      return found!;
    };
    const answers = ["one", "two"].map((body) =>
      asking.request({ topic, body, keys: body }, { timeout: 25_000 })
    );
    for (const body of ["two", "one"]) {
      const request = await consumed(body);
      assertEquals(request.properties["TTL"], "25000");
      const { sendStatus } = await replying.send(createReply(request, `${body}: да 🦕`));
      assertEquals(sendStatus, "SEND_OK");
    }
    const texts = (await Promise.all(answers)).map(({ body }) => new TextDecoder().decode(body));
    assertEquals(texts, ["one: да 🦕", "two: да 🦕"]);

    const error = await assertRejects(
      () => asking.request({ topic, body: "ignored" }, { timeout: 1_000 }),
      ConnectionError,
    );
    assertEquals(error.code, "TIMEOUT");
    const { sendStatus } = await replying.send(createReply(await consumed("ignored"), "late"));
    assertEquals(sendStatus, "SEND_OK");
  },
);
