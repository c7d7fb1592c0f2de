import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  ConnectionError,
  LocalTransactionState,
  type RocketMQError,
  TopicRouteNotFoundError,
  TransactionProducer,
  type TransactionProducerOptions,
  TransactionSendError,
  type TransactionSendResult,
  type Verdict,
} from "../../mod.ts";
import type { BrokerProcess, RocketMQCluster } from "../support/cluster.ts";
import { createTopic } from "../support/create_topic.ts";
import { delay } from "../support/delay.ts";
import { GroupMember, readDatabase } from "../support/group_member.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** What a deadline may be passed by on a machine that is busy with other work, in milliseconds. */
const TOLERANCE = 2_000;

const SEND_TIMEOUT = 3_000, START_TIMEOUT = 10_000;

/** For sends that have to succeed, also on a busy machine. */
const PATIENTLY = { timeout: 30_000 };

clusterTest(
  "TransactionProducer - a cluster that breaks",
  { brokerConfig: { autoCreateTopicEnable: "false" } },
  async (cluster, test) => {
    const [broker] = cluster.brokers as [BrokerProcess];
    const [nameServer] = cluster.nameServerProcesses as [ServerProcess];

    await test.step("a topic that does not exist is named with the remedy", async () => {
      await using group = await Group.join(cluster, "unknown_topics", "KnownTopic");
      const remedy = "create the topic, or set autoCreateTopicEnable on a broker";
      const topic = "UnknownTopic";

      const { error, time } = await failureOf(() =>
        group.producer.sendMessageInTransaction({
          topic,
          body: "b",
        }, Commit)
      );
      assertInstanceOf(error, TransactionSendError);
      assertInstanceOf(error.cause, TopicRouteNotFoundError);
      assertEquals([error.outcome, error.topic], ["failed", topic]);
      assertTells(error, nameServer.address, remedy);
      assertLess(time, SEND_TIMEOUT + TOLERANCE);

      const plain = await failureOf(() => group.producer.send({ topic, body: "b" }));
      assertInstanceOf(plain.error, TopicRouteNotFoundError);
      assertTells(plain.error, nameServer.address, remedy);

      await using other = newProducer(cluster, "unknown_topics", [topic]);
      const start = await failureOf(() => other.start());
      assertInstanceOf(start.error, TopicRouteNotFoundError);
      assertTells(start.error, nameServer.address, remedy);
      assertLess(start.time, START_TIMEOUT + TOLERANCE);

      assertEquals(group.executed, 0);
      await createTopic(topic, cluster.brokers);
      await other.start();
    });

    await test.step("a broker that is killed amidst sends: none hangs, none is lost", async () => {
      await using group = await Group.join(cluster, "killed_broker", "KilledBroker");
      const sending = group.keepSending(16);
      assert(await eventually(() => group.executed > 100, 60_000));

      await broker.kill();
      const killedAt = performance.now();
      const failed = () => group.failures.filter(({ at }) => at > killedAt).length;
      assert(await eventually(() => failed() >= 16, 60_000));
      await broker.start();
      const resultsBefore = group.results.length;
      assert(await eventually(() => group.results.length > resultsBefore + 50, 60_000));
      await sending.stop();
      group.mayDecide = true;

      for (const { error, time } of group.failures) {
        assertInstanceOf(error, TransactionSendError);
        assertTells(error, broker.address, "the local transaction was not run");
        assertLess(time, SEND_TIMEOUT + TOLERANCE);
      }
      await group.untilCommitsAreVisible(cluster);
    });

    await test.step("a broker that freezes: each call ends at its deadline", async () => {
      await using group = await Group.join(cluster, "frozen_broker", "FrozenBroker", {
        requestTimeout: 2_000,
        heartbeatInterval: 500,
      });
      await createTopic("FrozenPlain", cluster.brokers);
      await group.producer.send({ topic: "FrozenPlain", body: "so that its route is known" });
      group.mayDecide = true;
      const isRegistered = () => group.producer.stats().registeredBrokers.length > 0;
      await group.send();

      broker.suspend();
      using _resumed = { [Symbol.dispose]: () => broker.resume() };
      await delay(300); // its threads stop one after the other
      const calls = [300, 1_000, 3_000].map(async (timeout) => {
        const { error, time } = await failureOf(() => group.send({ timeout }));
        assertInstanceOf(error, TransactionSendError);
        assertEquals(error.outcome, "indeterminate");
        assertTells(error, broker.address, "must answer ROLLBACK");
        assertLess(time, timeout + TOLERANCE);
      });
      await Promise.all(calls);
      const plain = await failureOf(() => {
        return group.producer.send({ topic: "FrozenPlain", body: "b" }, { timeout: 500 });
      });
      assertInstanceOf(plain.error, ConnectionError);
      assertTells(plain.error, broker.address, "");
      assertLess(plain.time, 500 + TOLERANCE);
      assert(await eventually(() => !isRegistered(), 30_000), "the frozen broker goes unnoticed");

      await using other = newProducer(cluster, "frozen_broker", ["FrozenBroker"], {
        startTimeout: 1_500,
      });
      const start = await failureOf(() => other.start());
      assertInstanceOf(start.error, ConnectionError);
      assertTells(start.error, broker.address, "set brokerIP1 on the broker or addressMap here");
      assertLess(start.time, 1_500 + TOLERANCE);

      broker.resume();
      assert(await eventually(isRegistered, 30_000), "the broker was not found again");
      await group.send();
      await group.untilCommitsAreVisible(cluster);
    });

    await test.step("producer killed, broker stopped and started: a silent successor settles all", async () => {
      const database = await Deno.makeTempFile();
      try {
        const topic = "Restarted";
        await createTopic(topic, cluster.brokers);
        const { nameServers } = cluster;
        const member = { nameServers, producerGroup: "restarted", topic, database };
        await using survivor = await Group.join(cluster, "survivor", "Survivor");
        for (let index = 0; index < 10; index++) await survivor.send(PATIENTLY, Unknown);
        await using killed = new GroupMember({ ...member, sends: 15, undecided: true });
        await killed.allSent();
        await killed.kill();

        await broker.stop();
        await assertStopped(cluster, survivor, broker.address);
        await nameServer.kill();
        await assertNoNameServer(cluster, survivor, nameServer.address);
        await nameServer.start();
        await broker.start();
        await cluster.registered();

        survivor.mayDecide = true;
        await using successor = new GroupMember(member);
        await successor.untilEnded(15);
        await using consumer = new TestClient(cluster.nameServers);
        const committed = (await readDatabase(database)).filter((it) => it.verdict === "COMMIT");
        assertEquals(committed.length, 10);
        assertEquals(await visibleIds(consumer, topic), ids(committed));
        await survivor.untilCommitsAreVisible(cluster);
        await survivor.send();
      } finally {
        await Deno.remove(database);
      }
    });
  },
);

