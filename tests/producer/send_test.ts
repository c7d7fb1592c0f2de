import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  BrokerResponseError,
  ConnectionError,
  ProtocolError,
  RocketMQError,
  TopicRouteNotFoundError,
} from "../../src/errors.ts";
import { RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message } from "./support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2;

Deno.test("Producer - messages go round the queues of all brokers", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  cluster.nameServer.route(
    TOPIC,
    cluster.brokers.map(({ name, address }) => ({
      name,
      address,
      queues: 2,
    })),
  );
  const producer = cluster.producer();
  await producer.start();
  const seen = [];
  for (let i = 0; i < 8; i++) seen.push((await producer.send(message())).messageQueue);

  const names = seen.map(({ brokerName, queueId }) => `${brokerName}/${queueId}`);
  const round = ["broker-1/0", "broker-1/1", "broker-2/0", "broker-2/1"];
  assertEquals(names, [...round, ...round]);
});

Deno.test("Producer - broker A is silent, broker B gets the message within the budget", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [a, b] = cluster.brokers;
  a!.on(SEND, silence);
  const producer = cluster.producer();
  await producer.start();
  const result = watch(producer.send(message(), { timeout: 3_000 }));
  await cluster.clock.advance(1_000);

  assertEquals(result.state, "resolved");
  assertEquals(result.value!.messageQueue.brokerName, "broker-2");
  const [first] = a!.requests(SEND);
  assertEquals(b!.messages[0]!.transactionId, result.value!.messageId);
  assertStringIncludes(first!.extFields.i!, result.value!.messageId, "one id for all tries");
});

Deno.test("Producer - broker A is gone, broker B gets the message at once", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [a] = cluster.brokers;
  const producer = cluster.producer();
  await producer.start();
  cluster.network.fail(a!.address);
  a!.on(SEND, (_command, from) => from.reset());
  const { messageQueue } = await producer.send(message());

  assertEquals(messageQueue.brokerName, "broker-2");
});

const RETRIED = [1, 2, 14, 16, 17, 204, 205, 215, 1500];

for (const code of RETRIED) {
  Deno.test(`Producer - a refusal with code ${code} is tried on another broker`, async () => {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    const [a, b] = cluster.brokers;
    a!.on(SEND, () => ({ code, remark: "not now" }));
    const producer = cluster.producer();
    await producer.start();
    const result = await producer.send(message());

    assertEquals(result.messageQueue.brokerName, "broker-2");
    assertEquals([a!.requests(SEND).length, b!.requests(SEND).length], [1, 1]);
  });
}

for (const code of [13, 29, 9999]) {
  Deno.test(`Producer - a refusal with code ${code} is final`, async () => {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    for (const broker of cluster.brokers) {
      broker.on(SEND, () => ({ code, remark: "bad\u001b[31m\r\nmessage" }));
    }
    const producer = cluster.producer();
    await producer.start();
    const error = await assertRejects(() => producer.send(message()), BrokerResponseError);

    assertEquals([error.responseCode, error.topic, error.address], [
      code,
      TOPIC,
      "10.0.1.1:10911",
    ]);
    assertStringIncludes(error.message, "bad\\u001b[31m\\u000d\\nmessage");
    assertEquals(cluster.brokers.flatMap((broker) => broker.requests(SEND)).length, 1);
  });
}

Deno.test("Producer - a refusal that goes on and on ends after the retries", async () => {
  for (const retries of [0, 1, 2, 5]) {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    for (const broker of cluster.brokers) broker.on(SEND, () => ({ code: 2 }));
    const producer = cluster.producer({ retries });
    await producer.start();
    const send = watch(producer.send(message(), { timeout: 30_000 }));
    await cluster.clock.advance(30_000);

    assertEquals((send.error as BrokerResponseError).responseCode, ResponseCode.SYSTEM_BUSY);
    const tries = cluster.brokers.flatMap((broker) => broker.requests(SEND)).length;
    assertEquals(tries, 1 + retries);
  }
});

/** Answers to a send that make no sense. */
const NONSENSE: Record<string, Record<string, string | undefined>> = {
  "no queue offset": { queueOffset: undefined },
  "a queue offset of letters": { queueOffset: "NaN" },
  "a negative queue offset": { queueOffset: "-1" },
  "no id": { msgId: undefined },
  "an id that is too short": { msgId: "0A000009" },
  "an id that is no hex": { msgId: "Z".repeat(32) },
  "no queue": { queueId: undefined },
};

for (const [title, wrong] of Object.entries(NONSENSE)) {
  Deno.test(`Producer - an answer with ${title} is an error and not tried again`, async () => {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    for (const broker of cluster.brokers) {
      broker.on(SEND, (command, from) => broker.store(command, from, wrong));
    }
    const producer = cluster.producer();
    await producer.start();
    const error = await assertRejects(() => producer.send(message()), ProtocolError);

    assertEquals([error.code, error.address], ["PROTOCOL", "10.0.1.1:10911"]);
    assertEquals(cluster.brokers.flatMap(({ messages }) => messages).length, 1);
  });
}

