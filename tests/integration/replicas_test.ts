import { assert, assertEquals, assertLess } from "@std/assert";
import {
  LocalTransactionState,
  TransactionProducer,
  type TransactionSendResult,
} from "../../mod.ts";
import { halfMessagesIn } from "../chaos/witness.ts";
import type { BrokerProcess, RocketMQCluster } from "../support/cluster.ts";
import { createTopic } from "../support/create_topic.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** Milliseconds for a broker on a busy machine. */
const PATIENCE = 60_000;

const TOPIC = "Orders";

/** Sends in the name of an application whose messages say in their tags what becomes of them. */
class Application implements AsyncDisposable {
  /** Ids of the transactions that its database committed. */
  readonly committed: string[] = [];
  /** Ids of those that a broker checked back about. */
  readonly asked: string[] = [];
  readonly producer: TransactionProducer<LocalTransactionState>;

  private constructor(nameServers: string) {
    this.producer = new TransactionProducer({
      ...{ nameServers, producerGroup: "orders", topics: [TOPIC], routePollInterval: 500 },
      ...{ startTimeout: PATIENCE, sendTimeout: PATIENCE, logger: silentLogger },
      transactionListener: {
        executeLocalTransaction: (_message, state) => state,
        checkLocalTransaction: ({ tags }, { transactionId }) => {
          this.asked.push(transactionId);
          return tags === "commit" ? Commit : Rollback;
        },
      },
    });
  }

  static async start({ nameServers }: RocketMQCluster): Promise<Application> {
    const application = new Application(nameServers);
    await application.producer.start();
    return application;
  }

  /** Sends three commits and a rollback; half of them are left to check-backs. */
  async sendFour(brokerName: string): Promise<TransactionSendResult[]> {
    const results = [];
    for (const [i, tags] of ["commit", "commit", "commit", "rollback"].entries()) {
      const state = i % 2 === 0 ? Unknown : tags === "commit" ? Commit : Rollback;
      const queue = { brokerName, queueId: 0 }, message = { topic: TOPIC, body: `${i}`, tags };
      const sent = await this.producer.sendMessageInTransaction(message, state, { queue });
      if (tags === "commit") this.committed.push(sent.transactionId);
      results.push(sent);
    }
    return results;
  }

  /** Waits until a consumer sees all that was committed, and asserts that it sees nothing else. */
  async settled({ nameServers }: RocketMQCluster): Promise<void> {
    await using consumer = new TestClient(nameServers);
    let visible = new Set<string>();
    const isSettled = async () => {
      const messages = await consumer.visibleMessages(TOPIC).catch(() => []);
      visible = new Set(messages.map(({ messageId }) => messageId));
      return visible.size >= this.committed.length;
    };
    await eventually(isSettled, PATIENCE, 200);
    assertEquals(visible, new Set(this.committed));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.producer.shutdown();
  }
}

clusterTest(
  "TransactionProducer - a controller promotes the slave of a killed master: nothing is lost",
  { brokers: [{}, { slaveOf: "broker-a" }], controller: {} },
  async (cluster) => {
    await createTopic(TOPIC, cluster.brokers);
    await cluster.inSync("broker-a");
    const master = (await cluster.masterOf("broker-a"))!;
    const slave = cluster.brokers.find((it) => it !== master)!;
    await using application = await Application.start(cluster);
    await application.sendFour("broker-a");

    await master.kill();
    const killedAt = performance.now();
    const isPromoted = async () => await cluster.masterOf("broker-a") === slave;
    assert(await eventually(isPromoted, PATIENCE, 50));
    const [first] = await application.sendFour("broker-a");
    assertEquals(first!.messageQueue.brokerName, "broker-a");
    assertLess(performance.now() - killedAt, 20_000, "the new master was found late");

    await application.settled(cluster);
    assert(application.asked.length >= 3, "the new master checks back");
  },
);

clusterTest(
  "TransactionProducer - a slave acts for its killed master, and checks back about what that had",
  {
    brokers: [{}, {}, { slaveOf: "broker-a" }],
    nameServerConfig: { supportActingMaster: "true" },
    brokerConfig: { enableSlaveActingMaster: "true", enableRemoteEscape: "true" },
  },
  async (cluster) => {
    const [master, other, slave] = cluster.brokers as [BrokerProcess, BrokerProcess, BrokerProcess];
    await createTopic(TOPIC, [master, other]);
    await using application = await Application.start(cluster);
    const open = (await application.sendFour("broker-a"))
      .filter(({ localTransactionState }) => localTransactionState === Unknown);
    const ids = open.map((it) => it.transactionId);
    const isReplicated = async () => {
      const stored = await halfMessagesIn(slave.folder);
      return ids.every((id) => stored.includes(id));
    };
    assert(await eventually(isReplicated, PATIENCE, 200), "the slave lacks half messages");

    await master.kill();
    const isAsked = () => ids.every((id) => application.asked.includes(id));
    assert(await eventually(isAsked, PATIENCE, 100), "nobody checks back while the master is away");
    await application.sendFour("broker-b");
    await master.start();
    await application.settled(cluster);
  },
);
