import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const TOPIC = "LostLog", GROUP = "lost-log-group";

clusterTest(
  "TransactionProducer - a commit does not hit the half message that a broker has written in the place of a lost one",
  { brokerConfig: { transactionCheckInterval: "60000" } },
  async (cluster) => {
    const [broker] = cluster.brokers;
    const options = {
      nameServers: cluster.nameServers,
      producerGroup: GROUP,
      topics: [TOPIC],
      logger: silentLogger,
      sendTimeout: 10_000,
      endTransactionTimeout: 30_000,
    };
    await using consumer = new TestClient(cluster.nameServers);
    await using other = new TransactionProducer({
      ...options,
      instanceName: "other",
      transactionListener: { executeLocalTransaction: () => LocalTransactionState.Unknown },
    });
    let inItsPlace = "";
    await using producer = new TransactionProducer({
      ...options,
      transactionListener: {
        executeLocalTransaction: async () => {
          await broker!.kill();
          for (const part of ["commitlog", "consumequeue", "index", "checkpoint", "abort"]) {
            await Deno.remove(`${broker!.folder}/store/${part}`, { recursive: true })
              .catch(() => {});
          }
          await broker!.start();
          inItsPlace = (await sendHalf()).offsetMessageId;
          return LocalTransactionState.Commit;
        },
      },
    });
    const sendHalf = async () => {
      await eventually(() => other.stats().registeredBrokers.length === 1, 30_000);
      return await other.sendMessageInTransaction({ topic: TOPIC, body: "order 2" });
    };
    await producer.start();
    await other.start();
    const lost = await producer.sendMessageInTransaction({ topic: TOPIC, body: "order 1" });

    assertEquals(inItsPlace, lost.offsetMessageId, "both stood in the same place");
    assertEquals(lost.endTransaction, "failed");
    assert(lost.endTransactionError);
    assertStringIncludes(lost.endTransactionError.message, "has lost the end of its log");
    assertEquals(await consumer.visibleMessages(TOPIC), [], "the other one became visible");
  },
);
