import { assert, assertEquals, assertRejects } from "@std/assert";
import { SendForbiddenError, TransactionProducer } from "../../mod.ts";
import { createTopic } from "../support/create_topic.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";
import { FakeOpenTelemetry } from "../telemetry/fake_open_telemetry.ts";

brokerTest(
  "hooks and telemetry - a transaction is seen from its half message to the verdict after a check-back",
  async ({ nameServers, brokers, uniqueName }) => {
    using telemetry = new FakeOpenTelemetry();
    const topic = uniqueName("Watched");
    await createTopic(topic, brokers);
    await using consumer = new TestClient(nameServers);
    const seen: string[] = [];
    await using producer = new TransactionProducer({
      nameServers,
      producerGroup: uniqueName("watched"),
      topics: [topic],
      sendTimeout: 30_000,
      logger: silentLogger,
      transactionListener: {
        executeLocalTransaction: () => "UNKNOWN",
        checkLocalTransaction: () => "COMMIT",
      },
      sendHooks: {
        forbid: ({ messages }) => messages[0]!.properties.TAGS === "test" ? "no tests" : undefined,
        before: () => ({ host: "order-7" }),
        after: ({ kind }, { result }) => void seen.push(`${kind} ${result?.sendStatus}`),
      },
      endTransactionHooks: {
        after: ({ state, fromCheck }, { outcome, brokerAddress }) => {
          assert(brokers.some(({ address }) => address === brokerAddress), brokerAddress);
          seen.push(`${state} ${fromCheck} ${outcome}`);
        },
      },
    });
    await producer.start();
    await assertRejects(
      () => producer.sendMessageInTransaction({ topic, body: "x", tags: "test" }),
      SendForbiddenError,
    );
    await producer.sendMessageInTransaction({ topic, body: "order 1" });
    assert(await eventually(() => seen.length === 3, 60_000, 100));
    const isVisible = async () => (await consumer.visibleMessages(topic)).length > 0;
    assert(await eventually(isVisible, 30_000, 200));

    const [message] = await consumer.visibleMessages(topic);
    const half = telemetry.spans.find(({ name }) => name === `send_half ${topic}`);
    assertEquals(message!.properties.host, "order-7");
    assertEquals(message!.properties.traceparent, `00-of-${half!.id}`);
    assertEquals(seen, ["half SEND_OK", "UNKNOWN false sent", "COMMIT true confirmed"]);
    assertEquals(telemetry.tree().slice(-2), [
      `check ${topic} < send_half ${topic}`,
      `end_transaction ${topic} < send_half ${topic}`,
    ]);
  },
);
