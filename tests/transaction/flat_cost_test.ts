import { assertEquals, assertLessOrEqual } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message, PatientListener, saying } from "./support.ts";

Deno.test("cost - a thousand transactions under way take no more timers than one", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = await cluster.started(saying("COMMIT"));
  await clock.advance(4_000);
  const atRest = clock.pendingTimers;
  broker.on(RequestCode.SEND_MESSAGE_V2, silence);
  const send = () => producer.sendMessageInTransaction(message()).catch(() => {});
  const sends = [send()];
  await settle();
  const ofOne = clock.pendingTimers - atRest;
  for (let i = 1; i < 1_000; i++) sends.push(send());
  await settle();

  assertEquals(producer.stats().sendsInFlight, 1_000);
  assertEquals(clock.pendingTimers - atRest, ofOne);
  await clock.advance(4_000);
  await Promise.all(sends);
});

Deno.test("cost - transactions that have ended leave nothing that waits for the shutdown", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started({
    executeLocalTransaction: () => settle().then(() => "COMMIT" as const),
  });
  const { addEventListener: add, removeEventListener: remove } = AbortSignal.prototype;
  let waiting = 0;
  AbortSignal.prototype.addEventListener = function (...args: Parameters<typeof add>) {
    waiting++;
    add.apply(this, args);
  };
  AbortSignal.prototype.removeEventListener = function (...args: Parameters<typeof remove>) {
    waiting--;
    remove.apply(this, args);
  };
  try {
    await Promise.all(
      Array.from({ length: 100 }, () => producer.sendMessageInTransaction(message())),
    );
  } finally {
    Object.assign(AbortSignal.prototype, { addEventListener: add, removeEventListener: remove });
  }

  assertEquals(producer.stats().confirmedVerdicts, 100);
  assertEquals(waiting, 0);
});

Deno.test("cost - check-backs that are worked on share one timer, and each still has its own time", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const listener = new PatientListener();
  await cluster.started(listener, { checkConcurrency: 1_000, heartbeatInterval: 1_000_000 });
  await clock.advance(4_000);
  const atRest = clock.pendingTimers;
  const ask = async (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      broker.checkBack(broker.strangeHalf({ transactionId: `T${i}` }));
    }
    await settle();
  };
  await ask(0, 300);
  await clock.advance(5_000);
  await ask(300, 500);
  assertEquals([listener.checks.length, clock.pendingTimers - atRest], [500, 1]);

  await clock.advance(15_000);
  const over = () => listener.checks.map(({ context }) => context.signal.aborted);
  assertEquals(over().indexOf(false), 300, "the first have had their 20 s");
  await clock.advance(5_000);
  assertEquals(over().indexOf(false), -1);
  assertEquals(broker.states(), Array(500).fill("UNKNOWN"));
  await clock.advance(4_000);
  assertEquals(clock.pendingTimers, atRest);
});

Deno.test("cost - what answers a check-back at the end of another's time is in time itself", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = await cluster.started({ executeLocalTransaction: () => "UNKNOWN" });
  const checks = producer.checkBacks();
  for (const id of ["T1", "T2"]) broker.checkBack(broker.strangeHalf({ transactionId: id }));
  const first = (await checks.next()).value!, second = (await checks.next()).value!;
  first.signal.addEventListener("abort", () => void second.commit());
  await clock.advance(30_000);

  const told = broker.verdicts().map(({ transactionId, state }) => `${transactionId} ${state}`);
  assertEquals(told.toSorted(), ["T1 UNKNOWN", "T2 COMMIT"]);
});

Deno.test("cost - a producer of many topics dials each broker once and asks for each route once", async () => {
  await using cluster = new ScriptedCluster({ brokers: 8 });
  const { brokers, clock, nameServer } = cluster;
  const topics = Array.from({ length: 200 }, (_, i) => `${TOPIC}_${i}`);
  for (const topic of topics) cluster.route(topic);
  for (const broker of brokers) broker.on(RequestCode.HEART_BEAT, silence);
  const producer = cluster.transactionProducer(saying("COMMIT"), { topics });
  const started = producer.start();
  await settle();
  const waiting = clock.pendingTimers;
  for (const broker of brokers) broker.on(RequestCode.HEART_BEAT, () => ({}));
  await clock.advance(8_000);
  await started;

  assertLessOrEqual(waiting, 8 * brokers.length, "not one for each topic on each broker");
  assertEquals(nameServer.asked().length, topics.length);
  assertEquals(producer.stats().registeredBrokers.length, brokers.length);
});