Deno.test("Producer - a send ends at its deadline, which all tries share", async () => {
  await using cluster = new ScriptedCluster({ brokers: 3 });
  for (const broker of cluster.brokers) broker.on(SEND, silence);
  const producer = cluster.producer();
  await producer.start();
  const send = watch(producer.send(message(), { timeout: 900 }));
  await cluster.clock.advance(899);
  assertEquals(send.state, "pending");
  await cluster.clock.advance(1);

  assertEquals((send.error as RocketMQError).code, "TIMEOUT");
  assertEquals(cluster.brokers.map((broker) => broker.requests(SEND).length), [1, 1, 1]);
});

Deno.test("Producer - the signal ends a send wherever it is", async () => {
  await using cluster = new ScriptedCluster();
  cluster.broker.on(SEND, silence);
  const producer = cluster.producer();
  await producer.start();
  const before = await assertRejects(
    () => producer.send(message(), { signal: AbortSignal.abort() }),
    ConnectionError,
  );
  assertEquals([before.code, before.written], ["ABORTED", false]);
  const controller = new AbortController();
  const send = watch(producer.send(message(), { signal: controller.signal }));
  await settle();
  controller.abort();
  await settle();

  const { code, written } = send.error as ConnectionError;
  assertEquals([code, written], ["ABORTED", true]);
  assertEquals(cluster.broker.requests(SEND).length, 1, "no retry after an abort");
});

Deno.test("Producer - the signal ends a send that waits for a route", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer({ topics: [] });
  await producer.start();
  cluster.nameServer.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, silence);
  const controller = new AbortController();
  const send = watch(producer.send(message(), { signal: controller.signal }));
  await settle();
  controller.abort();
  await settle();

  assertEquals((send.error as RocketMQError).code, "ABORTED");
});

Deno.test("Producer - before start and after the end nothing is sent", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  const send = () => producer.send(message());
  await assertRejects(send, RocketMQError, "not started, await start() first");
  await producer.start();
  await assertRejects(() => producer.start(), RocketMQError, "running already");
  await send();
  await producer.shutdown();
  await assertRejects(send, RocketMQError, "it is closed");
  await assertRejects(() => producer.start(), RocketMQError, "closed already");

  await producer.closed;
  assertEquals(cluster.broker.messages.length, 1);
  assertEquals(cluster.network.openConnections, 0);
});

Deno.test("Producer - a topic that nobody can write to is refused with the remedy", async () => {
  await using cluster = new ScriptedCluster();
  cluster.nameServer.route("ReadOnly", [{ ...cluster.broker, perm: 4 }]);
  cluster.nameServer.route("Empty", [{ ...cluster.broker, queues: 0 }]);
  cluster.nameServer.route("Slaves", [{ name: "broker-1" }]);
  const producer = cluster.producer();
  await producer.start();
  for (const [topic, part] of [["ReadOnly", "perm 6"], ["Empty", "queue"], ["Slaves", "master"]]) {
    const error = await assertRejects(
      () => producer.send(message({ topic })),
      TopicRouteNotFoundError,
    );
    assertEquals([error.code, error.topic], ["NO_ROUTE", topic]);
    assertStringIncludes(error.message, part!);
  }
});

Deno.test("Producer - a topic that was not named is found at the first send", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [a, b] = cluster.brokers;
  cluster.route(TOPIC, [a!]);
  cluster.route("Other", [b!]);
  const producer = cluster.producer();
  await producer.start();
  assertEquals(b!.connections, []);
  await producer.send(message({ topic: "Other" }));

  assertEquals(b!.messages.length, 1);
  assertEquals(b!.heartbeats().length, 1);
});

Deno.test("Producer - queues of a broker without a master are passed over, without spinning", async () => {
  await using cluster = new ScriptedCluster();
  const ghost = { name: "ghost" };
  cluster.nameServer.route(TOPIC, [cluster.broker, ghost], "ghost:4;broker-1:4");
  const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
  const result = await producer.sendMessageInTransaction(message());
  assertEquals(result.messageQueue.brokerName, "broker-1");

  cluster.nameServer.route("Ghostly", [ghost], "ghost:4");
  let turns = 0;
  const failure = watch(
    producer.sendMessageInTransaction(message({ topic: "Ghostly" }), undefined, { timeout: 1_000 }),
  );
  for (; turns < 25 && failure.state === "pending"; turns++) await cluster.clock.advance(50);
  assertEquals(failure.state, "rejected");
  assertStringIncludes(String(failure.error), "ghost");
  assert(turns > 10, "its deadline was used");
});
