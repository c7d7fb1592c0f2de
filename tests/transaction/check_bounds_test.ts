import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { recordEvents, ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { message, PatientListener, saying } from "./support.ts";

Deno.test("check-backs - at most checkConcurrency are worked on, the others wait their turn", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener, { checkConcurrency: 3 });
  for (let i = 0; i < 10; i++) broker.checkBack(broker.strangeHalf({ transactionId: `T${i}` }));
  await settle();
  assertEquals(listener.checks.length, 3);
  assertEquals([producer.stats().runningChecks, producer.stats().waitingChecks], [3, 7]);
  listener.checks[1]!.answer("COMMIT");
  await settle();
  assertEquals(listener.checks.length, 4);
  for (let i = 0; i < 10; i++) {
    listener.checks[i]!.answer("COMMIT");
    await settle();
  }

  assertEquals(broker.states(), Array(10).fill("COMMIT"));
  const asked = listener.checks.map(({ context }) => context.transactionId);
  assertEquals(asked, Array.from({ length: 10 }, (_, i) => `T${i}`));
});

Deno.test("check-backs - by default 64 are worked on and 2000 wait, what is more is dropped and counted", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  const events = recordEvents(producer);
  for (let i = 0; i < 2_500; i++) broker.checkBack(broker.strangeHalf({ transactionId: `T${i}` }));
  await settle();

  const { runningChecks, waitingChecks, droppedChecks, askedChecks } = producer.stats();
  assertEquals(listener.checks.length, 64);
  assertEquals(runningChecks, 64);
  assertLessOrEqual(waitingChecks, 2_000);
  assertEquals(askedChecks + droppedChecks, 2_500);
  assertEquals(askedChecks, runningChecks + waitingChecks);
  assertEquals(
    events.filter((event) => event.type === "checkBack" && event.handling === "dropped").length,
    droppedChecks,
  );
  assertEquals(cluster.logger.matching("Dropped a check-back", "warn").length, 1);
  assertEquals(broker.states(), [], "the broker asks again");

  const again = broker.checkBack(broker.strangeHalf({ transactionId: "T100" }));
  await settle();
  assertEquals(producer.stats().joinedChecks, 1);
  assert(again.commitLogOffset > 0n);
});

Deno.test("check-backs - 10 000 of the same 100 transactions: one answer each, for the newest copy", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  let running = 0, most = 0, calls = 0;
  const producer = await cluster.started({
    executeLocalTransaction: () => "UNKNOWN",
    async checkLocalTransaction() {
      calls++;
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => clock.setTimer(resolve, 100));
      running--;
      return "COMMIT" as const;
    },
  });
  const newest = new Map<string, bigint>();
  const halves = Array.from(
    { length: 100 },
    (_, i) => broker.strangeHalf({ transactionId: `T${i}` }),
  );
  for (let round = 0; round < 100; round++) {
    for (const half of halves) {
      newest.set(half.transactionId, broker.checkBack(half).commitLogOffset);
    }
  }
  await clock.advance(1_000);

  assertEquals([calls, most], [100, 64]);
  assertEquals(broker.states(), Array(100).fill("COMMIT"));
  for (const { transactionId, commitLogOffset } of broker.verdicts()) {
    assertEquals(commitLogOffset, newest.get(transactionId!));
  }
  assertEquals(producer.stats().joinedChecks, 9_900);
});

Deno.test("check-backs - 10 000 transactions in 5 s with a listener of 100 ms: each answered once", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  let running = 0, most = 0;
  const producer = await cluster.started({
    executeLocalTransaction: () => "UNKNOWN",
    async checkLocalTransaction() {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => clock.setTimer(resolve, 100));
      running--;
      return "ROLLBACK" as const;
    },
  });
  const open = new Map(
    Array.from({ length: 10_000 }, (_, i) => `T${i}`)
      .map((transactionId) => [transactionId, broker.strangeHalf({ transactionId })]),
  );
  const rounds = [...open.values()];
  for (let tick = 0; tick < 50; tick++) {
    for (const half of rounds.slice(200 * tick, 200 * tick + 200)) broker.checkBack(half);
    await clock.advance(100);
  }
  for (let round = 0; round < 12; round++) {
    await clock.advance(4_000);
    for (const { transactionId } of broker.verdicts()) open.delete(transactionId!);
    for (const half of open.values()) broker.checkBack(half);
    if (open.size === 0) break;
  }

  assertEquals(open.size, 0);
  assertEquals([broker.states().length, most], [10_000, 64]);
  const { waitingChecks, runningChecks } = producer.stats();
  assertEquals([waitingChecks, runningChecks], [0, 0]);
});

