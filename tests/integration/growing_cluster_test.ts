import { assert, assertEquals, assertGreater, assertInstanceOf } from "@std/assert";
import {
  LocalTransactionState,
  TransactionProducer,
  TransactionSendError,
  type TransactionSendResult,
} from "../../mod.ts";
import type { BrokerProcess } from "../support/cluster.ts";
import { createTopic } from "../support/create_topic.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

clusterTest(
  "TransactionProducer - a cluster whose brokers come and go",
  {},
  async (cluster, test) => {
    const topic = "Orders";
    const verdicts = new Map<string, LocalTransactionState>();
    const askedBy = new Map<string, string>();
    let mayDecide = true;
    await createTopic(topic, cluster.brokers);
    await using consumer = new TestClient(cluster.nameServers);
    await using producer = new TransactionProducer<LocalTransactionState>({
      nameServers: cluster.nameServers,
      producerGroup: "orders",
      topics: [topic],
      routePollInterval: 500,
      sendTimeout: 30_000,
      endTransactionTimeout: 15_000,
      logger: silentLogger,
      transactionListener: {
        executeLocalTransaction(_message, state, { transactionId }) {
          verdicts.set(transactionId, verdicts.size % 2 === 0 ? Commit : Rollback);
          return state === Unknown ? Unknown : verdicts.get(transactionId)!;
        },
        checkLocalTransaction(_message, { transactionId, brokerName, localTransactionRan }) {
          if (!mayDecide) return Unknown;
          askedBy.set(transactionId, brokerName);
          return localTransactionRan ? verdicts.get(transactionId)! : Rollback;
        },
      },
    });
    await producer.start();

    /** Sends so many messages; what comes of them is decided by check-backs, or at once. */
    async function send(
      count: number,
      state: LocalTransactionState,
    ): Promise<TransactionSendResult[]> {
      const results = [];
      for (let index = 0; index < count; index++) {
        results.push(await producer.sendMessageInTransaction({ topic, body: "order" }, state));
      }
      return results;
    }

    function untilVisible(): Promise<void> {
      return untilCommitsAreVisible(consumer, topic, verdicts);
    }

    let second: BrokerProcess;

    await test.step("a broker that is added is registered with, and used", async () => {
      const events = producer.events();
      second = await cluster.addBroker();
      await createTopic(topic, [second]);
      for await (const event of events) if (event.type === "brokerRegistered") break;

      assertEquals(producer.stats().registeredBrokers.sort(), ["broker-a", "broker-b"]);
      const counts = countByBroker(await send(20, Commit));
      assertEquals(Object.keys(counts).sort(), ["broker-a", "broker-b"]);
      await untilVisible();
    });

    await test.step("each broker asks about its own transactions", async () => {
      const results = await send(20, Unknown);
      await untilVisible();
      assert(results.every((result) => askedBy.has(result.transactionId)));
      for (const { transactionId, messageQueue } of results) {
        assertEquals(askedBy.get(transactionId), messageQueue.brokerName);
      }
    });

    await test.step("when one is killed sends go on, and its open ones end after its restart", async () => {
      mayDecide = false;
      const open = await send(10, Unknown);
      assertGreater(countByBroker(open)["broker-b"] ?? 0, 0);

      await second.kill();
      const after: TransactionSendResult[] = [];
      while (after.length < 20) {
        // What was written when the broker died is not sent again: it may have been stored.
        const [result] = await send(1, Commit).catch((error) => {
          assertInstanceOf(error, TransactionSendError);
          assertEquals(error.outcome, "indeterminate");
          return [];
        });
        if (result) after.push(result);
      }
      assertEquals(countByBroker(after), { "broker-a": 20 });

      await second.start();
      mayDecide = true;
      await untilVisible();
      const isBack = () => producer.stats().registeredBrokers.length === 2;
      assert(await eventually(isBack, 30_000));
      assertGreater(countByBroker(await send(4, Commit))["broker-b"] ?? 0, 0);
      await untilVisible();
    });
  },
);

function countByBroker(results: readonly TransactionSendResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { messageQueue: { brokerName } } of results) {
    counts[brokerName] = (counts[brokerName] ?? 0) + 1;
  }
  return counts;
}

/** Waits until a consumer sees all commits, some twice if their broker was killed, and no other. */
async function untilCommitsAreVisible(
  consumer: TestClient,
  topic: string,
  verdicts: ReadonlyMap<string, LocalTransactionState>,
): Promise<void> {
  const commits = [...verdicts].filter(([, verdict]) => verdict === Commit).map(([id]) => id);
  let visible: string[] = [];
  await eventually(
    async () => {
      const messages = await consumer.visibleMessages(topic).catch(() => []);
      visible = [...new Set(messages.map(({ messageId }) => messageId))];
      return visible.length >= commits.length;
    },
    90_000,
    500,
  );
  assertEquals(visible.sort(), commits.sort());
}
