import { assert, assertEquals, assertExists, assertRejects } from "@std/assert";
import {
  BrokerResponseError,
  LocalTransactionState,
  type TransactionInspection,
  TransactionProducer,
} from "../../mod.ts";
import { type RemotingCommand, RequestCode } from "../../src/remoting/mod.ts";
import { createTopic } from "../support/create_topic.ts";
import { interceptingDialer } from "../support/intercepting_dialer.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

const ASKS_TWICE = {
  brokerConfig: {
    transactionTimeOut: "1000",
    transactionCheckInterval: "1500",
    transactionCheckMax: "2",
  },
} as const;

clusterTest(
  "inspect() and resume() - follow transactions on a broker that asks twice",
  ASKS_TWICE,
  async (cluster, test) => {
    const topic = "Audits";
    const [broker] = cluster.brokers;
    assertExists(broker);
    await createTopic(topic, cluster.brokers);
    const verdicts: RemotingCommand[] = [], asked: number[] = [];
    let answer: LocalTransactionState = Unknown;
    await using consumer = new TestClient(cluster.nameServers);
    await using producer = new TransactionProducer<LocalTransactionState>({
      nameServers: cluster.nameServers,
      producerGroup: "auditors",
      topics: [topic],
      sendTimeout: 30_000,
      endTransactionTimeout: 15_000,
      logger: silentLogger,
      dialer: interceptingDialer({
        onRequest(command) {
          if (command.code === RequestCode.END_TRANSACTION) verdicts.push(command);
          return command;
        },
      }),
      transactionListener: {
        executeLocalTransaction: (_message, state) => state,
        checkLocalTransaction(_message, { checkTimes }) {
          asked.push(checkTimes);
          return answer;
        },
      },
    });
    await producer.start();
    const send = async (state: LocalTransactionState) => {
      const message = { topic, body: state };
      return (await producer.sendMessageInTransaction(message, state)).transactionId;
    };
    const look = (transactionId: string) => producer.inspect(transactionId, { topic });
    const open = await send(Unknown);
    const seen: TransactionInspection[] = [];
    const watching = (async () =>
      await eventually(
        async () => {
          seen.push(await look(open));
          return seen.at(-1)?.state === "givenUp";
        },
        60_000,
        100,
      ))();

    await test.step("a committed one, and how many copies of it there are", async () => {
      const transactionId = await send(Commit);
      const isCommitted = (copies: number) => async () => {
        const inspection = await look(transactionId);
        return inspection.state === "committed" && inspection.copies === copies;
      };
      assert(await eventually(isCommitted(1), 15_000, 100));
      assertEquals((await look(transactionId)).brokerName, broker.name);

      const again = verdicts.find(({ extFields }) => extFields.transactionId === transactionId)!;
      const { code, extFields } = again;
      await consumer.request(broker.address, { code, extFields });
      assert(await eventually(isCommitted(2), 15_000, 100), "a commit is not idempotent");
    });

    await test.step("one that was rolled back, once a check round has passed it", async () => {
      const transactionId = await send(Rollback);
      const isRolledBack = async () => (await look(transactionId)).state === "rolledBack";
      assert(await eventually(isRolledBack, 30_000, 100));
      assertEquals((await look(transactionId)).copies, 0);
    });

    await test.step("one that stays open: asked about twice, then given up", async () => {
      assert(await watching, JSON.stringify(seen.at(-1)));
      const counts = seen.filter(({ state }) => state === "pending").map((it) => it.checkTimes);
      assertEquals(counts, counts.toSorted((a, b) => a - b));
      assert(counts.includes(1), `its check count was never seen: ${counts}`);
      assertEquals(asked, [1, 2]);
      assertEquals([seen.at(-1)?.copies, seen.at(-1)?.brokerName], [0, broker.name]);
      const { records } = seen.at(-1)!;
      const halves = records.filter(({ kind }) => kind === "half");
      assertEquals(records.at(-1)?.kind, "givenUp");
      assertEquals(halves.length, records.length - 1);
      assertEquals([halves[0]?.checkTimes, halves.at(-1)?.checkTimes], [0, 2]);
      const times = records.map(({ storeTimestamp }) => storeTimestamp);
      assertEquals(times, times.toSorted((a, b) => a - b));
      assert(times.at(-1)! - times[0]! > 1_000, `all at once: ${times}`);
    });

    await test.step("that one, resumed, is asked about again and committed", async () => {
      const { givenUpMessageId } = seen.at(-1)!;
      assertExists(givenUpMessageId);
      answer = Commit;
      await producer.resume(seen.at(-1)!, { topic });
      const isCommitted = async () => (await look(open)).state === "committed";
      assert(await eventually(isCommitted, 30_000, 100), JSON.stringify(await look(open)));
      assertEquals((await look(open)).copies, 1);
      assertEquals(asked.length, 3);
    });

    await test.step("an id that is not known is not found, and can't be resumed", async () => {
      assertEquals((await look("7F000001".repeat(4))).state, "notFound");
      const { brokerName } = seen.at(-1)!;
      const givenUpMessageId = "7F0000010000" + "2A9F" + "0000000000FFFFFF";
      await assertRejects(
        () => producer.resume({ brokerName: brokerName!, givenUpMessageId }, { topic }),
        BrokerResponseError,
      );
    });
  },
);
