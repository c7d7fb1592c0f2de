import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import {
  InvalidArgumentError,
  LocalTransactionState,
  type Message,
  type MessageExt,
  Producer,
  ResponseCode,
  TransactionProducer,
} from "../../mod.ts";
import { encodeProperties, MAX_PROPERTIES_SIZE } from "../../src/message/mod.ts";
import { createGetRouteInfoRequest } from "../../src/requests/mod.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Unknown } = LocalTransactionState;

brokerTest(
  "TransactionProducer - check-back and consumer get a message as it was sent, whatever is in it",
  async ({ nameServers, uniqueName }) => {
    // The longest names, as the broker keeps them among the properties of the half message.
    const topic = uniqueName("Variety").padEnd(127, "x");
    const producerGroup = uniqueName("variety").padEnd(120, "x");
    const asked = new Map<string, MessageExt>();

    await using consumer = new TestClient(nameServers);
    await using producer = new TransactionProducer({
      nameServers,
      producerGroup,
      topics: [topic],
      sendTimeout: 30_000,
      endTransactionTimeout: 15_000,
      logger: silentLogger,
      transactionListener: {
        executeLocalTransaction: () => Unknown,
        checkLocalTransaction(message, { transactionId }) {
          asked.set(transactionId, message);
          return Commit;
        },
      },
    });
    await producer.start();

    const messages: Message[] = [
      { topic, body: "plain" },
      { topic, body: "Zeichen: äöü 中文 🦕\u0000\u0001\u0002" },
      { topic, body: Uint8Array.from({ length: 256 }, (_, byte) => byte) },
      { topic, body: crypto.getRandomValues(new Uint8Array(65_536)), tags: "64-KiB" },
      { topic, body: largeBody(4 * 1024 * 1024), tags: "4-MiB", keys: "large" },
      { topic, body: "keys", keys: ["заказ-1", "注文-2", "🦕"], tags: "Тег 1" },
      { topic, body: "one string of keys", keys: "first second" },
      {
        topic,
        body: "properties",
        properties: {
          имя: "ценность",
          "a name": " a value with spaces around ",
          emoji: "👩‍🚀🦕",
          url: "https://example.com/?a=1&b=%20",
          json: '{"quoted":"\\"\u007f"}',
          ["__proto__"]: "plain data",
          constructor: "plain data too",
        },
      },
      { topic, body: "long", properties: { long: longestProperty(producerGroup) } },
    ];
    const results = [];
    for (const message of messages) results.push(await producer.sendMessageInTransaction(message));
    await assertRejects(() => {
      const long = `${longestProperty(producerGroup)}y`;
      return producer.sendMessageInTransaction({ topic, body: "too long", properties: { long } });
    }, InvalidArgumentError);

    let visible: MessageExt[] = [];
    await eventually(
      async () => {
        visible = await consumer.visibleMessages(topic);
        return visible.length >= messages.length;
      },
      90_000,
      500,
    );
    assertEquals(visible.length, messages.length);

    for (const [index, message] of messages.entries()) {
      const { transactionId, messageQueue } = results[index]!;
      const seen = visible.filter((it) => it.transactionId === transactionId);
      assertEquals(seen.length, 1, `${message.tags ?? message.body}`);
      for (const got of [seen[0]!, asked.get(transactionId)!]) {
        assertEquals(contentOf(got, message), contentOf(message));
        assertEquals(got.messageId, transactionId);
        assertEquals(got.queueId, messageQueue.queueId);
        assert(got.bodyCrcValid);
      }
    }
  },
);

brokerTest(
  "TransactionProducer - a topic that does not exist is there from the first half message on",
  async ({ nameServers, uniqueName }) => {
    const topic = uniqueName("New");
    let mayCommit = false;

    await using consumer = new TestClient(nameServers);
    await using producer = new TransactionProducer({
      nameServers,
      producerGroup: uniqueName("new"),
      topics: [topic],
      sendTimeout: 30_000,
      endTransactionTimeout: 15_000,
      logger: silentLogger,
      transactionListener: {
        executeLocalTransaction: () => Unknown,
        checkLocalTransaction: () => mayCommit ? Commit : Unknown,
      },
    });
    await producer.start();
    assertFalse(await topicExists(nameServers, consumer, topic));

    const { transactionId } = await producer.sendMessageInTransaction({
      topic,
      body: "first",
      flag: -42,
    });
    assert(await eventually(() => topicExists(nameServers, consumer, topic), 30_000));
    assertEquals(await consumer.visibleMessages(topic), []);

    mayCommit = true;
    assert(await eventually(async () => (await see()).length > 0, 90_000, 300));
    assertEquals(await see(), [transactionId]);

    async function see(): Promise<string[]> {
      return (await consumer.visibleMessages(topic)).map(({ messageId }) => messageId);
    }
  },
);