/** A producer, the database of its application, and what became of its sends. */
class Group implements AsyncDisposable {
  readonly producer: TransactionProducer<LocalTransactionState>;
  readonly topic: string;
  readonly results: TransactionSendResult[] = [];
  readonly failures: { error: unknown; time: number; at: number }[] = [];
  /** Whether check-backs are answered from the database, else with unknown. */
  mayDecide = false;
  readonly #database = new Map<string, Verdict>();
  #sent = 0;

  private constructor(
    cluster: RocketMQCluster,
    producerGroup: string,
    topic: string,
    options: Partial<TransactionProducerOptions<LocalTransactionState>>,
  ) {
    this.topic = topic;
    this.producer = newProducer(cluster, producerGroup, [topic], {
      ...options,
      transactionListener: {
        executeLocalTransaction: (_message, state, { transactionId }) => {
          const verdict = this.#database.size % 3 === 2 ? Rollback : Commit;
          this.#database.set(transactionId, verdict);
          return state === Unknown ? Unknown : verdict;
        },
        checkLocalTransaction: (_message, { transactionId, localTransactionRan }) => {
          if (!this.mayDecide) return Unknown;
          if (localTransactionRan === false) return Rollback;
          return this.#database.get(transactionId) ?? Unknown;
        },
      },
    });
  }

  /** Makes the topic and starts a producer for it. */
  static async join(
    cluster: RocketMQCluster,
    producerGroup: string,
    topic: string,
    options: Partial<TransactionProducerOptions<LocalTransactionState>> = {},
  ): Promise<Group> {
    await createTopic(topic, cluster.brokers);
    const group = new Group(cluster, producerGroup, topic, options);
    await group.producer.start();
    return group;
  }

  /** How many local transactions ran. */
  get executed(): number {
    return this.#database.size;
  }

  /** Sends a message whose local transaction is recorded, and answered with its verdict or unknown. */
  async send(
    options: { timeout: number } = PATIENTLY,
    state: LocalTransactionState = Commit,
  ): Promise<void> {
    const startedAt = performance.now();
    const message = { topic: this.topic, body: `body ${this.#sent++}` };
    try {
      this.results.push(await this.producer.sendMessageInTransaction(message, state, options));
    } catch (error) {
      const at = performance.now();
      this.failures.push({ error, time: at - startedAt, at });
      throw error;
    }
  }

