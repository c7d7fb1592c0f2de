import { assertEquals } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { interceptingDialer } from "../support/intercepting_dialer.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const TOPIC = "Moved";
const { VIEW_MESSAGE_BY_ID, END_TRANSACTION } = RequestCode;

clusterTest(
  "TransactionProducer - a broker that was killed while the local transaction ran is shown to have its half message, and gets the verdict",
  { brokerConfig: { transactionCheckInterval: "60000" } },
  async (cluster) => {
    const [broker] = cluster.brokers;
    const codes: number[] = [];
    await using consumer = new TestClient(cluster.nameServers);
    await using producer = new TransactionProducer({
      nameServers: cluster.nameServers,
      producerGroup: "moved-group",
      topics: [TOPIC],
      logger: silentLogger,
      sendTimeout: 10_000,
      endTransactionTimeout: 30_000,
      transactionListener: {
        executeLocalTransaction: async () => {
          await broker!.kill();
          await broker!.start();
          return LocalTransactionState.Commit;
        },
      },
      dialer: interceptingDialer({
        onRequest(command) {
          const { code } = command;
          if (code === VIEW_MESSAGE_BY_ID || code === END_TRANSACTION) codes.push(code);
          return command;
        },
      }),
    });
    await producer.start();
    const result = await producer.sendMessageInTransaction({ topic: TOPIC, body: "order" });

    assertEquals(result.endTransaction, "confirmed");
    assertEquals(codes, [VIEW_MESSAGE_BY_ID, END_TRANSACTION]);
    const visible = async () => await consumer.visibleMessages(TOPIC);
    await eventually(async () => (await visible()).length > 0, 10_000);
    assertEquals((await visible()).map(({ messageId }) => messageId), [result.messageId]);
  },
);
