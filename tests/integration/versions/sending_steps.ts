import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertMatch,
  assertRejects,
} from "@std/assert";
import {
  BrokerResponseError,
  createReply,
  InvalidArgumentError,
  type MessageExt,
  ResponseCode,
} from "../../../mod.ts";
import { versionName } from "../../../src/remoting/internal.ts";
import { createGetRouteInfoRequest } from "../../../src/requests/mod.ts";
import { eventually } from "../../support/progress.ts";
import { TestClient } from "../../support/test_client.ts";
import {
  defineStep,
  isFrom,
  startProducer,
  textOf,
  type VersionStep,
} from "./server_under_test.ts";

/** A delay in milliseconds, long enough to be seen before it is over. */
const DELAY = 3_000;

/** A handle as a broker gives it to a timer message: version, topic, broker, time, id. */
function madeUpHandle(topic: string, brokerName: string): string {
  const words = ["v1", topic, brokerName, String(Date.now() + 60_000), "0".repeat(32)];
  return btoa(words.join(" ")).replaceAll("+", "-").replaceAll("/", "_");
}

/** Ordinary messages. */
export const sendingSteps: readonly VersionStep[] = [
  defineStep("it answers in its form of headers and tells its release", async (server) => {
    await using client = new TestClient(server.nameServers);
    const [nameServer] = server.nameServers.split(";");
    for (const address of [nameServer!, ...server.brokers.map(({ address }) => address)]) {
      const answer = await client.request(address, createGetRouteInfoRequest("TBW102"));
      assertEquals(
        [answer.serializeType, versionName(answer.version)],
        [server.serializeType, server.release],
      );
    }
  }),

  defineStep(
    "messages arrive as they were sent, singly, one-way and in a batch",
    async (server) => {
      const topic = server.uniqueName("Sent");
      await using consumer = new TestClient(server.nameServers);
      await using producer = await startProducer(server, [topic]);
      const full = {
        ...{ topic, body: "größer", tags: "tagA", keys: ["k1", "ключ"], flag: 7 },
        ...{ properties: { имя: "значение", long: "x".repeat(20_000) }, shardingKey: "customer-7" },
      };
      const large = new Uint8Array(300_000).fill(7);
      const sent = await producer.send(full);
      const urgent = await producer.send({ topic, body: "urgent", priority: 3 });
      const batch = await producer.sendBatch([
        { topic, body: "first", keys: "b1" },
        { topic, body: "second" },
      ]);
      // From 5.0 to 5.3.3 brokers give consumers the id of the batch for each of its messages.
      const hasOwnIds = !isFrom(server, "5.0.0") || isFrom(server, "5.4.0");
      const ids = [
        sent.messageId,
        (await producer.send({ topic, body: large })).messageId,
        urgent.messageId,
        await producer.sendOneway({ topic, body: "one-way" }),
        ...batch.messages.map((it) => hasOwnIds ? it.messageId : batch.batchId),
      ];

      const arrived = async () => (await consumer.visibleMessages(topic)).length >= ids.length;
      assert(await eventually(arrived, 30_000, 100));
      const visible = await consumer.visibleMessages(topic);
      assertEquals(visible.map(({ messageId }) => messageId).sort(), ids.sort());
      const first = visible.find(({ messageId }) => messageId === sent.messageId)!;
      assertEquals([textOf(first), first.tags, first.keys, first.flag], [
        full.body,
        full.tags,
        full.keys,
        full.flag,
      ] as unknown[]);
      assertEquals(
        [first.offsetMessageId, first.queueId, first.queueOffset],
        [sent.offsetMessageId, sent.messageQueue.queueId, sent.queueOffset] as unknown[],
      );
      const { имя, long, __SHARDINGKEY } = first.properties;
      assertEquals([имя, long, __SHARDINGKEY], ["значение", full.properties.long, "customer-7"]);
      assert(
        visible.some(({ body }) => body.length === large.length && body.every((it) => it === 7)),
      );
      const texts = visible.map(textOf).filter((text) => text.length < 20).sort();
      assertEquals(texts, ["first", "größer", "one-way", "second", "urgent"]);
      // By its priority a broker chooses the queue; an older one keeps it as it keeps any property.
      if (isFrom(server, "5.4.0")) assertEquals(urgent.messageQueue.queueId, 3);
      const { queueId, properties } = visible.find((it) => textOf(it) === "urgent")!;
      assertEquals([queueId, properties._SYS_MSG_PRIORITY_], [urgent.messageQueue.queueId, "3"]);
    },
  ),

  defineStep("a body arrives as it was, however it was compressed", async (server) => {
    const topic = server.uniqueName("Compressed");
    await using consumer = new TestClient(server.nameServers);
    const body = "Größenordnung ".repeat(1_000), flags = new Map<string, number>();
    const kinds = [["ZLIB", 0x301], ["ZSTD", 0x201], ["LZ4", 0x101]] as const;
    for (const [compression, flag] of kinds) {
      await using producer = await startProducer(server, [topic], { compression });
      flags.set((await producer.send({ topic, body })).messageId, flag);
    }
    const arrived = async () => (await consumer.visibleMessages(topic)).length >= flags.size;
    assert(await eventually(arrived, 30_000, 100));
    for (const message of await consumer.visibleMessages(topic)) {
      assertEquals(textOf(message), body);
      assertEquals(message.sysFlag, flags.get(message.messageId));
      assert(message.storeSize < body.length);
    }
  }),

  defineStep("a message that is too large for it is refused", async (server) => {
    const topic = server.uniqueName("Large"), mebibyte = 1024 * 1024;
    await using producer = await startProducer(server, [topic], {
      maxMessageSize: 5 * mebibyte,
      compression: "NONE",
    });
    const body = new Uint8Array(4 * mebibyte + 1);
    const error = await assertRejects(() => producer.send({ topic, body }), BrokerResponseError);
    assertEquals(error.responseCode, ResponseCode.MESSAGE_ILLEGAL);
    assertMatch(error.message, /maxMessageSize/);
  }),

  defineStep(
    "a delay level delivers later; timers do, or are refused before they leave",
    async (server) => {
      const topic = server.uniqueName("Later");
      await using consumer = new TestClient(server.nameServers);
      await using producer = await startProducer(server, [topic]);
      const start = Date.now(), due = new Map<string, number>();
      due.set(
        (await producer.send({ topic, body: "level", delayLevel: 1 })).messageId,
        start + 1_000,
      );
      const timers = [{ delay: DELAY }, { deliverAt: new Date(start + DELAY) }];
      for (const timer of timers) {
        const send = () => producer.send({ topic, body: "timer", ...timer });
        if (isFrom(server, "5.0.0")) {
          due.set((await send()).messageId, start + DELAY);
          continue;
        }
        const sendOneway = () => producer.sendOneway({ topic, body: "timer", ...timer });
        for (const refused of [send, sendOneway]) {
          const { message } = await assertRejects(refused, InvalidArgumentError);
          assertMatch(message, /broker "broker-a" at \S+ is of version 4\.9\.\d/);
          assertMatch(message, /would deliver it immediately.*need 5\.0\.0.*use delayLevel/);
        }
      }

      const arrived = async () => (await consumer.visibleMessages(topic)).length >= due.size;
      assert(await eventually(arrived, 60_000, 200));
      const visible = await consumer.visibleMessages(topic);
      assertEquals(visible.map(({ messageId }) => messageId).sort(), [...due.keys()].sort());
      for (const { messageId, storeTimestamp } of visible) {
        // A timer is exact to a second.
        assertGreaterOrEqual(storeTimestamp, due.get(messageId)! - 1_000);
      }
    },
  ),

  defineStep("what a timer would deliver is taken back, or the broker can't", async (server) => {
    const topic = server.uniqueName("Recalled");
    await using consumer = new TestClient(server.nameServers);
    await using producer = await startProducer(server, [topic]);
    if (!isFrom(server, "5.3.2")) {
      const { name } = server.brokers[0]!;
      await producer.send({ topic, body: "makes the topic" });
      const recall = () => producer.recall({ topic, recallHandle: madeUpHandle(topic, name) });
      const error = await assertRejects(recall, BrokerResponseError);
      assertEquals(error.responseCode, ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
      assertMatch(error.message, /the broker can't recall messages, version 5\.3\.2 or later can/);
      return;
    }
    const recalled = await producer.send({ topic, body: "recalled", delay: 2 * DELAY });
    const { messageId } = await producer.send({ topic, body: "last", delay: 2 * DELAY + 2_000 });
    const { recallHandle = "" } = recalled;
    assertEquals(await producer.recall({ topic, recallHandle }), recalled.messageId);
    const arrived = async () => (await consumer.visibleMessages(topic)).length > 0;
    assert(await eventually(arrived, 60_000, 200));
    const visible = await consumer.visibleMessages(topic);
    assertEquals(visible.map((message) => message.messageId), [messageId]);
  }),

  defineStep("a request gets the reply of its consumer", async (server) => {
    const topic = server.uniqueName("Requests");
    await using consumer = new TestClient(server.nameServers);
    await using asking = await startProducer(server, [topic]);
    await using replying = await startProducer(server, [topic]);
    const answer = asking.request({ topic, body: "ping", keys: "k" }, { timeout: 30_000 });
    answer.catch(() => {});
    let request: MessageExt | undefined;
    const consume = async () => {
      request = (await consumer.visibleMessages(topic)).at(0);
      return request !== undefined;
    };
    assert(await eventually(consume, 30_000));
    const { sendStatus } = await replying.send(createReply(request!, "pong für k"));
    const reply = await answer;
    assertEquals([sendStatus, textOf(reply), reply.properties.MSG_TYPE], [
      "SEND_OK",
      "pong für k",
      "reply",
    ]);
  }),

  defineStep("a topic is made; its attributes count, or are ignored", async (server) => {
    const topic = server.uniqueName("Made");
    await using producer = await startProducer(server, []);
    await producer.createTopic({ topic, queues: 2, attributes: { "message.type": "TRANSACTION" } });
    const queues = new Set<string>();
    for (let index = 0; index < 4 * server.brokers.length; index++) {
      const { messageQueue } = await producer.send({ topic, body: `${index}` });
      queues.add(messageQueue.brokerName + messageQueue.queueId);
    }
    assertEquals(queues.size, 2 * server.brokers.length);

    const attributes = { "no.such.attribute": "1" };
    const create = () => producer.createTopic({ topic: server.uniqueName("Odd"), attributes });
    if (!isFrom(server, "5.0.0")) return await create();
    const error = await assertRejects(create, BrokerResponseError);
    assertEquals(error.responseCode, ResponseCode.SYSTEM_ERROR);
    assertMatch(error.remark, /unsupported key: no\.such\.attribute/);
  }),

  defineStep("messages are found by position, key and id", async (server) => {
    const topic = server.uniqueName("Found");
    await using producer = await startProducer(server, [topic]);
    const sent = [];
    for (let index = 0; index < 3; index++) {
      sent.push(await producer.send({ topic, body: `${index}`, keys: [`k${index}`, "ключ"] }));
    }
    const { messageId, offsetMessageId } = sent[1]!;
    const viewed = await producer.viewMessage(offsetMessageId, { topic });
    assertEquals([viewed?.messageId, viewed?.keys], [messageId, ["k1", "ключ"]]);
    const nowhere = offsetMessageId.slice(0, 16) + "00000000FFFFFFF0";
    assertEquals(await producer.viewMessage(nowhere, { topic }), undefined);
    const indexed = async () =>
      (await producer.queryMessages({ topic, key: "ключ" })).length >= sent.length;
    assert(await eventually(indexed, 30_000, 100));
    for (const query of [{ key: "k1" }, { uniqueKey: messageId }]) {
      assertEquals(await producer.queryMessages({ topic, ...query }), [viewed!]);
    }
    assertEquals(await producer.queryMessages({ topic, key: "none" }), []);
  }),
];
