import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  AccessDeniedError,
  BrokerResponseError,
  type CredentialsOptions,
  LocalTransactionState,
  RocketMQError,
  TransactionProducer,
  type TransactionProducerOptions,
  TransactionSendError,
} from "../../mod.ts";
import { runChaos } from "../chaos/chaos.ts";
import { expectationsOf } from "../chaos/judge.ts";
import { createReport, formatReport } from "../chaos/report.ts";
import { Testbed } from "../chaos/testbed.ts";
import { ADMIN, createUser, GUARDED } from "../support/access_control.ts";
import { RocketMQCluster } from "../support/cluster.ts";
import { createTopic } from "../support/create_topic.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest, launcherTest } from "../support/real_broker.ts";
import { testSecret } from "../support/secrets.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** Milliseconds for a check-back on a busy machine. */
const PATIENCE = 60_000;

const TRANSACTION = { "message.type": "TRANSACTION" };

/** A producer whose messages say in their tags what becomes of them. */
function newProducer(
  nameServers: string,
  topic: string,
  options: Partial<TransactionProducerOptions<LocalTransactionState>> = {},
): TransactionProducer<LocalTransactionState> {
  return new TransactionProducer({
    ...{ nameServers, producerGroup: `${topic}-group`, topics: [topic], startTimeout: PATIENCE },
    logger: silentLogger,
    transactionListener: {
      executeLocalTransaction: (_message, state) => state,
      checkLocalTransaction: ({ tags }) => tags === "commit" ? Commit : Rollback,
    },
    ...options,
  });
}

// The broker runs in the process of a proxy in local mode, which is the second one here.
const CLUSTER = { brokers: [{ localProxy: {} }] };

clusterTest("proxy - what it answers, serves and refuses, and what users are told", CLUSTER, async (
  cluster,
  test,
) => {
  const [broker] = cluster.brokers;
  const proxy = await cluster.addProxy();
  await createTopic("Orders", cluster.brokers, TRANSACTION);
  await createTopic("News", cluster.brokers, { "message.type": "NORMAL" });
  await createTopic("Reminders", cluster.brokers, { "message.type": "DELAY" });
  await using consumer = new TestClient(cluster.nameServers);
  await using producer = newProducer(proxy.address, "Orders");
  await producer.start();

  await test.step("a commit and a rollback are sent, not confirmed; check-backs carry them out", async () => {
    const bodies = new Map([["commit", Commit], ["rollback", Rollback]] as const);
    for (const [tags, state] of bodies) {
      const sent = await producer.sendMessageInTransaction(
        { topic: "Orders", body: tags, tags },
        state,
      );
      assertEquals([sent.localTransactionState, sent.endTransaction], [state, "sent"]);
    }
    const later = { topic: "Orders", body: "later", tags: "commit" };
    await producer.sendMessageInTransaction(later, Unknown);

    const visible = async () =>
      (await consumer.visibleMessages("Orders")).map(({ body }) => new TextDecoder().decode(body));
    assert(await eventually(async () => (await visible()).length >= 2, PATIENCE, 200));
    assertEquals((await visible()).sort(), ["commit", "later"]);
    const { confirmedVerdicts, sentVerdicts } = producer.stats();
    assertEquals(confirmedVerdicts, 0);
    assert(sentVerdicts >= 4);
  });

  await test.step("look-ups, inspect and resume end in an error that names the way round", async () => {
    const { transactionId, offsetMessageId, messageQueue } = await producer
      .sendMessageInTransaction({ topic: "Orders", body: "r", tags: "rollback" }, Rollback);
    const { brokerName } = messageQueue;
    const topic = { topic: "Orders" };
    const calls = [
      () => producer.inspect(transactionId, topic),
      () => producer.resume({ brokerName, givenUpMessageId: offsetMessageId }, topic),
      () => producer.queryMessages({ ...topic, uniqueKey: transactionId }),
      () => producer.viewMessage(offsetMessageId, topic),
    ];
    for (const call of calls) {
      const { message } = await assertRejects(call, BrokerResponseError);
      assertStringIncludes(message, `broker "${brokerName}" at ${proxy.address}`);
      assertStringIncludes(message, "a proxy does not serve this request: give the option");
    }
  });

  await test.step("a topic is not made, and the error says where to make it", async () => {
    const create = () => producer.createTopic({ topic: "New" });
    const { message } = await assertRejects(create, BrokerResponseError);
    assertStringIncludes(message, `${proxy.address} refused it`);
    assertStringIncludes(message, "behind a proxy make topics with an admin tool");
  });

  await test.step("a message of another type than its topic's is refused, and the error says so", async () => {
    const half = () => producer.sendMessageInTransaction({ topic: "News", body: "n" }, Commit);
    const refused = await assertRejects(half, TransactionSendError);
    assertEquals(refused.outcome, "failed");
    assertStringIncludes(
      refused.message,
      "it is for NORMAL: make a topic with message.type=TRANSACT",
    );
    const plain = () => producer.send({ topic: "Orders", body: "o" });
    const { message } = await assertRejects(plain, BrokerResponseError);
    assertStringIncludes(message, "it is for TRANSACTION: make a topic with message.type=NORMAL");
    const unknown = () => producer.send({ topic: "Nowhere", body: "o" });
    assertStringIncludes(
      (await assertRejects(unknown, BrokerResponseError)).message,
      "it knows no such topic: make a topic with message.type=NORMAL",
    );
    assertEquals((await producer.send({ topic: "News", body: "n" })).sendStatus, "SEND_OK");
  });

  await test.step("a delayed message is taken back, the next one comes", async () => {
    const topic = "Reminders";
    const { recallHandle = "", messageId } = await producer.send({
      topic,
      body: "a",
      delay: 4_000,
    });
    const last = await producer.send({ topic, body: "b", delay: 5_000 });
    assertEquals(await producer.recall({ topic, recallHandle }), messageId);
    const visible = async () => (await consumer.visibleMessages(topic)).map((it) => it.messageId);
    assert(await eventually(async () => (await visible()).length > 0, PATIENCE, 200));
    assertEquals(await visible(), [last.messageId]);
  });

  await test.step("one in local mode serves no sends, the broker in its process does", async () => {
    await using astray = newProducer(broker!.proxyAddress!, "Orders", { startTimeout: 5_000 });
    const { message } = await assertRejects(() => astray.start(), RocketMQError);
    assertStringIncludes(message, "proxy in local mode use the name servers of its broker");

    await using beside = newProducer(cluster.nameServers, "Orders");
    await beside.start();
    const { endTransaction, transactionId } = await beside.sendMessageInTransaction(
      { topic: "Orders", body: "o", tags: "commit" },
      Commit,
    );
    assertEquals(endTransaction, "confirmed");
    const visible = await consumer.visibleMessages("Orders");
    assert(visible.some((it) => it.messageId === transactionId));
  });
});

