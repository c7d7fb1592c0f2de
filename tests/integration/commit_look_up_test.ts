import { assert, assertEquals } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { interceptingDialer } from "../support/intercepting_dialer.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const TOPIC = "LookedUp", COUNT = 10;

clusterTest(
  "TransactionProducer - commits that were carried out, never answered and forgotten by a killed broker are stored once",
  // The marks of ended transactions are in memory for so long, and lost when it is killed.
  { brokerConfig: { transactionOpBatchInterval: "60000", transactionCheckInterval: "3000" } },
  async (cluster) => {
    const [broker] = cluster.brokers;
    let isCutting = false;
    await using consumer = new TestClient(cluster.nameServers);
    await using producer = new TransactionProducer({
      nameServers: cluster.nameServers,
      producerGroup: "look-up-group",
      topics: [TOPIC],
      logger: silentLogger,
      sendTimeout: 10_000,
      endTransactionTimeout: 5_000,
      transactionListener: {
        executeLocalTransaction: async () => {
          // All half messages are stored before the first verdict leaves.
          await eventually(() => producer.stats().halfMessages === COUNT, 10_000);
          isCutting = true;
          return LocalTransactionState.Commit;
        },
      },
      dialer: interceptingDialer({
        onRequest(command, cut) {
          if (isCutting && command.code === RequestCode.END_TRANSACTION) cut();
          return command;
        },
      }),
    });
    await producer.start();
    const results = await Promise.all(
      Array.from(
        { length: COUNT },
        (_, index) => producer.sendMessageInTransaction({ topic: TOPIC, body: `order ${index}` }),
      ),
    );
    isCutting = false;
    const lost = results.filter(({ endTransaction }) => endTransaction === "failed");
    assert(lost.length > 0, "every answer arrived");
    const visible = async () =>
      (await consumer.visibleMessages(TOPIC)).map(({ messageId }) => messageId).sort();
    const before = new Set(await visible());
    assert(before.size > 0, "no commit was carried out");

    await broker!.kill();
    await broker!.start();
    const all = results.map(({ messageId }) => messageId).sort();
    const isSettled = async () => {
      const { foundCommits, checkBacks } = producer.stats();
      return checkBacks >= COUNT && foundCommits > 0 && (await visible()).length >= COUNT;
    };
    assert(await eventually(isSettled, 40_000, 500), JSON.stringify(producer.stats()));
    assertEquals([...new Set(await visible())], all, "a commit was lost");
    const lostIds = new Set(lost.map(({ messageId }) => messageId));
    const copies = (await visible()).filter((id) => lostIds.has(id));
    assertEquals(copies.length, lostIds.size, "a commit whose answer got lost was stored twice");
  },
);
