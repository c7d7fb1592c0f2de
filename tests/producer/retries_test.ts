import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Producer, type ProducerOptions, type SendStatus } from "../../mod.ts";
import {
  BrokerResponseError,
  type ConnectionError,
  InvalidArgumentError,
} from "../../src/errors.ts";
import { RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import type { ScriptedBroker } from "../support/scripted_broker.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message } from "./support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2;

/** A cluster whose sends are dated, and a producer of it. */
async function start(
  stack: AsyncDisposableStack,
  brokers: number,
  options: Partial<ProducerOptions> = {},
) {
  const cluster = stack.use(new ScriptedCluster({ brokers }));
  const producer = cluster.producer(options);
  await producer.start();
  const tries: string[] = [];
  const began = cluster.clock.monotonic();
  for (const broker of cluster.brokers) {
    const { onRequest } = broker;
    broker.onRequest = (command, connection) => {
      onRequest.call(broker, command, connection);
      if (command.code !== SEND) return;
      tries.push(`${broker.name} after ${Math.round(cluster.clock.monotonic() - began)}`);
    };
  }
  return { cluster, producer, tries };
}

for (const code of [2, 14]) {
  Deno.test(`retries - the only broker is busy (${code}): it is tried again after pauses that grow`, async () => {
    await using stack = new AsyncDisposableStack();
    const { cluster, producer, tries } = await start(stack, 1, { retries: 3 });
    const { broker, clock } = cluster;
    clock.chance = () => 0.5;
    const busy = () => ({ code, remark: "[PCBUSY_CLEAN_QUEUE]broker busy" });
    broker.once(SEND, busy, busy, busy);
    const send = watch(producer.send(message()));
    await clock.advance(600);

    assertEquals(send.state, "resolved");
    assertEquals(tries, [0, 75, 225, 525].map((at) => `broker-1 after ${at}`));
    assertEquals(broker.messages.length, 1);
  });
}

Deno.test("retries - another broker than the busy one is tried at once, the busy ones after a pause", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, tries } = await start(stack, 2, { retries: 3 });
  for (const broker of cluster.brokers) broker.on(SEND, () => ({ code: 2 }));
  const send = watch(producer.send(message()));
  await cluster.clock.advance(1_000);

  assertEquals((send.error as BrokerResponseError).responseCode, 2);
  assertEquals(tries, [
    "broker-1 after 0",
    "broker-2 after 0",
    "broker-1 after 50",
    "broker-2 after 150",
  ]);
});

Deno.test("retries - a busy broker is tried again rather than one that is known to be down", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, tries } = await start(stack, 2);
  const [a, b] = cluster.brokers;
  cluster.network.fail(a!.address);
  a!.cut();
  await cluster.clock.advance(300);
  b!.once(SEND, () => ({ code: 2 }));
  const send = watch(producer.send(message()));
  await cluster.clock.advance(50);

  assertEquals(send.value?.messageQueue.brokerName, "broker-2");
  assertEquals(tries, ["broker-2 after 300", "broker-2 after 350"]);
});

Deno.test("retries - codes that are named are the only ones, and a transient one has its pause", async () => {
  await using stack = new AsyncDisposableStack();
  const retryCodes = [ResponseCode.FLOW_CONTROL];
  const { cluster, producer, tries } = await start(stack, 1, { retryCodes });
  cluster.broker.once(SEND, () => ({ code: ResponseCode.FLOW_CONTROL }));
  const send = watch(producer.send(message()));
  await cluster.clock.advance(100);

  assertEquals(send.state, "resolved");
  assertEquals(tries, ["broker-1 after 0", "broker-1 after 50"]);
  cluster.broker.once(SEND, () => ({ code: ResponseCode.SYSTEM_BUSY }));
  await assertRejects(() => producer.send(message()), BrokerResponseError);
});

Deno.test("retries - what does not say busy is tried again without a pause", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, tries } = await start(stack, 1);
  cluster.broker.on(SEND, () => ({ code: ResponseCode.SYSTEM_ERROR }));
  await assertRejects(() => producer.send(message()), BrokerResponseError);

  assertEquals(tries, Array(3).fill("broker-1 after 0"));
});

Deno.test("retries - the last pause is as long as the time allows, and then what the broker said is the answer", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, tries } = await start(stack, 1, { retries: 16 });
  cluster.broker.on(SEND, () => ({ code: 2, remark: "too many" }));
  const send = watch(producer.send(message(), { timeout: 300 }));
  await cluster.clock.advance(240);

  assertEquals((send.error as BrokerResponseError).remark, "too many");
  assertEquals(tries, [0, 50, 150, 240].map((at) => `broker-1 after ${at}`));
});

Deno.test("retries - a broker that is busy for a moment gets the message in the end", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false, topics: [TOPIC] });
  await using producer = new Producer({
    nameServers: broker.nameServer,
    dialer: broker.dialer,
    producerGroup: "patient",
    topics: [TOPIC],
  });
  await producer.start();
  using busy = broker.faults.add({ on: "SEND_MESSAGE", times: 2, action: "answer", code: 2 });
  const { messageId } = await producer.send(message(), { timeout: 30_000 });

  const stored = await broker.messages(TOPIC);
  assertEquals([busy.hits, stored.map((it) => it.messageId)], [2, [messageId]]);
});

