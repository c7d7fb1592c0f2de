import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
} from "@std/assert";
import {
  BrokerResponseError,
  createReply,
  type DelayableMessage,
  type MessageExt,
  type MessageQueue,
  Producer,
  type ProducerOptions,
  ResponseCode,
  selectByMachineRoom,
  type SelectQueue,
  selectRandom,
  type SendResult,
} from "../../mod.ts";
import { decodeBatch, decodeMessages, SysFlag } from "../../src/message/mod.ts";
import { createPullMessageRequest, readPullMessageResponse } from "../../src/requests/mod.ts";
import { createTopic } from "../support/create_topic.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const decoder = new TextDecoder();

const CLUSTER = {
  brokers: 2,
  brokerConfig: {
    enableLmq: "true",
    enableMultiDispatch: "true",
    recallMessageEnable: "true",
    storeReplyMessageEnable: "false",
  },
};

clusterTest("Producer - every way of sending, on two brokers", CLUSTER, async (cluster, test) => {
  const { nameServers, brokers } = cluster;
  let names = 0;
  const uniqueName = (prefix: string) => `${prefix}-${++names}`;
  await using consumer = new TestClient(nameServers);

  /** Runs a step with a topic and a started producer of its own. */
  async function step(
    name: string,
    options: Partial<ProducerOptions>,
    run: (topic: string, producer: Producer) => Promise<void>,
  ): Promise<void> {
    const topic = uniqueName("Ways");
    await createTopic(topic, brokers);
    await test.step(name, async () => {
      await using producer = new Producer({
        nameServers,
        producerGroup: uniqueName("ways"),
        topics: [topic],
        sendTimeout: 30_000,
        logger: silentLogger,
        ...options,
      });
      await producer.start();
      await run(topic, producer);
    });
  }

  /** What consumers get, by id, when it is as much as was sent. */
  async function consumed(
    topic: string,
    count: number,
    timeout = 30_000,
  ): Promise<Map<string, MessageExt>> {
    let visible: MessageExt[] = [];
    const arrived = async () => (visible = await consumer.visibleMessages(topic)).length >= count;
    assert(await eventually(arrived, timeout, 100));
    assertEquals(visible.length, count);
    return new Map(visible.map((message) => [message.messageId, message]));
  }

  function assertStoredAsTold(results: SendResult[], visible: Map<string, MessageExt>): void {
    for (const { messageId, offsetMessageId, queueOffset, messageQueue } of results) {
      const found = visible.get(messageId);
      assertEquals(
        [found?.offsetMessageId, found?.queueOffset, found?.queueId],
        [offsetMessageId, queueOffset, messageQueue.queueId],
      );
    }
  }

  await step(
    "autoBatch - each message has its own result",
    { autoBatch: true },
    async (topic, producer) => {
      const results = await Promise.all(Array.from({ length: 500 }, (_, index) =>
        producer.send({
          topic,
          body: `тело ${index}`,
          keys: `k${index}`,
          properties: { имя: "🦕" },
        })));
      const visible = await consumed(topic, results.length);
      assertStoredAsTold(results, visible);
      for (const [index, { messageId }] of results.entries()) {
        const { body, keys, properties } = visible.get(messageId)!;
        assertEquals(
          [decoder.decode(body), keys, properties["имя"]] as unknown[],
          [`тело ${index}`, [`k${index}`], "🦕"],
        );
      }
      const places = results.map(({ messageQueue }) => JSON.stringify(messageQueue));
      const changes = places.filter((place, index) => place !== places[index - 1]).length;
      assertLess(changes, 20, "they left in few batches");
    },
  );

  await step(
    "autoBatch - messages of one key keep their order",
    { autoBatch: true },
    async (topic, producer) => {
      const keys = ["anna", "bert", "carl"];
      const results: SendResult[] = [];
      for (let round = 0; round < 5; round++) {
        // What is under way at the same time is ordered within a batch only: brokers do several at once.
        const sends = Array.from({ length: 60 }, (_, index) => {
          const shardingKey = keys[index % keys.length]!;
          return producer.send({ topic, body: `${round * 60 + index}`, shardingKey });
        });
        results.push(...await Promise.all(sends));
      }
      const visible = await consumed(topic, results.length);
      assertStoredAsTold(results, visible);
      for (const key of keys) {
        const own = [...visible.values()].filter(({ properties }) =>
          properties["__SHARDINGKEY"] === key
        );
        own.sort((a, b) => Number(a.queueOffset - b.queueOffset));
        const order = own.map(({ body }) => parseInt(decoder.decode(body)));
        assertEquals(order, order.toSorted((a, b) => a - b));
        assertEquals(
          new Set(own.map(({ queueId, storeHost }) => `${storeHost}/${queueId}`)).size,
          1,
        );
      }
    },
  );

  await step("selectors - random, machine room and own", {}, async (topic, producer) => {
    const send = async (selector: SelectQueue) =>
      (await producer.send({ topic, body: "b" }, { selector })).messageQueue;
    const random = new Set<number>();
    for (let index = 0; index < 40; index++) random.add((await send(selectRandom())).queueId);
    assertGreater(random.size, 1);

    const room = brokers.at(-1)!.name;
    const near = selectByMachineRoom(["here"], {
      roomOf: (brokerName) => brokerName === room ? "here" : "there",
    });
    for (let index = 0; index < 8; index++) assertEquals((await send(near)).brokerName, room);
    const nowhere = selectByMachineRoom(["nowhere"], { select: (queues) => queues[1]! });
    const last = (queues: readonly MessageQueue[]) => queues.at(-1)!;
    const [second, final] = [await send(nowhere), await send(last)];
    assertEquals(second.queueId, 1);
    assertEquals(final.queueId, 3);
    await consumed(topic, 50);
  });

  await step(
    "priority - the broker puts it into the queue of that number",
    {},
    async (topic, producer) => {
      const results: SendResult[] = [];
      for (const priority of [0, 1, 2, 3, 4, 1_000]) {
        results.push(await producer.send({ topic, body: `${priority}`, priority }));
      }
      assertEquals(results.map(({ messageQueue }) => messageQueue.queueId), [0, 1, 2, 3, 3, 3]);
      const visible = await consumed(topic, results.length);
      assertStoredAsTold(results, visible);
      for (const message of visible.values()) {
        assertEquals(message.properties["_SYS_MSG_PRIORITY_"], decoder.decode(message.body));
      }
    },
  );

  await step(
    "compression - each way is stored compressed and read as it was",
    {},
    async (topic) => {
      const body = new TextEncoder().encode("größer 🦕 ".repeat(2_000));
      const sent: SendResult[] = [], flags: number[] = [];
      for (const compression of ["ZLIB", "ZSTD", "LZ4", "NONE"] as const) {
        await using producer = new Producer({
          nameServers,
          producerGroup: uniqueName("compressing"),
          topics: [topic],
          sendTimeout: 30_000,
          compression,
          logger: silentLogger,
        });
        await producer.start();
        const { messageId, offsetMessageId } = sent[
          sent.push(
            await producer.send({ topic, body, keys: "compressed", waitStoreMessageOk: false }),
          ) - 1
        ]!;
        const viewed = await producer.viewMessage(offsetMessageId, { topic });
        assertEquals([viewed?.messageId, viewed?.body], [messageId, body] as unknown[]);
        flags.push(viewed!.sysFlag);
        assertEquals(viewed!.properties["WAIT"], "false");
        assertEquals(viewed!.storeSize > body.length, compression === "NONE");
        await producer.sendOneway({ topic, body, keys: "one-way" });
        const found = () => producer.queryMessages({ topic, key: "compressed" });
        assert(await eventually(async () => (await found()).length === sent.length, 30_000, 100));
        for (const message of await found()) assertEquals(message.body, body);
      }
      assertEquals(flags, [0x301, 0x201, 0x101, 0]);
      const visible = await consumed(topic, 8);
      for (const message of visible.values()) assertEquals(message.body, body);
    },
  );

  await step("batches - one topic keeps them together, and each message is still told", {
    autoBatch: true,
  }, async (_topic, producer) => {
    const topic = uniqueName("Together");
    await producer.createTopic({ topic, queues: 1, attributes: { "queue.type": "BatchCQ" } });
    const messages = ["a", "b", "c"].map((body) => ({ topic, body, tags: "t", keys: body }));
    const batch = await producer.sendBatch(messages);
    const gathered = await Promise.all(messages.map((message) => producer.send(message)));
    assertEquals(new Set(gathered.map(({ offsetMessageId }) => offsetMessageId)).size, 1);
    const offsets = gathered.map(({ queueOffset }) => queueOffset);
    assertEquals(offsets, [0n, 1n, 2n].map((index) => offsets[0]! + index));

    for (const { offsetMessageId } of [batch.messages[0]!, gathered[0]!]) {
      const record = await producer.viewMessage(offsetMessageId, { topic });
      assert(record && (record.sysFlag & SysFlag.InnerBatch) !== 0);
      assertEquals(record.properties["INNER_NUM"], "3");
      const bodies = decodeBatch(record.body).map(({ body }) => decoder.decode(body));
      assertEquals(bodies, ["a", "b", "c"]);
    }
    const key = "b";
    const found = async () => (await producer.queryMessages({ topic, key })).length === 1;
    assert(await eventually(found, 30_000, 100), "a gathered batch is indexed by its keys");
  });

  await step(
    "delays - messages come when they are due, recalled ones never",
    {},
    async (topic, producer) => {
      const now = Date.now();
      const delays: [due: number, DelayableMessage][] = [
        [now + 5_000, { topic, body: "level", delayLevel: 2 }],
        [now + 4_000, { topic, body: "delay", delay: 4_000 }],
        [now + 4_000, { topic, body: "date", deliverAt: new Date(now + 4_000) }],
      ];
      const due = new Map<string, number>();
      for (const [time, message] of delays) {
        due.set((await producer.send(message)).messageId, time);
      }
      const recalled = await producer.send({ topic, body: "recalled", delay: 6_000 });
      const last = await producer.send({ topic, body: "last", delay: 9_000 });
      due.set(last.messageId, now + 9_000);
      const recallHandle = recalled.recallHandle!;
      assertEquals(await producer.recall({ topic, recallHandle }), recalled.messageId);
      assertEquals(await consumer.visibleMessages(topic), []);

      const visible = await consumed(topic, due.size, 60_000);
      assertEquals([...visible.keys()].sort(), [...due.keys()].sort());
      for (const { messageId, storeTimestamp } of visible.values()) {
        // A timer is exact to a second.
        assertGreaterOrEqual(storeTimestamp, due.get(messageId)! - 1_000);
      }
      const late = await assertRejects(
        () => producer.recall({ topic, recallHandle: last.recallHandle! }),
        BrokerResponseError,
      );
      assertEquals(late.responseCode, ResponseCode.ILLEGAL_OPERATION);
    },
  );

  await step(
    "lite topic - the message is in a queue of its own as well",
    {},
    async (topic, producer) => {
      const sent = await producer.send({ topic, body: "of anna", liteTopic: "anna" });
      await producer.send({ topic, body: "of bert", liteTopic: "bert" });
      await consumed(topic, 2);
      const { brokerName } = sent.messageQueue;
      const { address } = brokers.find(({ name }) => name === brokerName)!;
      const lite = `%LMQ%$${topic}$anna`;
      const request = createPullMessageRequest({
        consumerGroup: "lite",
        topic: lite,
        queueId: 0,
        queueOffset: 0n,
      });
      const { body } = readPullMessageResponse(await consumer.request(address, request), {
        address,
        topic: lite,
      });
      const messages = await decodeMessages(body);
      assertEquals(
        messages.map(({ messageId, properties }) => [messageId, properties["__LITE_TOPIC"]]),
        [[sent.messageId, "anna"]],
      );
    },
  );

  await step(
    "replies - a broker that does not store them passes them on",
    {},
    async (topic, producer) => {
      const request = producer.request({ topic, body: "ping" }, { timeout: 20_000 });
      const [message] = (await consumed(topic, 1)).values();
      const body = "pong ".repeat(2_000);
      const { sendStatus, offsetMessageId } = await producer.send(createReply(message!, body));
      assertEquals([sendStatus, offsetMessageId], ["SEND_OK", ""]);
      assertEquals(decoder.decode((await request).body), body);
    },
  );
});
