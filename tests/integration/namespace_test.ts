import { assert, assertEquals } from "@std/assert";
import { createReply, LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";
import { testSecret } from "../support/secrets.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

brokerTest(
  "namespace - transactions, batches and look-ups in a namespace of version 1, by plain names",
  async ({ nameServers, uniqueName, test }) => {
    const namespace = uniqueName("tenant"), topic = uniqueName("orders");
    const wireTopic = `${namespace}%${topic}`, producerGroup = uniqueName("group");
    const checked: string[] = [], seen = new Set<string>();
    await using consumer = new TestClient(nameServers);
    await using producer = new TransactionProducer<LocalTransactionState>({
      nameServers,
      producerGroup,
      topics: [topic],
      namespace,
      logger: silentLogger,
      sendTimeout: 30_000,
      endTransactionTimeout: 15_000,
      transactionListener: {
        executeLocalTransaction: (_message, state) => state,
        checkLocalTransaction(message) {
          checked.push(message.topic);
          return Commit;
        },
      },
    });
    (async () => {
      for await (const event of producer.events()) if ("topic" in event) seen.add(event.topic);
    })();
    await producer.start();
    await producer.createTopic({ topic });

    await test.step("halves, verdicts and check-backs", async () => {
      for (const state of [Commit, Rollback, Unknown]) {
        const sent = await producer.sendMessageInTransaction(
          { topic, body: state, tags: state },
          state,
        );
        assertEquals(sent.messageQueue.topic, topic);
        assertEquals(sent.endTransaction, state === Unknown ? "sent" : "confirmed");
      }
      const isAnswered = () => producer.stats().confirmedVerdicts === 3;
      assert(await eventually(isAnswered, 60_000), "the check-back was not answered");
      assertEquals(checked, [topic]);
      const visible = await consumer.visibleMessages(wireTopic);
      assertEquals(visible.map(({ tags }) => tags).sort(), [Commit, Unknown]);
      for (const { properties } of visible) {
        assertEquals(
          [properties.PGROUP, properties.INSTANCE_ID],
          [`${namespace}%${producerGroup}`, namespace],
        );
      }
      assertEquals(await consumer.visibleMessages(topic), []);
    });

    await test.step("sends, batches, look-ups and inspection", async () => {
      const plain = await producer.send({ topic, body: "plain", keys: "k1" });
      const batch = await producer.sendBatch([{ topic, body: "1" }, { topic, body: "2" }]);
      assertEquals([plain.messageQueue.topic, batch.messageQueue.topic], [topic, topic]);
      const isIndexed = async () =>
        (await producer.queryMessages({ topic, key: "k1" })).length === 1;
      assert(await eventually(isIndexed, 20_000), "the message is not in the index");
      const [found] = await producer.queryMessages({ topic, key: "k1" });
      const viewed = await producer.viewMessage(plain.offsetMessageId, { topic });
      assertEquals([found?.topic, viewed?.topic, viewed?.messageId], [
        topic,
        topic,
        plain.messageId,
      ]);

      const { transactionId } = await producer.sendMessageInTransaction(
        { topic, body: "c" },
        Commit,
      );
      const isVisible = async () =>
        (await producer.inspect(transactionId, { topic })).state === "committed";
      assert(await eventually(isVisible, 20_000), "the transaction is not found");
    });

    await test.step("a reply finds its way back", async () => {
      const request = producer.request({ topic, body: "ping", tags: "request" }, {
        timeout: 30_000,
      });
      const isThere = async () =>
        (await consumer.visibleMessages(wireTopic)).some(({ tags }) => tags === "request");
      assert(await eventually(isThere, 20_000), "the request is not visible");
      const asked = (await consumer.visibleMessages(wireTopic)).find(({ tags }) =>
        tags === "request"
      );
      await producer.send(createReply(asked!, "pong"));
      assertEquals(new TextDecoder().decode((await request).body), "pong");
    });

    assertEquals([...seen].filter((name) => name.includes("%")), []);
  },
);

brokerTest(
  "namespaceV2 - a broker that knows nothing of it, and of units and streams, is not disturbed",
  async ({ nameServers, uniqueName }) => {
    const topic = uniqueName("V2");
    await using consumer = new TestClient(nameServers);
    await using producer = new TransactionProducer<LocalTransactionState>({
      nameServers,
      producerGroup: uniqueName("group"),
      topics: [topic],
      namespaceV2: "region-1",
      unitName: "unit-1",
      enableStreamRequestType: true,
      requestHooks: [{ before: () => ({ zone: "z" }) }],
      credentials: { accessKey: "nobody", secretKey: testSecret("asks") },
      logger: silentLogger,
      sendTimeout: 30_000,
      endTransactionTimeout: 15_000,
      transactionListener: {
        executeLocalTransaction: (_message, state) => state,
        checkLocalTransaction: () => Commit,
      },
    });
    await producer.start();
    for (const state of [Commit, Unknown]) {
      await producer.sendMessageInTransaction({ topic, body: state, tags: state }, state);
    }
    const isAnswered = () => producer.stats().confirmedVerdicts === 2;
    assert(await eventually(isAnswered, 60_000), "the check-back was not answered");
    const visible = await consumer.visibleMessages(topic);
    assertEquals(visible.map(({ tags }) => tags).sort(), [Commit, Unknown]);
  },
);
