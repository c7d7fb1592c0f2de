import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokerResponseError,
  ConnectionError,
  LocalTransactionState,
  ResponseCode,
  type TransactionEvent,
  type TransactionListener,
  TransactionProducer,
  type TransactionProducerOptions,
  TransactionSendError,
} from "../../mod.ts";
import { isOneway, type RemotingCommand, RequestCode } from "../../src/remoting/mod.ts";
import { delay } from "../support/delay.ts";
import { interceptingDialer, type Interceptor } from "../support/intercepting_dialer.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest, type BrokerTestContext } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** Commit, rollback and unknown as they stand in END_TRANSACTION. */
const WIRE_COMMIT = "8", WIRE_ROLLBACK = "12", WIRE_UNKNOWN = "0";

/** Two check rounds of the broker, with some room. */
const TWO_ROUNDS = 5_000;

brokerTest(
  "TransactionProducer - the broker confirms commit and rollback, and unknown is only sent",
  async (context) => {
    const requests: RemotingCommand[] = [];
    const story = newStory(context, {
      listener: { executeLocalTransaction: ({ tags }) => tags as LocalTransactionState },
      interceptor: spyOnVerdicts(requests),
    });
    await using producer = story.producer;
    await using consumer = story.consumer;
    await producer.start();

    const outcomes = [];
    for (const tags of [Commit, Rollback, Unknown]) {
      const { topic } = story;
      const result = await producer.sendMessageInTransaction({ topic, body: "b", tags });
      assertEquals(result.localTransactionState, tags);
      assertEquals(result.endTransactionError, undefined);
      outcomes.push([tags, result.endTransaction]);
    }

    assertEquals(outcomes, [[Commit, "confirmed"], [Rollback, "confirmed"], [Unknown, "sent"]]);
    assertEquals(requests.map((it) => [it.extFields.commitOrRollback, isOneway(it)]), [
      [WIRE_COMMIT, false],
      [WIRE_ROLLBACK, false],
      [WIRE_UNKNOWN, true],
    ]);
    const visible = await consumer.visibleMessages(story.topic);
    assertEquals(visible.map(({ tags }) => tags), [Commit]);
  },
);

brokerTest(
  "TransactionProducer - in mode oneway verdicts are sent unconfirmed, and take effect",
  async (context) => {
    const requests: RemotingCommand[] = [];
    const story = newStory(context, {
      listener: { executeLocalTransaction: ({ tags }) => tags as LocalTransactionState },
      interceptor: spyOnVerdicts(requests),
      options: { endTransactionMode: "oneway" },
    });
    await using producer = story.producer;
    await using consumer = story.consumer;
    await producer.start();

    for (const tags of [Commit, Rollback]) {
      const { topic } = story;
      const result = await producer.sendMessageInTransaction({ topic, body: "b", tags });
      assertEquals(result.endTransaction, "sent");
    }

    assert(await eventually(async () => (await story.visibleIds()).length > 0, 30_000));
    const visible = await consumer.visibleMessages(story.topic);
    assertEquals(visible.map(({ tags }) => tags), [Commit]);
    assertEquals(requests.map(isOneway), [true, true]);
  },
);

