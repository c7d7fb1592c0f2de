import { assertEquals } from "@std/assert";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../src/testing/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { Member } from "./member.ts";

const MINUTE = 60_000;

/** A broker in memory with the times of a real one, on a clock that stands still. */
async function start(
  options: EmbeddedBrokerOptions = {},
): Promise<{ broker: EmbeddedBroker; clock: FakeClock }> {
  const clock = new FakeClock();
  const broker = await EmbeddedBroker.start({
    ...{ clock, listen: false, transactionTimeout: 6_000, transactionCheckInterval: 30_000 },
    ...{ opBatchInterval: 3_000, transactionCheckMax: 15 },
    ...options,
  });
  return { broker, clock };
}

/** Lets time pass and says at which seconds check-backs came. */
async function secondsOfChecks(
  clock: FakeClock,
  member: Member,
  seconds: number,
): Promise<number[]> {
  const found: number[] = [];
  for (let second = 1; second <= seconds; second++) {
    const before = member.checks.length;
    await clock.advance(1_000);
    for (let index = before; index < member.checks.length; index++) found.push(second);
    if (second % 30 === 0) await member.heartbeat();
  }
  return found;
}

Deno.test("check-backs - come at the scans after the timeout, by the injected clock", async () => {
  const { broker, clock } = await start();
  await using _ = broker;
  using member = await Member.join(broker, "g");
  await clock.advance(25_000);
  await member.sendHalf("T", "young", { bornTimestamp: clock.now() });

  // 5 s old at the first scan, 35 s at the second.
  assertEquals(await secondsOfChecks(clock, member, 100), [35, 65, 95]);
  assertEquals(member.checks.map(({ checkTimes }) => checkTimes), [1, 2, 3]);
});

Deno.test("check-backs - are given up after the last one, seven and a half minutes later", async () => {
  const { broker, clock } = await start();
  await using _ = broker;
  using member = await Member.join(broker, "g");
  await member.sendHalf("T", "k", { bornTimestamp: clock.now() });
  const settled = broker.settled();

  const seconds = await secondsOfChecks(clock, member, 600);
  await settled;

  assertEquals(seconds, Array.from({ length: 15 }, (_, index) => 30 * (index + 1)));
  assertEquals(await broker.halfMessages(), []);
  const [given] = await broker.messages("TRANS_CHECK_MAX_TIME_TOPIC");
  assertEquals([given!.messageId, given!.properties.TRANSACTION_CHECK_TIMES], ["k", "15"]);
  assertEquals([broker.stats().giveUps, broker.stats().checks], [1, 15]);
});

Deno.test("check-backs - the answer to the last one keeps it from being given up", async () => {
  const { broker, clock } = await start({ transactionCheckMax: 2 });
  await using _ = broker;
  using member = await Member.join(broker, "g");
  await member.sendHalf("T", "k", { bornTimestamp: clock.now() });
  await clock.advance(MINUTE);
  assertEquals(member.checks.length, 2);
  assertEquals(await member.decide(member.checks[1]!.handle, "Commit", true), 0);
  await clock.advance(MINUTE);
  assertEquals((await broker.messages("T")).length, 1);
  assertEquals(await broker.messages("TRANS_CHECK_MAX_TIME_TOPIC"), []);
});

Deno.test("check-backs - a producer whose clock is ahead is asked at once", async () => {
  const { broker, clock } = await start();
  await using _ = broker;
  using member = await Member.join(broker, "g");
  await clock.advance(29_000);
  await member.sendHalf("T", "k", { bornTimestamp: clock.now() + MINUTE });
  assertEquals(await secondsOfChecks(clock, member, 1), [1]);
});

Deno.test("check-backs - one that is too young holds up those behind it", async () => {
  const { broker, clock } = await start();
  await using _ = broker;
  using member = await Member.join(broker, "g");
  await clock.advance(20_000);
  await member.sendHalf("T", "young", { bornTimestamp: clock.now() + 5_000 });
  await member.sendHalf("T", "old", { bornTimestamp: clock.now() });
  await clock.advance(10_000);
  assertEquals(member.checks, []);
  await clock.advance(30_000);
  assertEquals(member.checks.map(({ message }) => message.messageId), ["young", "old"]);
});

Deno.test("check-backs - are forgotten together with a producer that is silent for two minutes", async () => {
  const { broker, clock } = await start({ transactionCheckInterval: 10_000 });
  await using _ = broker;
  using member = await Member.join(broker, "g");
  await member.sendHalf("T", "k", { bornTimestamp: clock.now() });

  await clock.advance(120_000);
  assertEquals(member.connection.isOpen, true);
  assertEquals(member.checks.length, 12);
  await clock.advance(10_000);
  assertEquals(member.connection.isOpen, false);
  await clock.advance(20_000);
  assertEquals(broker.stats().connections, 0);
  assertEquals(broker.stats().missedChecks, 2);
});