launcherTest(
  "proxy - 200 transactions of all kinds behind two proxies, one of which is restarted: none lost",
  async () => {
    await using testbed = await Testbed.start({ kind: "proxy", proxies: 2, brokers: 1 });
    const options = {
      ...{ seed: 3, messages: 200, rate: 20, brokers: 1, members: 2, faults: { proxy: 1 } },
      ...{ cluster: "proxy", mode: "confirm", interval: 3_000, opBatch: 200 } as const,
    };
    const evidence = await runChaos(testbed, options);
    const report = createReport(evidence, expectationsOf(options));
    assertEquals(report.violations, [], formatReport(report));
    assertEquals([report.visible, report.notSent], [report.expected, 0]);
  },
);

launcherTest("proxy - behind one that asks who sends a request, as its brokers do", async () => {
  await using cluster = await RocketMQCluster.start({ brokerConfig: GUARDED });
  const [broker] = cluster.brokers;
  const provider = "org.apache.rocketmq.proxy.auth.Proxy";
  const proxy = await cluster.addProxy({
    ...GUARDED,
    enableAclRpcHookForClusterMode: "true",
    innerClientAuthenticationCredentials: JSON.stringify(ADMIN),
    authenticationMetadataProvider: `${provider}AuthenticationMetadataProvider`,
    authorizationMetadataProvider: `${provider}AuthorizationMetadataProvider`,
  });
  const sender: CredentialsOptions = { accessKey: "sender", secretKey: testSecret("of-sender") };
  const guest: CredentialsOptions = { accessKey: "guest", secretKey: testSecret("of-guest") };
  await createUser([broker!.address], sender, { "Topic:Orders": ["Pub"] });
  await createUser([broker!.address], guest);
  await using admin = new TestClient(cluster.nameServers, undefined, ADMIN);
  await createTopic("Orders", cluster.brokers, TRANSACTION, admin);

  await using producer = newProducer(proxy.address, "Orders", { credentials: sender });
  await producer.start();
  for (const tags of ["commit", "rollback"] as const) {
    const state = tags === "commit" ? Commit : Rollback;
    await producer.sendMessageInTransaction({ topic: "Orders", body: tags, tags }, state);
  }
  const visible = async () => (await admin.visibleMessages("Orders")).map(({ tags }) => tags);
  assert(await eventually(async () => (await visible()).length > 0, PATIENCE, 200));
  assertEquals(await visible(), ["commit"]);

  await using stranger = newProducer(proxy.address, "Orders", { credentials: guest });
  const denied = await assertRejects(() => stranger.start(), Error);
  assertInstanceOf(denied, AccessDeniedError, denied.message);
  const { missingPermission } = denied;
  assertEquals(missingPermission?.resource, "Orders");
});
