import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import { ConnectionError, Producer, type ProducerOptions, type SendOptions } from "../../mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import type { BrokerProcess, RocketMQCluster } from "../support/cluster.ts";
import { createTopic } from "../support/create_topic.ts";
import { delay } from "../support/delay.ts";
import { interceptingDialer } from "../support/intercepting_dialer.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const TOPIC = "SlowBroker";

/** For sends that have to succeed, also on a busy machine. */
const PATIENTLY = { timeout: 60_000 };

clusterTest("Producer - one of two masters freezes", { brokers: 2 }, async (cluster, test) => {
  const [a, b] = cluster.brokers as [BrokerProcess, BrokerProcess];
  await createTopic(TOPIC, cluster.brokers);
  const onA = { brokerName: a.name, queueId: 0 };

  await test.step("a try of it ends after sendTimeoutPerTry, and the other master gets the message", async () => {
    const triedAt: number[] = [];
    const dialer = interceptingDialer({
      onRequest(command) {
        const isSend = command.code === RequestCode.SEND_MESSAGE_V2;
        if (isSend && command.extFields.n === a.name) triedAt.push(performance.now());
        return command;
      },
    });
    await using producer = await startProducer(cluster, { sendTimeoutPerTry: 1_000, dialer });
    a.suspend();
    for (let i = 0; i < 4; i++) {
      const { messageQueue } = await producer.send({ topic: TOPIC, body: "per try" }, PATIENTLY);
      assertEquals(messageQueue.brokerName, b.name);
    }
    triedAt.length = 0;
    const error = await assertRejects(
      () => producer.send({ topic: TOPIC, body: "chosen" }, { queue: onA, timeout: 4_000 }),
      ConnectionError,
    );
    // A try that times out has the connection probed, and replaced when that is not answered either.
    assert(["TIMEOUT", "CONNECTION_LOST", "CONNECT_FAILED"].includes(error.code), error.message);
    assert(error.written, error.message);
    const [first, second, third] = triedAt;
    assertEquals(triedAt.length, 3);
    for (const pause of [second! - first!, third! - second!]) assertGreaterOrEqual(pause, 500);
    a.resume();
  });

  await test.step("with latencyFaultTolerance it is passed over until the detector sees it", async () => {
    await using producer = await startProducer(cluster, {
      sendTimeoutPerTry: 2_000,
      latencyFaultTolerance: {
        latencyMax: [5_000],
        notAvailableDuration: [1_000],
        detectInterval: 500,
      },
    });
    const send = async (body: string) =>
      (await producer.send({ topic: TOPIC, body }, PATIENTLY)).messageQueue.brokerName;
    a.suspend();
    for (let i = 0; i < 20; i++) assertEquals(await send("frozen"), b.name);
    await delay(2_000);
    for (let i = 0; i < 20; i++) assertEquals(await send("frozen"), b.name);
    a.resume();
    assert(await eventually(async () => await send("resumed") === a.name, 20_000, 100));

    const frozen = (await bodiesOn(cluster, a)).filter((body) => body === "frozen");
    assertLessOrEqual(frozen.length, 2, "of 40 messages that were not meant for it");
  });

  await test.step("sends beyond maxSendsInFlight wait, and can be cancelled at every stage", async () => {
    await using producer = await startProducer(cluster, { maxSendsInFlight: 4 });
    await producer.send({ topic: TOPIC, body: "before" }, { queue: onA, ...PATIENTLY });
    a.suspend();
    const controller = new AbortController();
    const options: SendOptions = { queue: onA, signal: controller.signal, ...PATIENTLY };
    const sends = Array.from(
      { length: 10 },
      () => producer.send({ topic: TOPIC, body: "cancelled" }, options),
    );
    const ends = Promise.allSettled(sends);
    await delay(200);
    controller.abort();
    const errors = (await ends).map((end) => (end as PromiseRejectedResult).reason);
    for (const error of errors) assertEquals(error.code, "ABORTED");
    assertEquals(errors.map(({ written }) => written), [
      ...Array(4).fill(true),
      ...Array(6).fill(false),
    ]);
    a.resume();

    await Promise.all(Array.from(
      { length: 200 },
      () => producer.send({ topic: TOPIC, body: "many" }, PATIENTLY),
    ));
    const bodies = [...await bodiesOn(cluster, a), ...await bodiesOn(cluster, b)];
    assertEquals(bodies.filter((body) => body === "many").length, 200);
    const cancelled = bodies.filter((body) => body === "cancelled").length;
    assertLessOrEqual(cancelled, 4, "what says that it was not written was not stored");
  });

  await test.step("when it is gone for good, its messages go to the other one", async () => {
    await using producer = await startProducer(cluster, {});
    await a.kill();
    for (let i = 0; i < 10; i++) {
      const { messageQueue } = await producer.send({ topic: TOPIC, body: "gone" }, PATIENTLY);
      assertEquals(messageQueue.brokerName, b.name);
    }
  });
});

async function startProducer(
  cluster: RocketMQCluster,
  options: Partial<ProducerOptions>,
): Promise<Producer> {
  const producer = new Producer({
    nameServers: cluster.nameServers,
    producerGroup: "slow_broker",
    topics: [TOPIC],
    logger: silentLogger,
    startTimeout: 60_000,
    ...options,
  });
  await producer.start();
  return producer;
}

/** The bodies of the messages that a broker has. */
async function bodiesOn(cluster: RocketMQCluster, broker: BrokerProcess): Promise<string[]> {
  await using client = new TestClient(cluster.nameServers);
  const messages = await client.visibleMessages(TOPIC);
  const { address } = broker;
  return messages.filter(({ storeHost }) => storeHost === address)
    .map(({ body }) => new TextDecoder().decode(body));
}