brokerTest(
  "TransactionProducer - a commit that the broker refuses is reported, and the check-back makes it good",
  async (context) => {
    const requests: RemotingCommand[] = [];
    const story = newStory(context, {
      listener: {
        executeLocalTransaction: () => Commit,
        checkLocalTransaction: () => Commit,
      },
      interceptor: spyOnVerdicts(requests, (verdict) => {
        if (requests.length > 1) return verdict;
        const wrong = BigInt(verdict.extFields.tranStateTableOffset!) + 1n;
        const extFields = { ...verdict.extFields, tranStateTableOffset: String(wrong) };
        return { ...verdict, extFields };
      }),
    });
    await using producer = story.producer;
    await using _consumer = story.consumer;
    const events = collect(producer);
    await producer.start();

    const result = await producer.sendMessageInTransaction({ topic: story.topic, body: "b" });

    assertEquals(result.localTransactionState, Commit);
    assertEquals(result.endTransaction, "failed");
    const error = result.endTransactionError;
    assertInstanceOf(error, BrokerResponseError);
    assertEquals(error.responseCode, ResponseCode.SYSTEM_ERROR);
    assertEquals(error.remark, "The transaction state table offset wrong");
    assertEquals(error.brokerName, result.messageQueue.brokerName);
    assertStringIncludes(error.message, story.brokerAddress(result.messageQueue.brokerName));
    assertEquals(await story.visibleIds(), []);

    assert(await eventually(() => producer.stats().confirmedVerdicts === 1, 90_000));
    await delay(TWO_ROUNDS);
    assertEquals(await story.visibleIds(), [result.transactionId]);
    const check = events.find((event) => event.type === "checkBack");
    assertEquals(check?.handling, "repeated");
    const commits = requests.filter((it) => it.extFields.commitOrRollback === WIRE_COMMIT);
    assertEquals(commits.map((it) => it.extFields.fromTransactionCheck), ["false", "true"]);
  },
);

brokerTest(
  "TransactionProducer - a commit whose answer is lost is reported, and not sent again",
  async (context) => {
    const requests: RemotingCommand[] = [];
    const story = newStory(context, {
      listener: { executeLocalTransaction: () => Commit, checkLocalTransaction: () => Commit },
      interceptor: spyOnVerdicts(requests, (verdict, cut) => {
        if (requests.length === 1) cut();
        return verdict;
      }),
    });
    await using producer = story.producer;
    await using _consumer = story.consumer;
    await producer.start();

    const result = await producer.sendMessageInTransaction({ topic: story.topic, body: "b" });

    assertEquals(result.endTransaction, "failed");
    const error = result.endTransactionError;
    assertInstanceOf(error, ConnectionError);
    assertEquals([error.code, error.written], ["CONNECTION_LOST", true]);
    assertStringIncludes(error.message, story.brokerAddress(result.messageQueue.brokerName));

    await delay(TWO_ROUNDS);
    assertEquals(await story.visibleIds(), [result.transactionId]);
    assertEquals(requests.length, 1);
    assert(await eventually(() => producer.stats().registeredBrokers.length > 0, 30_000));
  },
);

brokerTest(
  "TransactionProducer - a half message whose answer is lost never gets a local transaction",
  async (context) => {
    const ran: string[] = [];
    const asked: (boolean | undefined)[] = [];
    let cuts = 0;
    const story = newStory(context, {
      listener: {
        executeLocalTransaction(_message, _arg, { transactionId }) {
          ran.push(transactionId);
          return Commit;
        },
        checkLocalTransaction(_message, { localTransactionRan }) {
          asked.push(localTransactionRan);
          return localTransactionRan === false ? Rollback : Unknown;
        },
      },
      interceptor: {
        onRequest(command, cut) {
          if (command.code === RequestCode.SEND_MESSAGE_V2 && cuts++ === 0) cut();
          return command;
        },
      },
    });
    await using producer = story.producer;
    await using _consumer = story.consumer;
    await producer.start();

    const error = await assertRejects(
      () => producer.sendMessageInTransaction({ topic: story.topic, body: "lost" }),
      TransactionSendError,
    );

    assertEquals([error.outcome, error.code], ["indeterminate", "SEND_INDETERMINATE"]);
    assert(context.brokers.some(({ address }) => address === error.address));
    assertStringIncludes(error.message, error.address!);
    assertStringIncludes(error.message, "must answer ROLLBACK");
    assert(await eventually(() => producer.stats().confirmedVerdicts === 1, 90_000));
    assertEquals(asked, [false]);

    const { transactionId } = await producer.sendMessageInTransaction({
      topic: story.topic,
      body: "once more",
    });
    assertEquals(ran, [transactionId]);
    assertEquals(await story.visibleIds(), [transactionId]);
  },
);