Deno.test("check-backs - a mark that is not stored yet lets a decided message be asked about", async () => {
  const { broker, clock } = await start();
  await using _ = broker;
  using member = await Member.join(broker, "g");
  const handle = await member.sendHalf("T", "k", { bornTimestamp: clock.now() });
  await clock.advance(29_000);
  assertEquals(await member.decide(handle, "Commit"), 0);
  await broker.settled();

  await clock.advance(1_000);
  assertEquals(member.checks.length, 1);
  assertEquals(await member.decide(member.checks[0]!.handle, "Commit", true), 0);
  assertEquals((await broker.messages("T")).length, 2);
  await clock.advance(MINUTE);
  assertEquals(member.checks.length, 1);
});

Deno.test("check-backs - a kill forgets marks that are not stored, a stop stores them", async () => {
  for (const [end, checks] of [["kill", 1], ["stop", 0]] as const) {
    const { broker, clock } = await start();
    await using _ = broker;
    using before = await Member.join(broker, "g");
    const handle = await before.sendHalf("T", "k", { bornTimestamp: clock.now() });
    assertEquals(await before.decide(handle, "Commit"), 0);
    await broker[end]();
    assertEquals(broker.stats().undecided, checks);
    assertEquals((await broker.halfMessages()).map(({ messageId }) => messageId), [
      ...Array(checks).fill("k"),
    ]);
    await broker.start();

    using after = await Member.join(broker, "g");
    await clock.advance(30_000);
    assertEquals(after.checks.length, checks);
  }
});

Deno.test("check-backs - an immune message that was decided early is asked about all the same", async () => {
  const { broker, clock } = await start({ transactionCheckInterval: 10_000 });
  await using _ = broker;
  using member = await Member.join(broker, "g");
  const handle = await member.sendHalf("T", "k", {
    bornTimestamp: clock.now(),
    properties: { CHECK_IMMUNITY_TIME_IN_SECONDS: "25" },
  });
  // The first scan has written it again at another offset; the mark is of the first one.
  await clock.advance(15_000);
  assertEquals(await member.decide(handle, "Commit"), 0);
  await clock.advance(20_000);
  assertEquals(member.checks.map(({ checkTimes }) => checkTimes), [3]);
  assertEquals(member.checks[0]!.message.properties.TRAN_PREPARED_QUEUE_OFFSET, "0");
});

Deno.test("checkNow - asks about the youngest too, and not about what was decided", async () => {
  const { broker, clock } = await start({ transactionCheckInterval: Infinity });
  await using _ = broker;
  using member = await Member.join(broker, "g");
  const decided = await member.sendHalf("T", "decided", { bornTimestamp: clock.now() });
  await member.sendHalf("T", "first", { bornTimestamp: clock.now() });
  await member.sendHalf("T", "second", { bornTimestamp: clock.now() });
  await member.decide(decided, "Rollback");

  assertEquals(broker.checkNow(), 2);
  assertEquals(broker.checkNow(), 2);
  await settle();
  assertEquals(member.checks.map(({ message, checkTimes }) => [message.messageId, checkTimes]), [
    ["first", 1],
    ["second", 1],
    ["first", 2],
    ["second", 2],
  ]);
  assertEquals(broker.stats().undecided, 2);
  await clock.advance(60 * MINUTE);
  assertEquals(member.checks.length, 4);
});

Deno.test("check-backs - a full store stops them and loses nothing", async () => {
  const { broker, clock } = await start({ maxStoreSize: 1_024 });
  await using _ = broker;
  using member = await Member.join(broker, "g");
  await member.sendHalf("T", "k", { bornTimestamp: clock.now() });
  const { code, remark } = await member.send("T", { body: new Uint8Array(700) });
  assertEquals([code, remark?.slice(0, 25)], [14, "service not available now"]);

  // There is room for two more records of the half message.
  await clock.advance(2 * MINUTE);
  assertEquals(member.checks.length, 2);
  assertEquals((await broker.halfMessages()).map(({ messageId }) => messageId), ["k"]);
});

Deno.test("pull - is answered when its time by the injected clock is up", async () => {
  const { broker, clock } = await start();
  await using _ = broker;
  using member = await Member.join(broker, "g");
  await member.send("T");
  let code: number | undefined;
  const pull = member.ask({
    code: 11,
    extFields: {
      ...{ consumerGroup: "c", topic: "T", queueId: "0", queueOffset: "1", maxMsgNums: "32" },
      ...{ sysFlag: "6", commitOffset: "0", suspendTimeoutMillis: "20000", subVersion: "0" },
      subscription: "*",
    },
  }).then((response) => void (code = response.code));
  await clock.advance(19_999);
  assertEquals(code, undefined);
  await clock.advance(1);
  await pull;
  assertEquals(code, 19);
});

Deno.test("EmbeddedBroker - leaves no timer when it is disposed of", async () => {
  const { broker, clock } = await start();
  using member = await Member.join(broker, "g");
  await member.sendHalf("T", "k", { bornTimestamp: clock.now() });
  await member.send("T", { properties: { DELAY: "5" } });
  broker.faults.add({ on: "*", action: "delay", ms: 1_000 });
  member.send("T").catch(() => {});
  await settle();
  await broker[Symbol.asyncDispose]();
  assertEquals(clock.pendingTimers, 0);
});
