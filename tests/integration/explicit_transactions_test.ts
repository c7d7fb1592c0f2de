import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  InvalidStateError,
  LocalTransactionError,
  LocalTransactionState,
  type TransactionEvent,
  TransactionProducer,
} from "../../mod.ts";
import { createTopic } from "../support/create_topic.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest, type BrokerTestContext } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback } = LocalTransactionState;

brokerTest(
  "transaction() - what its work did is committed, what it refused is not, what it threw is asked about",
  async (context) => {
    await using story = await newStory(context);
    const { producer, topic } = story;
    const ran: string[] = [];

    const done = await producer.transaction({ topic, body: "done" }, async (tx) => {
      ran.push(tx.transactionId);
      await Promise.resolve();
    });
    const refused = await producer.transaction({ topic, body: "refused" }, () => Rollback);
    const failure = new Error("the database went away");
    const thrown = await assertRejects(
      () => producer.transaction({ topic, body: "thrown" }, () => Promise.reject(failure)),
      LocalTransactionError,
    );

    assertEquals(
      [done, refused].map((it) => [it.localTransactionState, it.endTransaction]),
      [[Commit, "confirmed"], [Rollback, "confirmed"]],
    );
    assertEquals([ran, thrown.cause, thrown.endTransaction], [
      [done.transactionId],
      failure,
      "sent",
    ]);
    assertEquals(await story.visibleIds(), [done.transactionId]);

    const ids = [done.transactionId, thrown.transactionId];
    assert(await eventually(async () => (await story.visibleIds()).length >= 2, 90_000, 200));
    assertEquals(await story.visibleIds(), ids.sort());
    assertEquals(new Set(story.asked), new Set([thrown.transactionId]));
  },
);

brokerTest(
  "begin() - check-backs of an open transaction are answered by themselves, those of one that was left decide",
  async (context) => {
    await using story = await newStory(context);
    const { producer, topic, events } = story;

    const refused = await producer.begin({ topic, body: "refused" });
    assertEquals((await refused.rollback()).endTransaction, "confirmed");
    let left = "";
    {
      await using tx = await producer.begin({ topic, body: "left" });
      left = tx.transactionId;
    }
    const held = await producer.begin({ topic, body: "held" });
    const isHeld = (event: TransactionEvent) =>
      event.type === "checkBack" && event.transactionId === held.transactionId;
    assert(await eventually(() => events.some(isHeld), 90_000));
    assertEquals((await held.commit()).endTransaction, "confirmed");
    await assertRejects(
      () => held.rollback(),
      InvalidStateError,
      "was committed or rolled back already",
    );

    assert(await eventually(async () => (await story.visibleIds()).length >= 2, 90_000, 200));
    assertEquals(await story.visibleIds(), [left, held.transactionId].sort());
    assertEquals(
      new Set(story.asked),
      new Set([left]),
      "only the one that was left is asked about",
    );
    const said = events.filter((event) => event.type === "endTransaction")
      .filter(({ transactionId }) => transactionId === held.transactionId)
      .map(({ state, outcome }) => `${state} ${outcome}`);
    assertEquals(said[0], "UNKNOWN sent");
    assertEquals(said.filter((what) => what === "COMMIT confirmed").length, 1);
    const handlings = events.filter((event) => event.type === "checkBack")
      .filter(({ transactionId }) => transactionId === held.transactionId)
      .map(({ handling }) => handling);
    assertEquals(handlings[0], "stillRunning");
  },
);

/** A started producer without local transactions of its own, whose listener commits when asked. */
interface Story extends AsyncDisposable {
  topic: string;
  producer: TransactionProducer;
  /** The transactions that the listener was asked about. */
  asked: string[];
  events: TransactionEvent[];
  /** The ids of what a consumer sees, sorted. */
  visibleIds(): Promise<string[]>;
}

async function newStory(
  { nameServers, brokers, uniqueName }: BrokerTestContext,
): Promise<Story> {
  await using made = new AsyncDisposableStack();
  const topic = uniqueName("Explicit");
  await createTopic(topic, brokers);
  const asked: string[] = [], events: TransactionEvent[] = [];
  const consumer = made.use(new TestClient(nameServers));
  const producer = made.use(
    new TransactionProducer({
      nameServers,
      producerGroup: uniqueName("explicit"),
      topics: [topic],
      sendTimeout: 30_000,
      endTransactionTimeout: 15_000,
      logger: silentLogger,
      transactionListener: {
        executeLocalTransaction() {
          throw new Error("the listener was run for an explicit transaction");
        },
        checkLocalTransaction(_message, { transactionId }) {
          asked.push(transactionId);
          return Commit;
        },
      },
    }),
  );
  (async () => {
    for await (const event of producer.events()) events.push(event);
  })();
  await producer.start();
  const stack = made.move();
  return {
    topic,
    producer,
    asked,
    events,
    visibleIds: async () =>
      (await consumer.visibleMessages(topic)).map(({ messageId }) => messageId).sort(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
