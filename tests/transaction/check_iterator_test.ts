import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InvalidStateError } from "../../src/errors.ts";
import type { CheckBack, LocalTransactionState } from "../../src/transaction/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { saying } from "./support.ts";

/** A listener without `checkLocalTransaction`. */
const LISTENER = { executeLocalTransaction: (): LocalTransactionState => "UNKNOWN" };

Deno.test("checkBacks - a loop commits, rolls back or leaves open, and learns the outcome", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started(LISTENER);
  const outcomes: string[] = [];
  const loop = (async () => {
    for await (const check of producer.checkBacks()) {
      const answer = { A: "commit", B: "rollback", C: "unknown" } as const;
      outcomes.push(await check[answer[check.transactionId as "A" | "B" | "C"]]());
    }
  })();
  for (const transactionId of ["A", "B", "C"]) {
    broker.checkBack(broker.strangeHalf({ transactionId }));
    await settle();
  }

  assertEquals(broker.states(), ["COMMIT", "ROLLBACK", "UNKNOWN"]);
  assertEquals(outcomes, ["confirmed", "confirmed", "sent"]);
  const shutdown = producer.shutdown();
  await loop;
  await shutdown;
});

Deno.test("checkBacks - what came before anyone iterates waits", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started(LISTENER);
  for (const transactionId of ["A", "B"]) broker.checkBack(broker.strangeHalf({ transactionId }));
  const newest = broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await settle();
  assertEquals(producer.stats().waitingChecks, 2);
  assertEquals(cluster.logger.matching("iterate over checkBacks()", "warn").length, 1);
  const { value: check } = await producer.checkBacks().next();
  await (check as CheckBack).commit();

  const [verdict] = broker.verdicts();
  assertEquals([verdict!.transactionId, verdict!.commitLogOffset], ["A", newest.commitLogOffset]);
});

Deno.test("checkBacks - the time for an answer begins when a check-back is taken", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = await cluster.started(LISTENER, { checkTimeout: 5_000 });
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await clock.advance(60_000);
  assertEquals(broker.states(), []);
  const { value } = await producer.checkBacks().next();
  const check = value as CheckBack;
  await clock.advance(4_999);
  assertEquals([check.isAnswered, check.signal.aborted], [false, false]);
  await clock.advance(1);
  assertEquals([check.isAnswered, check.signal.aborted], [true, true]);
  assertEquals(broker.states(), ["UNKNOWN"]);
  await assertRejects(() => check.commit(), InvalidStateError, "its time is over");

  assertEquals(broker.states(), ["UNKNOWN"]);
});

Deno.test("checkBacks - one answer each, whichever came first", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started(LISTENER);
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  const { value } = await producer.checkBacks().next();
  const check = value as CheckBack;
  const first = check.commit();
  assert(check.isAnswered);
  await assertRejects(() => check.rollback(), InvalidStateError, "it was answered already");
  await first;
  await assertRejects(() => check.commit(), InvalidStateError, "it was answered already");

  assertEquals(broker.states(), ["COMMIT"]);
});

Deno.test("checkBacks - one loop at a time; after it was left another takes over", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started(LISTENER);
  for (const transactionId of ["A", "B"]) broker.checkBack(broker.strangeHalf({ transactionId }));
  const seen: string[] = [];
  for await (const check of producer.checkBacks()) {
    assertThrows(() => producer.checkBacks(), InvalidStateError, "something iterates over them");
    seen.push(check.transactionId);
    await check.commit();
    break;
  }
  for await (const check of producer.checkBacks()) {
    seen.push(check.transactionId);
    await check.rollback();
    break;
  }

  assertEquals(seen, ["A", "B"]);
  assertEquals(broker.states(), ["COMMIT", "ROLLBACK"]);
});

Deno.test("checkBacks - a loop that ends without an answer leaves it to the time limit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = await cluster.started(LISTENER, { checkTimeout: 5_000 });
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await assertRejects(
    async () => {
      for await (const check of producer.checkBacks()) throw new Error(check.transactionId);
    },
    Error,
    "A",
  );
  assertEquals(producer.stats().runningChecks, 1);
  await clock.advance(5_000);

  assertEquals([broker.states(), producer.stats().runningChecks], [["UNKNOWN"], 0]);
});

Deno.test("checkBacks - leaving while waiting ends the wait", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started(LISTENER);
  const left = producer.checkBacks();
  const waiting = watch(left.next());
  await settle();
  await left.return!();
  await settle();
  assertEquals(waiting.value, { value: undefined, done: true });
  const next = producer.checkBacks();
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  const { value } = await next.next();

  assertEquals((value as CheckBack).transactionId, "A");
  assertEquals(await left.next(), { value: undefined, done: true });
});

Deno.test("checkBacks - several calls of next at once each get a check-back", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started(LISTENER);
  const iterator = producer.checkBacks();
  const waiting = [iterator.next(), iterator.next(), iterator.next()];
  await settle();
  for (const transactionId of ["A", "B"]) broker.checkBack(broker.strangeHalf({ transactionId }));
  await settle();
  const shutdown = producer.shutdown({ timeout: 1 });
  await cluster.clock.advance(1_000);
  await shutdown;

  const values = (await Promise.all(waiting)).map(({ value }) =>
    (value as CheckBack)?.transactionId
  );
  assertEquals(values, ["A", "B", undefined]);
});

Deno.test("checkBacks - a listener with checkLocalTransaction takes them", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.transactionProducer(saying("COMMIT", "COMMIT"));
  assertThrows(
    () => producer.checkBacks(),
    InvalidStateError,
    "the listener's checkLocalTransaction takes them",
  );
});

Deno.test("checkBacks - a loop that begins before start and one that begins after the end", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = cluster.transactionProducer(LISTENER);
  const seen: string[] = [];
  const loop = watch((async () => {
    for await (const check of producer.checkBacks()) {
      seen.push(check.transactionId);
      await check.commit();
    }
  })());
  await producer.start();
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await settle();
  await producer.shutdown();
  await settle();

  assertEquals([seen, loop.state, broker.states()], [["A"], "resolved", ["COMMIT"]]);
  assertEquals(await Array.fromAsync(producer.checkBacks()), []);
});

Deno.test("checkBacks - when nobody takes them the end does not wait for them", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started(LISTENER);
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await settle();
  const shutdown = watch(producer.shutdown());
  await settle();

  assertEquals([shutdown.state, broker.states()], ["resolved", []]);
});

Deno.test("checkBacks - when the loop is left during the end, the end does not wait for the rest", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started(LISTENER);
  for (const transactionId of ["A", "B"]) broker.checkBack(broker.strangeHalf({ transactionId }));
  const iterator = producer.checkBacks();
  const { value } = await iterator.next();
  const shutdown = watch(producer.shutdown());
  await settle();
  assertEquals(shutdown.state, "pending");
  await (value as CheckBack).commit();
  await iterator.return!();
  await settle();

  assertEquals([shutdown.state, broker.states()], ["resolved", ["COMMIT"]]);
});