brokerTest(
  "TransactionProducer - check-backs are answered in a loop of the application's own",
  async (context) => {
    const story = newStory(context, { listener: { executeLocalTransaction: () => Unknown } });
    await using producer = story.producer;
    await using consumer = story.consumer;
    await producer.start();
    const answers: [string | undefined, string][] = [];
    const answering = (async () => {
      for await (const check of producer.checkBacks()) {
        const { tags } = check.message;
        assert(check.known);
        assertEquals(check.localTransactionRan, true);
        const outcome = tags === Commit
          ? await check.commit()
          : tags === Rollback
          ? await check.rollback()
          : await check.unknown();
        answers.push([tags, outcome]);
        assert(check.isAnswered);
      }
    })();

    for (const tags of [Commit, Rollback, Unknown]) {
      await producer.sendMessageInTransaction({ topic: story.topic, body: "b", tags });
    }
    const isAsked = (tag: string) => answers.some(([tags]) => tags === tag);
    assert(await eventually(() => [Commit, Rollback, Unknown].every(isAsked), 90_000));
    await producer.shutdown();
    await answering;

    for (const [tags, outcome] of answers) {
      assertEquals(outcome, tags === Unknown ? "sent" : "confirmed");
    }
    const visible = await consumer.visibleMessages(story.topic);
    assertEquals(visible.map(({ tags }) => tags), [Commit]);
  },
);

brokerTest(
  "TransactionProducer - one that shuts down answers the check-back that it is working on",
  async (context) => {
    const started = Promise.withResolvers<void>();
    const story = newStory(context, {
      listener: {
        executeLocalTransaction: () => Unknown,
        async checkLocalTransaction() {
          started.resolve();
          await delay(500);
          return Commit;
        },
      },
    });
    await using _consumer = story.consumer;
    await story.producer.start();
    const { transactionId } = await story.producer.sendMessageInTransaction({
      topic: story.topic,
      body: "b",
    });

    await started.promise;
    await story.producer.shutdown();

    assertEquals(await story.visibleIds(), [transactionId]);
    const { openConnections, runningChecks, transactionsInFlight } = story.producer.stats();
    assertEquals([openConnections, runningChecks, transactionsInFlight], [0, 0, 0]);
    assertFalse(story.producer.stats().registeredBrokers.length > 0);
    assertGreater(story.producer.stats().checkBacks, 0);
  },
);

/** What the stories of this file have in common. */
interface Story {
  topic: string;
  producer: TransactionProducer;
  consumer: TestClient;
  /** The ids of what a consumer sees. */
  visibleIds(): Promise<string[]>;
  brokerAddress(brokerName: string | undefined): string;
}

function newStory(
  { nameServers, brokers, uniqueName }: BrokerTestContext,
  { listener, interceptor, options = {} }: {
    listener: TransactionListener;
    interceptor?: Interceptor;
    options?: Partial<TransactionProducerOptions>;
  },
): Story {
  const topic = uniqueName("Verdicts");
  const consumer = new TestClient(nameServers);
  const producer = new TransactionProducer({
    nameServers,
    producerGroup: uniqueName("verdicts"),
    topics: [topic],
    sendTimeout: 30_000,
    endTransactionTimeout: 15_000,
    logger: silentLogger,
    transactionListener: listener,
    ...interceptor ? { dialer: interceptingDialer(interceptor) } : {},
    ...options,
  });
  return {
    topic,
    producer,
    consumer,
    visibleIds: async () =>
      (await consumer.visibleMessages(topic)).map(({ messageId }) => messageId),
    brokerAddress: (brokerName) => brokers.find(({ name }) => name === brokerName)!.address,
  };
}

/** Notes every END_TRANSACTION that leaves, as it was meant, and may change it. */
function spyOnVerdicts(
  seen: RemotingCommand[],
  edit: (verdict: RemotingCommand, cut: () => void) => RemotingCommand = (verdict) => verdict,
): Interceptor {
  return {
    onRequest(command, cut) {
      if (command.code !== RequestCode.END_TRANSACTION) return command;
      seen.push(command);
      return edit(command, cut);
    },
  };
}

/** The events of a producer, as they come. */
function collect(producer: TransactionProducer): TransactionEvent[] {
  const collected: TransactionEvent[] = [];
  (async () => {
    for await (const event of producer.events()) collected.push(event);
  })();
  return collected;
}
