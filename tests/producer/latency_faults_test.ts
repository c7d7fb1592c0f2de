import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { Producer, type ProducerOptions } from "../../mod.ts";
import { type ConnectionError, InvalidArgumentError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import type { ScriptedBroker } from "../support/scripted_broker.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message } from "./support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2, PROBE = RequestCode.GET_MAX_OFFSET;

/** A cluster of two brokers with one queue each, and a producer that is wary of slow ones. */
async function start(stack: AsyncDisposableStack, options: Partial<ProducerOptions> = {}) {
  const cluster = stack.use(new ScriptedCluster({ brokers: 2 }));
  const brokers = cluster.brokers.map(({ name, address }) => ({ name, address, queues: 1 }));
  cluster.nameServer.route(TOPIC, brokers);
  const producer = cluster.producer({ latencyFaultTolerance: true, ...options });
  await producer.start();
  const [a, b] = cluster.brokers;
  for (const broker of cluster.brokers) broker.on(PROBE, () => ({ extFields: { offset: "0" } }));
  return { cluster, producer, a: a!, b: b!, clock: cluster.clock };
}

/** Where the next messages go. */
async function placesOf(producer: Producer, count = 4): Promise<string[]> {
  const places = [];
  for (let i = 0; i < count; i++) {
    places.push((await producer.send(message())).messageQueue.brokerName.slice(-1));
  }
  return places;
}

/** Makes the next send to a broker take so many milliseconds. */
function delayNext(cluster: ScriptedCluster, broker: ScriptedBroker, delay: number): void {
  broker.once(SEND, async (command, from) => {
    const reply = broker.store(command, from);
    await new Promise<void>((resolve) => cluster.clock.setTimer(resolve, delay));
    return reply;
  });
}

/** The table of the Java client. */
const TABLE = [
  [99, 0],
  [549, 0],
  [550, 2_000],
  [1_799, 2_000],
  [1_800, 5_000],
  [3_000, 6_000],
  [5_000, 10_000],
  [15_000, 30_000],
] as const;

for (const [latency, duration] of TABLE) {
  Deno.test(`latencyFaultTolerance - a send of ${latency} ms keeps the others away for ${duration} ms`, async () => {
    await using stack = new AsyncDisposableStack();
    const { cluster, producer, a, clock } = await start(stack, { sendTimeout: 60_000 });
    delayNext(cluster, a, latency);
    const slow = watch(producer.send(message()));
    await clock.advance(latency);
    assertEquals(slow.value?.messageQueue.brokerName, "broker-1");

    if (duration > 0) {
      assertEquals(await placesOf(producer), ["2", "2", "2", "2"]);
      await clock.advance(duration - 1);
      assertEquals(await placesOf(producer), ["2", "2", "2", "2"]);
      await clock.advance(1);
    }
    assertEquals((await placesOf(producer)).sort(), ["1", "1", "2", "2"]);
    assertEquals(a.requests(PROBE), [], "slow is not unreachable");
  });
}

Deno.test("latencyFaultTolerance - off by default: a slow broker gets its share", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, a, clock } = await start(stack, { latencyFaultTolerance: false });
  delayNext(cluster, a, 2_000);
  const slow = watch(producer.send(message()));
  await clock.advance(2_000);
  assertEquals(slow.state, "resolved");

  assertEquals((await placesOf(producer)).sort(), ["1", "1", "2", "2"]);
});

Deno.test("latencyFaultTolerance - a frozen broker is passed over until the detector sees it, and its time is over", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, a, clock } = await start(stack);
  a.on(SEND, silence).on(PROBE, silence);
  const send = watch(producer.send(message()));
  await clock.advance(1_000);
  assertEquals(send.value?.messageQueue.brokerName, "broker-2");

  await clock.advance(2_999);
  assertEquals(a.requests(PROBE).length, 0);
  await clock.advance(1);
  assertEquals(a.requests(PROBE).map(({ extFields }) => extFields.topic), [TOPIC]);
  await clock.advance(20_000);
  assertEquals(a.requests(PROBE).length, 7, "every 3 s, each with 200 ms for the answer");
  assertEquals(await placesOf(producer), ["2", "2", "2", "2"]);

  a.on(SEND, (command, from) => a.store(command, from))
    .on(PROBE, () => ({ code: 16, remark: "no right to ask" }));
  await clock.advance(3_200);
  assertEquals((await placesOf(producer)).sort(), ["1", "1", "2", "2"]);
  const probes = a.requests(PROBE).length;
  await clock.advance(20_000);
  assertEquals(a.requests(PROBE).length, probes, "nobody is asked without need");
  const logged = cluster.logger.lines.map((line) => line.message);
  assertStringIncludes(logged.join("\n"), 'Broker "broker-1" can be reached again');
});

