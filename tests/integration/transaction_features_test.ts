import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  LocalTransactionState,
  type TransactionEvent,
  TransactionProducer,
  type TransactionProducerOptions,
  TransactionSendError,
} from "../../mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { createTopic } from "../support/create_topic.ts";
import { delay } from "../support/delay.ts";
import { interceptingDialer } from "../support/intercepting_dialer.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest, type BrokerTestContext } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

brokerTest(
  "sendMessageInTransaction - its signal may abort before, on the way, and during the local transaction",
  async (context) => {
    const onTheWay = new AbortController(), during = new AbortController();
    const ran: string[] = [];
    const options = await common(context);
    const [topic] = options.topics;
    await using producer = new TransactionProducer({
      ...options,
      dialer: interceptingDialer({
        onRequest(command) {
          const body = new TextDecoder().decode(command.body);
          if (command.code === RequestCode.SEND_MESSAGE_V2 && body === "on the way") {
            onTheWay.abort();
          }
          return command;
        },
      }),
      transactionListener: {
        async executeLocalTransaction({ body }, _arg, { signal }) {
          ran.push(String(body));
          const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
          during.abort();
          await aborted;
          return Rollback;
        },
        checkLocalTransaction: (_message, { localTransactionRan }) =>
          localTransactionRan === false ? Rollback : Commit,
      },
    });
    await producer.start();
    const send = (body: string, signal: AbortSignal) =>
      producer.sendMessageInTransaction({ topic, body }, undefined, { signal });

    const before = await assertRejects(
      () => send("before", AbortSignal.abort()),
      TransactionSendError,
    );
    const halfway = await assertRejects(
      () => send("on the way", onTheWay.signal),
      TransactionSendError,
    );
    const result = await send("during", during.signal);

    assertEquals([before.outcome, halfway.outcome], ["failed", "indeterminate"]);
    assertEquals([result.localTransactionState, result.endTransaction], [Rollback, "confirmed"]);
    assertEquals(ran, ["during"]);
    assert(await eventually(() => producer.stats().confirmedVerdicts === 2, 90_000));
    await using consumer = new TestClient(context.nameServers);
    assertEquals(await consumer.visibleMessages(topic), [], "neither of them was committed");
  },
);

brokerTest(
  "checkLocalTransaction - slow ones run at once, as many as allowed, each transaction once at a time",
  async (context) => {
    const concurrency = 3, transactions = 7;
    const running = new Set<string>(), twice: string[] = [], asked: string[] = [];
    const events: TransactionEvent[] = [];
    let peak = 0;
    const allAtOnce = Promise.withResolvers<void>(), askedAgain = Promise.withResolvers<void>();
    const options = await common(context);
    const [topic] = options.topics;
    await using producer = new TransactionProducer({
      ...options,
      checkConcurrency: concurrency,
      checkTimeout: 60_000,
      transactionListener: {
        executeLocalTransaction: () => Unknown,
        async checkLocalTransaction(_message, { transactionId }) {
          if (running.has(transactionId)) twice.push(transactionId);
          running.add(transactionId);
          asked.push(transactionId);
          peak = Math.max(peak, running.size);
          if (running.size === concurrency) allAtOnce.resolve();
          await allAtOnce.promise;
          await askedAgain.promise;
          running.delete(transactionId);
          return Commit;
        },
      },
    });
    (async () => {
      for await (const event of producer.events()) {
        events.push(event);
        const isAskedAgain = (id: string) =>
          events.some((it) =>
            it.type === "checkBack" && it.handling === "joined" && it.transactionId === id
          );
        if ([...running].some(isAskedAgain)) askedAgain.resolve();
      }
    })();
    await producer.start();
    const sent = await Promise.all(
      Array.from(
        { length: transactions },
        (_, index) => producer.sendMessageInTransaction({ topic, body: `slow ${index}` }),
      ),
    );
    assert(
      await eventually(() => producer.stats().confirmedVerdicts >= transactions, 90_000),
      JSON.stringify(producer.stats()),
    );

    assertEquals([peak, twice], [concurrency, []]);
    const ids = sent.map(({ transactionId }) => transactionId).sort();
    assertEquals(asked.toSorted(), ids, "asked once each, though the broker asked again");
    await using consumer = new TestClient(context.nameServers);
    const visible = (await consumer.visibleMessages(topic)).map(({ messageId }) => messageId);
    assertEquals(visible.sort(), ids);
  },
);

brokerTest(
  "checkLocalTransaction - one that throws leaves it open, and is asked again",
  async (context) => {
    const times: number[] = [];
    const options = await common(context);
    const [topic] = options.topics;
    await using producer = new TransactionProducer({
      ...options,
      transactionListener: {
        executeLocalTransaction() {
          throw new Error("the local transaction failed");
        },
        checkLocalTransaction(_message, { checkTimes, localTransactionRan }) {
          assert(localTransactionRan);
          times.push(checkTimes);
          if (times.length === 1) throw new Error("the database is away");
          return Commit;
        },
      },
    });
    await producer.start();
    const result = await producer.sendMessageInTransaction({ topic, body: "b" });
    assertEquals([result.localTransactionState, result.endTransaction], [Unknown, "sent"]);
    assert(await eventually(() => producer.stats().confirmedVerdicts === 1, 90_000));

    assertEquals(times, [1, 2]);
    assertEquals(producer.stats().failedChecks, 1);
    await using consumer = new TestClient(context.nameServers);
    const visible = await consumer.visibleMessages(topic);
    assertEquals(visible.map(({ messageId }) => messageId), [result.transactionId]);
  },
);

brokerTest(
  "shutdown - waits for the local transaction, sends its verdict, and then leaves the group",
  async (context) => {
    const codes: number[] = [];
    const begun = Promise.withResolvers<void>();
    const options = await common(context);
    const [topic] = options.topics;
    const producer = new TransactionProducer({
      ...options,
      dialer: interceptingDialer({
        onRequest(command) {
          codes.push(command.code);
          return command;
        },
      }),
      transactionListener: {
        async executeLocalTransaction() {
          begun.resolve();
          await delay(1_000);
          return Commit;
        },
      },
    });
    await producer.start();
    const sending = producer.sendMessageInTransaction({ topic, body: "last order" });
    await begun.promise;
    await producer.shutdown();
    const result = await sending;

    assertEquals(result.endTransaction, "confirmed");
    const ends = codes.filter((code) =>
      code === RequestCode.END_TRANSACTION || code === RequestCode.UNREGISTER_CLIENT
    );
    assertEquals(ends[0], RequestCode.END_TRANSACTION);
    assertEquals(new Set(ends.slice(1)), new Set([RequestCode.UNREGISTER_CLIENT]));
    assertEquals(producer.stats().openConnections, 0);
    await using consumer = new TestClient(context.nameServers);
    const visible = await consumer.visibleMessages(topic);
    assertEquals(visible.map(({ messageId }) => messageId), [result.transactionId]);
  },
);

/** What the producers of this file have in common: a topic that is there already, and patience. */
async function common(
  { nameServers, brokers, uniqueName }: BrokerTestContext,
): Promise<Omit<TransactionProducerOptions, "transactionListener"> & { topics: [string] }> {
  const topic = uniqueName("Features");
  await createTopic(topic, brokers);
  return {
    nameServers,
    producerGroup: uniqueName("features"),
    topics: [topic],
    sendTimeout: 30_000,
    endTransactionTimeout: 15_000,
    logger: silentLogger,
  };
}
