import { assert, assertEquals, assertGreater, assertInstanceOf } from "@std/assert";
import { BrokerResponseError, LocalTransactionState, ResponseCode } from "../../../mod.ts";
import { parseOffsetMessageId } from "../../../src/message/mod.ts";
import { CommitOrRollback } from "../../../src/requests/mod.ts";
import { delay } from "../../support/delay.ts";
import { eventually } from "../../support/progress.ts";
import { createEndTransactionRequest } from "../../support/requests.ts";
import { TestClient } from "../../support/test_client.ts";
import {
  defineStep,
  isFrom,
  type ServerUnderTest,
  startTransactionProducer,
  textOf,
  type VersionStep,
} from "./server_under_test.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** The times of a broker that is this step's own, in milliseconds, and how often it asks. */
export const OWN_TIMES = { timeout: 1_500, interval: 2_000, checkMax: 3 } as const;

/** Long enough for a verdict that comes after a check-back, in milliseconds. */
const PATIENCE = 90_000;

/** What a consumer sees, as sorted texts, once `count` messages are there. */
async function visibleTexts(
  { nameServers }: ServerUnderTest,
  topic: string,
  count: number,
): Promise<string[]> {
  await using consumer = new TestClient(nameServers);
  let texts: string[] = [];
  await eventually(
    async () => {
      texts = (await consumer.visibleMessages(topic)).map(textOf).sort();
      return texts.length >= count;
    },
    PATIENCE,
    100,
  );
  return texts;
}

/** Transactions, whatever the times of the broker are. */
export const transactionSteps: readonly VersionStep[] = [
  defineStep("verdicts are confirmed, and what is unknown is asked about", async (server) => {
    const topic = server.uniqueName("Verdicts");
    const asked: string[] = [];
    await using producer = await startTransactionProducer<LocalTransactionState>(server, {
      producerGroup: server.uniqueName("verdicts"),
      topics: [topic],
      transactionListener: {
        executeLocalTransaction: (_message, state) => state,
        checkLocalTransaction(message, { checkTimes, brokerName, known, localTransactionRan }) {
          const isOurs = server.brokers.some(({ name }) => name === brokerName);
          assert(isOurs && known && localTransactionRan);
          assertEquals([message.topic, message.brokerName], [topic, brokerName]);
          assertEquals(message.properties["имя"], "значение");
          asked.push(`${message.keys} ${checkTimes}`);
          if (message.tags === "later" && checkTimes < 2) return Unknown;
          return message.tags === "rollback" ? Rollback : Commit;
        },
      },
    });
    const results = new Map<
      string,
      Awaited<ReturnType<typeof producer.sendMessageInTransaction>>
    >();
    for (
      const [keys, tags, state] of [
        ["k1", "commit", Commit],
        ["k2", "rollback", Rollback],
        ["k3", "commit", Unknown],
        ["k4", "rollback", Unknown],
        ["k5", "later", Unknown],
      ] as const
    ) {
      const message = {
        topic,
        keys,
        tags,
        body: `body ${keys} ü`,
        properties: { имя: "значение" },
      };
      results.set(keys, await producer.sendMessageInTransaction(message, state));
    }
    assertEquals(
      [...results.values()].map(({ endTransaction }) => endTransaction),
      ["confirmed", "confirmed", "sent", "sent", "sent"],
    );
    assert(await eventually(() => producer.stats().confirmedVerdicts === 5, PATIENCE));
    assertEquals(asked.sort(), ["k3 1", "k4 1", "k5 1", "k5 2"]);
    assertEquals(await visibleTexts(server, topic, 3), ["body k1 ü", "body k3 ü", "body k5 ü"]);

    const states = async () => {
      const inspected = [];
      for (const [keys, { transactionId }] of results) {
        const { state, copies, checkTimes } = await producer.inspect(transactionId, { topic });
        inspected.push(`${keys} ${state} ${copies} ${checkTimes}`);
      }
      return inspected;
    };
    const expected = [
      "k1 committed 1 0",
      "k2 rolledBack 0 0",
      "k3 committed 1 1",
      "k4 rolledBack 0 1",
      "k5 committed 1 2",
    ];
    // That a rollback was taken shows when the broker has looked at the half message again.
    await eventually(async () => (await states()).join() === expected.join(), PATIENCE, 200);
    assertEquals(await states(), expected);
  }),

  defineStep(
    "a transaction in the hands of the application, or without a verdict",
    async (server) => {
      const topic = server.uniqueName("Explicit");
      await using producer = await startTransactionProducer(server, {
        producerGroup: server.uniqueName("explicit"),
        topics: [topic],
        transactionListener: { executeLocalTransaction: () => Unknown },
      });
      const committed = await producer.begin({ topic, body: "committed" });
      const rolledBack = await producer.begin({ topic, body: "rolled back" });
      assertEquals((await committed.commit()).endTransaction, "confirmed");
      assertEquals((await rolledBack.rollback()).endTransaction, "confirmed");
      const worked = await producer.transaction({ topic, body: "worked" }, () => Promise.resolve());
      assertEquals([worked.localTransactionState, worked.endTransaction], [Commit, "confirmed"]);
      let open: string;
      {
        await using left = await producer.begin({ topic, body: "left" });
        open = left.transactionId;
      }
      for await (const check of producer.checkBacks()) {
        assertEquals(check.transactionId, open);
        assertEquals(await check.commit(), "confirmed");
        break;
      }
      assertEquals(await visibleTexts(server, topic, 3), ["committed", "left", "worked"]);
    },
  ),

  defineStep("a producer that was restarted is asked about what it left behind", async (server) => {
    const topic = server.uniqueName("Restarted"), producerGroup = server.uniqueName("restarted");
    const transactionListener = { executeLocalTransaction: () => Unknown };
    const options = { producerGroup, topics: [topic] };
    const first = await startTransactionProducer(server, { ...options, transactionListener });
    const left = await first.sendMessageInTransaction({ topic, body: "left behind" });
    await first.shutdown();

    const asked: unknown[] = [];
    await using second = await startTransactionProducer(server, {
      ...options,
      transactionListener: {
        ...transactionListener,
        checkLocalTransaction(message, { transactionId, known, localTransactionRan }) {
          asked.push([transactionId, textOf(message), known, localTransactionRan]);
          return Commit;
        },
      },
    });
    assert(await eventually(() => second.stats().confirmedVerdicts === 1, PATIENCE));
    assertEquals(asked, [[left.transactionId, "left behind", false, undefined]]);
    assertEquals(await visibleTexts(server, topic, 1), ["left behind"]);
  }),

  defineStep("a verdict of another group is refused, and changes nothing", async (server) => {
    const topic = server.uniqueName("Foreign");
    await using consumer = new TestClient(server.nameServers);
    await using producer = await startTransactionProducer(server, {
      producerGroup: server.uniqueName("owner"),
      topics: [topic],
      transactionListener: { executeLocalTransaction: () => Unknown },
    });
    const { messageQueue, offsetMessageId, queueOffset } = await producer.sendMessageInTransaction({
      topic,
      body: "b",
    });
    const { address } = server.brokers.find(({ name }) => name === messageQueue.brokerName)!;
    const answer = await consumer.request(
      address,
      createEndTransactionRequest({
        producerGroup: server.uniqueName("stranger"),
        tranStateTableOffset: queueOffset,
        commitLogOffset: parseOffsetMessageId(offsetMessageId).offset,
        commitOrRollback: CommitOrRollback.Commit,
        fromTransactionCheck: false,
      }),
    );
    assertEquals([answer.code, answer.remark], [
      ResponseCode.SYSTEM_ERROR,
      "The producer group wrong",
    ]);
    assertEquals(await consumer.visibleMessages(topic), []);
  }),
];