Deno.test("latencyFaultTolerance - without a detector a frozen broker is tried again when its time is over", async () => {
  await using stack = new AsyncDisposableStack();
  const latencyFaultTolerance = { detector: false };
  const { producer, a, clock } = await start(stack, { latencyFaultTolerance });
  a.once(SEND, silence);
  const send = watch(producer.send(message()));
  await clock.advance(1_000);
  assertEquals(send.state, "resolved");

  await clock.advance(9_999);
  assertEquals(await placesOf(producer), ["2", "2", "2", "2"]);
  await clock.advance(1);
  assertEquals((await placesOf(producer)).sort(), ["1", "1", "2", "2"]);
  assertEquals(a.requests(PROBE), []);
});

Deno.test("latencyFaultTolerance - a broker in trouble is passed over, one that refuses a bad message is not", async () => {
  for (const [code, places] of [[2, "22"], [13, "12"]] as const) {
    await using stack = new AsyncDisposableStack();
    const { producer, a } = await start(stack, { retries: 0 });
    a.once(SEND, () => ({ code }));
    await assertRejects(() => producer.send(message()));

    assertEquals((await placesOf(producer, 2)).sort().join(""), places);
  }
});

Deno.test("latencyFaultTolerance - that a send had its turn in the last moment is no fault of a broker", async () => {
  await using stack = new AsyncDisposableStack();
  const table = { latencyMax: [5_000], notAvailableDuration: [30_000] };
  const options = { maxSendsInFlight: 1, latencyFaultTolerance: table };
  const { cluster, producer, a, clock } = await start(stack, options);
  delayNext(cluster, a, 2_950);
  const first = watch(producer.send(message(), { timeout: 10_000 }));
  const late = watch(producer.send(message()));
  await clock.advance(2_950);
  assertEquals([first.state, late.state], ["resolved", "rejected"]);
  const { code, written, message: text } = late.error as ConnectionError;
  assertEquals([code, written], ["TIMEOUT", false]);
  assertStringIncludes(text, "too few for an answer");

  assertEquals((await placesOf(producer)).sort(), ["1", "1", "2", "2"]);
});

Deno.test("latencyFaultTolerance - when all brokers are slow or gone they are used all the same", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, a, b, clock } = await start(stack);
  delayNext(cluster, a, 600);
  delayNext(cluster, b, 600);
  const slow = [watch(producer.send(message())), watch(producer.send(message()))];
  await clock.advance(600);
  assertEquals(slow.map(({ state }) => state), ["resolved", "resolved"]);
  assertEquals((await placesOf(producer)).sort(), ["1", "1", "2", "2"]);

  for (const broker of [a, b]) broker.on(SEND, silence);
  const failed = watch(producer.send(message(), { timeout: 200 }));
  await clock.advance(200);
  assertEquals(failed.state, "rejected");
  for (const broker of [a, b]) broker.on(SEND, (command, from) => broker.store(command, from));
  assertEquals((await placesOf(producer)).length, 4);
});

Deno.test("latencyFaultTolerance - of two slow brokers the one that can be reached is taken", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, a, b, clock } = await start(stack);
  a.on(SEND, silence).on(PROBE, silence);
  delayNext(cluster, b, 600);
  const send = watch(producer.send(message()));
  await clock.advance(1_600);
  assertEquals(send.value?.messageQueue.brokerName, "broker-2");

  assertEquals(await placesOf(producer), ["2", "2", "2", "2"]);
});

Deno.test("latencyFaultTolerance - half messages go past slow brokers, too, and slow them", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const { clock } = cluster;
  const brokers = cluster.brokers.map(({ name, address }) => ({ name, address, queues: 1 }));
  cluster.nameServer.route(TOPIC, brokers);
  const listener = { executeLocalTransaction: () => "COMMIT" as const };
  const producer = await cluster.started(listener, { latencyFaultTolerance: true });
  delayNext(cluster, cluster.broker, 600);
  const send = () => producer.sendMessageInTransaction(message());
  const slow = watch(send());
  await clock.advance(600);
  assertEquals(slow.value?.messageQueue.brokerName, "broker-1");

  for (let i = 0; i < 4; i++) assertEquals((await send()).messageQueue.brokerName, "broker-2");
  await clock.advance(2_000);
  const places = [await send(), await send()].map(({ messageQueue }) => messageQueue.brokerName);
  assertEquals(places.sort(), ["broker-1", "broker-2"]);
});