Deno.test("sendTimeoutPerTry - each try but the last one has so long, also with more brokers than tries", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, tries } = await start(stack, 4, { sendTimeoutPerTry: 500 });
  for (const broker of cluster.brokers) broker.on(SEND, silence);
  const send = watch(producer.send(message(), { timeout: 3_000 }));
  await cluster.clock.advance(2_999);
  assertEquals(send.state, "pending", "the last try has all that is left");
  await cluster.clock.advance(1);

  assertEquals((send.error as ConnectionError).code, "TIMEOUT");
  assertEquals(tries, ["broker-1 after 0", "broker-2 after 500", "broker-3 after 1000"]);
});

Deno.test("sendTimeoutPerTry - a chosen queue is tried again after it, where it had the whole time without", async () => {
  for (const sendTimeoutPerTry of [undefined, 400]) {
    await using stack = new AsyncDisposableStack();
    const options = sendTimeoutPerTry === undefined ? {} : { sendTimeoutPerTry };
    const { cluster, producer, tries } = await start(stack, 2, options);
    const [, b] = cluster.brokers;
    b!.once(SEND, silence);
    const queue = { brokerName: "broker-2", queueId: 0 };
    const send = watch(producer.send(message(), { queue, timeout: 3_000 }));
    await cluster.clock.advance(3_000);

    const again = sendTimeoutPerTry !== undefined;
    assertEquals(send.state, again ? "resolved" : "rejected");
    assertEquals(tries, ["broker-2 after 0", ...again ? ["broker-2 after 400"] : []]);
  }
});

Deno.test("sendTimeoutPerTry - one longer than the time that is left changes nothing", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, tries } = await start(stack, 1, { sendTimeoutPerTry: 10_000 });
  cluster.broker.on(SEND, silence);
  const send = watch(producer.send(message(), { timeout: 700 }));
  await cluster.clock.advance(700);

  assertEquals([send.state, tries], ["rejected", ["broker-1 after 0"]]);
});

/** Makes a broker store messages, but less safely than asked. */
function storeWeakly(broker: ScriptedBroker, code: number): void {
  broker.on(SEND, (command, from) => ({ ...broker.store(command, from), code }));
}

const WEAK: [number, SendStatus][] = [
  [10, "FLUSH_DISK_TIMEOUT"],
  [11, "SLAVE_NOT_AVAILABLE"],
  [12, "FLUSH_SLAVE_TIMEOUT"],
];

for (const [code, status] of WEAK) {
  Deno.test(`retryOnStoreNotOk - after ${status} another broker gets the message, if that is wanted`, async () => {
    for (const retryOnStoreNotOk of [undefined, false, true]) {
      await using stack = new AsyncDisposableStack();
      const options = retryOnStoreNotOk === undefined ? {} : { retryOnStoreNotOk };
      const { cluster, producer } = await start(stack, 2, options);
      storeWeakly(cluster.broker, code);
      const result = await producer.send(message());

      assertEquals(
        [result.sendStatus, result.messageQueue.brokerName],
        retryOnStoreNotOk ? ["SEND_OK", "broker-2"] : [status, "broker-1"],
      );
      assertEquals(cluster.brokers[1]!.messages.length, retryOnStoreNotOk ? 1 : 0);
    }
  });
}

Deno.test("retryOnStoreNotOk - what was stored weakly is stored: no failure after it counts", async () => {
  const others: Record<string, (broker: ScriptedBroker) => void> = {
    "stores weakly, too": (broker) => storeWeakly(broker, 12),
    "refuses": (broker) => broker.on(SEND, () => ({ code: 13 })),
    "is silent": (broker) => broker.on(SEND, silence),
  };
  for (const [title, misbehave] of Object.entries(others)) {
    await using stack = new AsyncDisposableStack();
    const { cluster, producer } = await start(stack, 2, { retryOnStoreNotOk: true });
    storeWeakly(cluster.broker, 10);
    misbehave(cluster.brokers[1]!);
    const send = watch(producer.send(message()));
    await cluster.clock.advance(3_000);

    assert(send.value?.sendStatus.startsWith("FLUSH_"), `the other broker ${title}`);
    assertEquals(cluster.broker.messages.length, 1);
  }
});

Deno.test("retryOnStoreNotOk - without another broker, or with a chosen queue, it is stored once", async () => {
  for (const brokers of [1, 2]) {
    await using stack = new AsyncDisposableStack();
    const { cluster, producer } = await start(stack, brokers, { retryOnStoreNotOk: true });
    storeWeakly(cluster.broker, 11);
    const queue = { brokerName: "broker-1", queueId: 0 };
    const result = await producer.send(message(), brokers === 1 ? {} : { queue });

    assertEquals(result.sendStatus, "SLAVE_NOT_AVAILABLE");
    assertEquals(cluster.brokers.flatMap(({ messages }) => messages).length, 1);
  }
});

Deno.test("retries - options that can't be meant are refused", () => {
  const options = { nameServers: "127.0.0.1:9876", producerGroup: "g" };
  for (const [name, value] of [["sendTimeoutPerTry", 0], ["sendTimeoutPerTry", -1]] as const) {
    assertThrows(() => new Producer({ ...options, [name]: value }), InvalidArgumentError, name);
  }
  assertThrows(
    () => new Producer({ ...options, retryOnStoreNotOk: "yes" as never }),
    InvalidArgumentError,
    "retryOnStoreNotOk",
  );
});