Deno.test("check-backs - a listener that never answers frees its place after checkTimeout", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener, { checkConcurrency: 1, checkTimeout: 5_000 });
  const events = recordEvents(producer);
  const stuck = broker.checkBack(broker.strangeHalf({ transactionId: "stuck" }));
  broker.checkBack(broker.strangeHalf({ transactionId: "next" }));
  await clock.advance(4_999);
  assertEquals([listener.checks.length, listener.checks[0]!.context.signal.aborted], [1, false]);
  await clock.advance(1);

  assertEquals([listener.checks.length, listener.checks[0]!.context.signal.aborted], [2, true]);
  const [verdict] = broker.verdicts();
  assertEquals([verdict!.state, verdict!.commitLogOffset], ["UNKNOWN", stuck.commitLogOffset]);
  assertEquals(verdict!.remark, "the listener gave no answer within 5000 ms");
  assertEquals(events.filter(({ type }) => type === "checkFailed").length, 1);

  listener.checks[0]!.answer("COMMIT");
  listener.checks[1]!.answer("ROLLBACK");
  await clock.advance(1_000);
  assertEquals(broker.states(), ["UNKNOWN", "ROLLBACK"], "the late verdict is thrown away");
  assertEquals(cluster.logger.matching("came after checkTimeout").length, 1);

  broker.checkBack(broker.strangeHalf({ transactionId: "stuck" }));
  await settle();
  assertEquals(listener.checks.length, 3, "and the next question is asked anew");
});

Deno.test("check-backs - a listener that throws a hundred times answers the next", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  let calls = 0;
  await cluster.started({
    executeLocalTransaction: () => "UNKNOWN",
    checkLocalTransaction() {
      if (++calls <= 100) throw new Error(`failure ${calls}`);
      return "COMMIT";
    },
  });
  for (let i = 0; i <= 100; i++) broker.checkBack(broker.strangeHalf({ transactionId: `T${i}` }));
  await settle();

  assertEquals(broker.states(), [...Array(100).fill("UNKNOWN"), "COMMIT"]);
});

Deno.test("check-backs - what was settled is forgotten, what is under way never", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const patient = new PatientListener();
  const asked: string[] = [];
  await cluster.started({
    executeLocalTransaction: (...args) => patient.executeLocalTransaction(...args),
    checkLocalTransaction: (_message, { transactionId }) => {
      asked.push(transactionId);
      return "ROLLBACK";
    },
  }).then(async (producer) => {
    const slow = watch(producer.sendMessageInTransaction(message()));
    await settle();
    const half = broker.strangeHalf({ transactionId: "" });
    for (let i = 0; i <= 20_000; i++) {
      broker.checkBack({ ...half, transactionId: `T${i}` });
      if (i % 1_000 === 0) await settle();
    }
    await settle();
    assertEquals(asked.length, 20_001);
    broker.checkBack({ ...half, transactionId: "T20000" });
    await settle();
    assertEquals(asked.slice(20_001), ["T20000"], "the database is asked again");

    broker.checkBack(broker.halves[0]!);
    await settle();
    assertEquals([broker.states().at(-1), asked.length], ["UNKNOWN", 20_002]);
    patient.executions[0]!.answer("ROLLBACK");
    await settle();
    assertEquals(slow.value?.endTransaction, "confirmed");
  });
});

Deno.test("check-backs - those that wait are bounded by the bytes of their messages, too", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener, {
    checkConcurrency: 1,
    checkRequestHoldBytes: 1_000_000,
  });
  const check = (transactionId: string, size: number) => {
    broker.checkBack(broker.strangeHalf({ transactionId, body: new Uint8Array(size) }));
    return settle();
  };
  await check("larger than the bound, and alone", 1_500_000);
  await check("no room", 10);
  listener.checks[0]!.answer("ROLLBACK");
  await settle();
  for (const id of ["A", "B", "C"]) await check(id, 400_000);

  const { askedChecks, droppedChecks, waitingChecks } = producer.stats();
  assertEquals([askedChecks, droppedChecks, waitingChecks], [3, 2, 1], "A runs, B waits");
});

Deno.test("check-backs - a loop that does not wait for its answers is bounded as well", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const options = { checkRequestHoldMax: 5, checkConcurrency: 3 };
  const producer = await cluster.started({ executeLocalTransaction: () => "UNKNOWN" }, options);
  const taken: string[] = [];
  (async () => {
    for await (const check of producer.checkBacks()) taken.push(check.transactionId);
  })();
  for (let i = 0; i < 100; i++) {
    broker.checkBack(broker.strangeHalf({ transactionId: `T${i}` }));
    await settle();
  }

  assertEquals([taken.length, producer.stats().droppedChecks], [8, 92]);
});

Deno.test("check-backs - the events of ten thousand do not fill the memory of who does not read them", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = await cluster.started(saying("UNKNOWN", "ROLLBACK"));
  const unread = producer.events();
  for (let i = 0; i < 1_000; i++) broker.checkBack(broker.strangeHalf({ transactionId: `T${i}` }));
  await clock.advance(100);

  assertEquals(producer.stats().droppedEvents, 2_000 - 1_024);
  await unread.return!();
});