  /** Sends on and on, so many at once, whether it succeeds or not. Each fifth stays undecided. */
  keepSending(concurrency: number): { stop(): Promise<void> } {
    let isOver = false;
    const loop = async () => {
      while (!isOver) {
        const state = this.#sent % 5 === 0 ? Unknown : Commit;
        await this.send({ timeout: SEND_TIMEOUT }, state).catch(() => delay(20));
      }
    };
    const loops = Promise.all(Array.from({ length: concurrency }, loop));
    return {
      async stop() {
        isOver = true;
        await loops;
      },
    };
  }

  /** Waits until a consumer sees every commit in the database, and nothing else. */
  async untilCommitsAreVisible(cluster: RocketMQCluster): Promise<void> {
    await using consumer = new TestClient(cluster.nameServers);
    const commits = [...this.#database].filter(([, verdict]) => verdict === Commit);
    const expected = commits.map(([transactionId]) => transactionId).sort();
    let seen: string[] = [];
    await eventually(
      async () => {
        seen = await visibleIds(consumer, this.topic);
        return seen.length === expected.length;
      },
      90_000,
      500,
    );
    assertEquals(seen, expected);
    assertGreater(expected.length, 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.producer.shutdown();
  }
}

function newProducer(
  cluster: RocketMQCluster,
  producerGroup: string,
  topics: string[],
  options: Partial<TransactionProducerOptions<LocalTransactionState>> = {},
): TransactionProducer<LocalTransactionState> {
  return new TransactionProducer({
    nameServers: cluster.nameServers,
    producerGroup,
    topics,
    sendTimeout: SEND_TIMEOUT,
    startTimeout: START_TIMEOUT,
    logger: silentLogger,
    transactionListener: {
      executeLocalTransaction: () => Unknown,
      checkLocalTransaction: () => Unknown,
    },
    ...options,
  });
}

async function assertStopped(
  cluster: RocketMQCluster,
  group: Group,
  address: string,
): Promise<void> {
  const executed = group.executed;
  const send = await failureOf(() => group.send({ timeout: SEND_TIMEOUT }));
  assertInstanceOf(send.error, TransactionSendError);
  assertEquals(send.error.outcome, "failed");
  assertTells(send.error, address, "set brokerIP1 on the broker or addressMap here");
  assertLess(send.time, SEND_TIMEOUT + TOLERANCE);
  assertEquals(group.executed, executed);

  await using other = newProducer(cluster, "late", [group.topic]);
  const start = await failureOf(() => other.start());
  assertInstanceOf(start.error, TopicRouteNotFoundError);
  assertTells(start.error, cluster.nameServers, "if no broker runs, start one");
  assertLess(start.time, START_TIMEOUT + TOLERANCE);
}

async function assertNoNameServer(
  cluster: RocketMQCluster,
  group: Group,
  address: string,
): Promise<void> {
  const remedy = "Check that nameServers names name servers";
  await using other = newProducer(cluster, "late", [group.topic]);
  const start = await failureOf(() => other.start());
  assertInstanceOf(start.error, ConnectionError);
  assertTells(start.error, address, remedy);
  assertLess(start.time, START_TIMEOUT + TOLERANCE);

  const send = await failureOf(() =>
    group.producer.sendMessageInTransaction({ topic: "Another", body: "b" }, Commit)
  );
  assertInstanceOf(send.error, TransactionSendError);
  assertInstanceOf(send.error.cause, ConnectionError);
  assertTells(send.error, address, remedy);
  assertLess(send.time, SEND_TIMEOUT + TOLERANCE);
}

/** The error that a call ends with, and after how many milliseconds. */
async function failureOf(call: () => Promise<unknown>): Promise<{ error: unknown; time: number }> {
  const startedAt = performance.now();
  const error = await assertRejects(call);
  return { error, time: performance.now() - startedAt };
}

/** An error says which server it is about, as a fact and in words, and what to do. */
function assertTells(error: RocketMQError, address: string, remedy: string): void {
  assertEquals(error.address, address, error.message);
  assertStringIncludes(error.message, address);
  assertStringIncludes(error.message, remedy);
}

/** What a consumer sees, each transaction once: a broker that was killed may show some twice. */
async function visibleIds(client: TestClient, topic: string): Promise<string[]> {
  return ids(
    (await client.visibleMessages(topic)).map(({ messageId }) => ({ transactionId: messageId })),
  );
}

function ids(transactions: { transactionId: string }[]): string[] {
  return [...new Set(transactions.map(({ transactionId }) => transactionId))].sort();
}