brokerTest(
  "TransactionProducer - the flag reaches the consumer of a message that was committed at once",
  async ({ nameServers, uniqueName }) => {
    const topic = uniqueName("Flags");
    await using consumer = new TestClient(nameServers);
    await using producer = new TransactionProducer({
      nameServers,
      producerGroup: uniqueName("flags"),
      topics: [topic],
      sendTimeout: 30_000,
      endTransactionTimeout: 15_000,
      logger: silentLogger,
      transactionListener: { executeLocalTransaction: () => Commit },
    });
    await producer.start();

    const flags = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)];
    for (const flag of flags) {
      await producer.sendMessageInTransaction({ topic, body: "flag", keys: `f${flag}`, flag });
    }

    const visible = await consumer.visibleMessages(topic);
    const got = Object.fromEntries(visible.map(({ keys, flag }) => [keys[0], flag]));
    assertEquals(got, Object.fromEntries(flags.map((flag) => [`f${flag}`, flag])));
  },
);

brokerTest(
  "Producer - ordinary messages are visible at once, and those of a transaction producer too",
  async ({ nameServers, uniqueName }) => {
    const topic = uniqueName("Plain");
    await using consumer = new TestClient(nameServers);
    await using plain = new Producer({
      nameServers,
      producerGroup: uniqueName("plain"),
      sendTimeout: 30_000,
      logger: silentLogger,
    });
    await using transactional = new TransactionProducer({
      nameServers,
      producerGroup: uniqueName("plain-tx"),
      topics: [topic],
      sendTimeout: 30_000,
      endTransactionTimeout: 15_000,
      logger: silentLogger,
      transactionListener: { executeLocalTransaction: () => Unknown },
    });
    await plain.start();
    await transactional.start();

    const sent = [];
    for (let index = 0; index < 10; index++) {
      const producer = index % 2 === 0 ? plain : transactional;
      sent.push(
        await producer.send({ topic, body: `body ${index}`, keys: `k${index}`, flag: index }),
      );
    }

    const visible = await consumer.visibleMessages(topic);
    const byId = new Map(visible.map((message) => [message.messageId, message]));
    assertEquals(visible.length, sent.length);
    for (const [index, result] of sent.entries()) {
      const message = byId.get(result.messageId)!;
      assertEquals(result.sendStatus, "SEND_OK");
      assertEquals(new TextDecoder().decode(message.body), `body ${index}`);
      assertEquals([message.keys, message.flag], [[`k${index}`], index]);
      assertEquals(message.offsetMessageId, result.offsetMessageId);
      assertEquals(message.queueOffset, result.queueOffset);
      assertEquals(message.queueId, result.messageQueue.queueId);
      assertEquals(message.properties.TRAN_MSG, undefined);
    }
  },
);

/** What a message carries for its application; of a stored one those properties that were sent. */
function contentOf(message: Message | MessageExt, sent: Message | MessageExt = message): unknown {
  const { topic, body, tags, keys = [] } = message;
  const names = Object.keys(sent.properties ?? {});
  return {
    topic,
    body: typeof body === "string" ? new TextEncoder().encode(body) : new Uint8Array(body),
    tags,
    keys: typeof keys === "string" ? keys.split(" ") : keys,
    properties: names.map((
      name,
    ) => [name, Object.entries(message.properties ?? {}).find(([it]) => it === name)?.[1]]),
  };
}

/** A value that, with the properties of a half message, makes exactly what may be sent. */
function longestProperty(producerGroup: string): string {
  const rest = encodeProperties({
    long: "x",
    UNIQ_KEY: "0".repeat(32),
    WAIT: "true",
    TRAN_MSG: "true",
    PGROUP: producerGroup,
  });
  return "y".repeat(MAX_PROPERTIES_SIZE - rest.length + 1);
}

function largeBody(size: number): Uint8Array {
  const body = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(body.subarray(at, at + 65_536));
  return body;
}

async function topicExists(
  nameServers: string,
  client: TestClient,
  topic: string,
): Promise<boolean> {
  const nameServer = nameServers.split(";")[0]!;
  const { code } = await client.request(nameServer, createGetRouteInfoRequest(topic));
  return code !== ResponseCode.TOPIC_NOT_EXIST;
}