Deno.test("latencyFaultTolerance - that a one-way message was written does not make a frozen broker reachable", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer, a, clock } = await start(stack);
  a.on(SEND, silence).on(PROBE, silence);
  const send = watch(producer.send(message()));
  await clock.advance(1_000);
  assertEquals(send.state, "resolved");
  await producer.sendOneway(message(), { queue: { brokerName: "broker-1", queueId: 0 } });
  assertEquals(a.requests(SEND).length, 2);
  await clock.advance(20_000);

  assertEquals(await placesOf(producer), ["2", "2", "2", "2"]);
});

Deno.test("latencyFaultTolerance - a chosen queue is kept to", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, a, clock } = await start(stack);
  delayNext(cluster, a, 2_000);
  const slow = watch(producer.send(message()));
  await clock.advance(2_000);
  assertEquals(slow.state, "resolved");

  const queue = { brokerName: "broker-1", queueId: 0 };
  assertEquals((await producer.send(message(), { queue })).messageQueue.brokerName, "broker-1");
});

Deno.test("latencyFaultTolerance - its table can be another one", async () => {
  await using stack = new AsyncDisposableStack();
  const latencyFaultTolerance = { latencyMax: [10, 20], notAvailableDuration: [0, 700] };
  const { cluster, producer, a, clock } = await start(stack, { latencyFaultTolerance });
  delayNext(cluster, a, 20);
  const slow = watch(producer.send(message()));
  await clock.advance(20);
  assertEquals(slow.state, "resolved");
  assertEquals(await placesOf(producer, 2), ["2", "2"]);
  await clock.advance(700);
  assertEquals((await placesOf(producer, 2)).sort(), ["1", "2"]);
});

Deno.test("latencyFaultTolerance - a broker that no route names any more is not probed for ever", async () => {
  await using stack = new AsyncDisposableStack();
  const { cluster, producer, a, b, clock } = await start(stack, { routePollInterval: 1_000 });
  a.on(SEND, silence).on(PROBE, silence);
  const send = watch(producer.send(message()));
  await clock.advance(1_000);
  assertEquals(send.state, "resolved");
  cluster.route(TOPIC, [b]);
  await clock.advance(30_000);

  assertEquals(a.requests(PROBE), []);
});

Deno.test("latencyFaultTolerance - a shutdown amidst a probe leaves nothing behind", async () => {
  for (const wait of [500, 3_100]) {
    await using stack = new AsyncDisposableStack();
    const { cluster, producer, a, clock } = await start(stack);
    a.on(SEND, silence).on(PROBE, silence);
    const send = watch(producer.send(message()));
    await clock.advance(1_000);
    assertEquals(send.state, "resolved");
    await clock.advance(wait);
    const closing = watch(producer.shutdown());
    await settle(10);

    assertEquals([closing.state, clock.pendingTimers, cluster.network.openConnections], [
      "resolved",
      0,
      0,
    ]);
  }
});

Deno.test("latencyFaultTolerance - settings that can't be meant are refused", () => {
  const options = { nameServers: "127.0.0.1:9876", producerGroup: "g" };
  const wrong: [unknown, string][] = [
    ["on", "latencyFaultTolerance"],
    [null, "latencyFaultTolerance"],
    [{ latencyMax: [50] }, "the same number is needed"],
    [{ latencyMax: [], notAvailableDuration: [] }, "latencyMax"],
    [{ latencyMax: [2, 1], notAvailableDuration: [0, 0] }, "greater than the one before"],
    [{ latencyMax: [1, -1], notAvailableDuration: [0, 0] }, "latencyMax"],
    [{ latencyMax: [1, 2 ** 31], notAvailableDuration: [0, 0] }, "latencyMax"],
    [{ latencyMax: [1], notAvailableDuration: [2 ** 31] }, "notAvailableDuration"],
    [{ latencyMax: [1, 2], notAvailableDuration: [0, NaN] }, "notAvailableDuration"],
    [{ detectInterval: 0 }, "detectInterval"],
    [{ detectTimeout: 1.5 }, "detectTimeout"],
    [{ detector: 1 }, "detector"],
  ];
  for (const [latencyFaultTolerance, part] of wrong) {
    assertThrows(
      () => new Producer({ ...options, latencyFaultTolerance: latencyFaultTolerance as never }),
      InvalidArgumentError,
      part,
    );
  }
});
