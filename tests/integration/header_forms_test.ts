import { assert, assertEquals, assertGreater, assertInstanceOf } from "@std/assert";
import {
  BrokerResponseError,
  LocalTransactionState,
  ResponseCode,
  TransactionProducer,
} from "../../mod.ts";
import { createGetRouteInfoRequest } from "../../src/requests/mod.ts";
import { delay } from "../support/delay.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** When a broker begins to ask about a transaction, and how often it looks, in milliseconds. */
const TRANSACTION_TIMEOUT = 1_500, CHECK_INTERVAL = 5_000;

clusterTest(
  "TransactionProducer - a cluster with binary headers and other times",
  {
    javaOptions: ["-Drocketmq.serialize.type=ROCKETMQ"],
    brokerConfig: {
      transactionTimeOut: String(TRANSACTION_TIMEOUT),
      transactionCheckInterval: String(CHECK_INTERVAL),
    },
  },
  async (cluster, test) => {
    await using consumer = new TestClient(cluster.nameServers);

    await test.step("it answers in the binary form", async () => {
      const [address] = cluster.nameServers.split(";");
      const answer = await consumer.request(address!, createGetRouteInfoRequest("TBW102"));
      assertEquals([answer.serializeType, answer.code], ["ROCKETMQ", ResponseCode.SUCCESS]);
    });

    await test.step("commit, rollback and check-backs work as with JSON headers", async () => {
      const topic = "Binary";
      const asked: string[] = [];
      await using producer = new TransactionProducer<LocalTransactionState>({
        nameServers: cluster.nameServers,
        producerGroup: "binary",
        topics: [topic],
        sendTimeout: 30_000,
        endTransactionTimeout: 15_000,
        logger: silentLogger,
        transactionListener: {
          executeLocalTransaction: (_message, state) => state,
          checkLocalTransaction(message) {
            asked.push(message.keys[0]!);
            return message.tags === "commit" ? Commit : Rollback;
          },
        },
      });
      await producer.start();

      for (
        const [keys, tags, state] of [
          ["k1", "commit", Commit],
          ["k2", "rollback", Rollback],
          ["k3 ü", "commit", Unknown],
          ["k4", "rollback", Unknown],
        ] as const
      ) {
        const body = `body of ${keys}`, properties = { ключ: "值" };
        await producer.sendMessageInTransaction({ topic, keys, tags, body, properties }, state);
      }
      assert(await eventually(() => producer.stats().confirmedVerdicts === 4, 90_000));

      assertEquals(asked.sort(), ["k3", "k4"]);
      const visible = await consumer.visibleMessages(topic);
      const got = visible.map(({ keys, body, properties }) => {
        return [keys.join(" "), new TextDecoder().decode(body), properties["ключ"]!];
      });
      assertEquals(got.sort(), [["k1", "body of k1", "值"], ["k3 ü", "body of k3 ü", "值"]]);
    });

    await test.step("a verdict later than CHECK_IMMUNITY_TIME_IN_SECONDS is refused, and repeated", async () => {
      const topic = "Immune";
      await using producer = new TransactionProducer({
        nameServers: cluster.nameServers,
        producerGroup: "immune",
        topics: [topic],
        sendTimeout: 30_000,
        endTransactionTimeout: 15_000,
        logger: silentLogger,
        transactionListener: {
          // Past the immunity and the broker's timeout, and mostly before its next look.
          executeLocalTransaction: () => delay(TRANSACTION_TIMEOUT + 700).then(() => Commit),
          checkLocalTransaction: () => Commit,
        },
      });
      await producer.start();

      const sends = [];
      for (let index = 0; index < 8; index++) {
        const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: "1" };
        const message = { topic, body: "b", keys: `k${index}`, properties };
        sends.push(producer.sendMessageInTransaction(message));
        await delay(CHECK_INTERVAL / 8);
      }
      const results = await Promise.all(sends);

      const refused = results.filter(({ endTransaction }) => endTransaction !== "confirmed");
      assertGreater(refused.length, 0);
      for (const { localTransactionState, endTransaction, endTransactionError } of refused) {
        assertEquals([localTransactionState, endTransaction], [Commit, "failed"]);
        assertInstanceOf(endTransactionError, BrokerResponseError);
        assertEquals(endTransactionError.responseCode, ResponseCode.ILLEGAL_OPERATION);
        assert(endTransactionError.message.includes("the next check-back takes it"));
      }
      assert(await eventually(() => producer.stats().confirmedVerdicts >= 8, 90_000));
      const visible = await consumer.visibleMessages(topic);
      assertEquals(
        visible.map(({ keys }) => keys[0]).sort(),
        results.map((_, index) => `k${index}`),
      );
    });
  },
);