/** Transactions that take a broker with {@linkcode OWN_TIMES}. */
export const ownTimesSteps: readonly VersionStep[] = [
  defineStep("a transaction that is given up is inspected and resumed", async (server) => {
    const topic = server.uniqueName("GivenUp");
    let verdict: LocalTransactionState = Unknown;
    await using producer = await startTransactionProducer(server, {
      producerGroup: server.uniqueName("given-up"),
      topics: [topic],
      transactionListener: {
        executeLocalTransaction: () => Unknown,
        checkLocalTransaction: () => verdict,
      },
    });
    const { transactionId } = await producer.sendMessageInTransaction({
      topic,
      body: "in the end",
    });
    const isGivenUp = async () =>
      (await producer.inspect(transactionId, { topic })).state === "givenUp";
    assert(await eventually(isGivenUp, PATIENCE, 200));
    const discarded = await producer.inspect(transactionId, { topic });
    assertEquals([discarded.checkTimes, discarded.copies], [OWN_TIMES.checkMax, 0]);
    verdict = Commit;
    await producer.resume(discarded, { topic });
    assertEquals(await visibleTexts(server, topic, 1), ["in the end"]);
  }),

  defineStep(
    "a verdict after CHECK_IMMUNITY_TIME_IN_SECONDS is refused, or taken",
    async (server) => {
      const topic = server.uniqueName("Immune");
      await using producer = await startTransactionProducer(server, {
        producerGroup: server.uniqueName("immune"),
        topics: [topic],
        transactionListener: {
          // Past the immunity and the broker's timeout, and often before its next look.
          executeLocalTransaction: () => delay(OWN_TIMES.timeout + 200).then(() => Commit),
          checkLocalTransaction: () => Commit,
        },
      });
      const sends = [], keys: string[] = [];
      for (let index = 0; index < 8; index++) {
        const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: "1" };
        keys.push(`k${index}`);
        const send = producer.sendMessageInTransaction({ topic, body: `k${index}`, properties });
        send.catch(() => {});
        sends.push(send);
        await delay(OWN_TIMES.interval / 8);
      }
      const results = await Promise.all(sends);

      const refused = results.filter(({ endTransaction }) => endTransaction !== "confirmed");
      if (!isFrom(server, "5.1.1")) assertEquals(refused, []);
      else assertGreater(refused.length, 0);
      for (const { localTransactionState, endTransaction, endTransactionError } of refused) {
        assertEquals([localTransactionState, endTransaction], [Commit, "failed"]);
        assertInstanceOf(endTransactionError, BrokerResponseError);
        assertEquals(endTransactionError.responseCode, ResponseCode.ILLEGAL_OPERATION);
        assert(endTransactionError.message.includes("the next check-back takes it"));
      }
      assert(await eventually(() => producer.stats().confirmedVerdicts >= keys.length, PATIENCE));
      assertEquals(await visibleTexts(server, topic, keys.length), keys);
    },
  ),
];
