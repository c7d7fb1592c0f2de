import { assertEquals } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster } from "../support/scripted_cluster.ts";
import { begin } from "./support.ts";

/** How far apart the check rounds of these tests are, in milliseconds. */
const INTERVAL = 10_000;

Deno.test("verdict timing - one that would cross the next check round waits and answers it: one commit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, send } = await begin(cluster);
  for (let round = 0; round < 2; round++) {
    broker.checkBack(broker.halves[0]!);
    await clock.advance(round === 0 ? INTERVAL : INTERVAL - 500);
  }
  listener.executions[0]!.answer("COMMIT");
  await clock.advance(499);
  assertEquals([broker.states(), send.state], [["UNKNOWN", "UNKNOWN"], "pending"]);
  await clock.advance(1);
  const handle = broker.checkBack(broker.halves[0]!);
  await settle();

  assertEquals(broker.states().slice(2), ["COMMIT"]);
  assertEquals(broker.verdicts().at(-1)!.commitLogOffset, handle.commitLogOffset);
  assertEquals(send.value?.endTransaction, "confirmed");
});

Deno.test("verdict timing - one that is known soon after a round leaves at once", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, send } = await begin(cluster);
  for (let round = 0; round < 2; round++) {
    broker.checkBack(broker.halves[0]!);
    await clock.advance(round === 0 ? INTERVAL : 4_000);
  }
  listener.executions[0]!.answer("COMMIT");
  await settle();

  assertEquals(broker.states().slice(2), ["COMMIT"]);
  assertEquals(send.value?.endTransaction, "confirmed");
});

Deno.test("verdict timing - a round that pauses to look for marks comes a second late: one commit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, send } = await begin(cluster);
  for (let round = 0; round < 2; round++) {
    broker.checkBack(broker.halves[0]!);
    await clock.advance(round === 0 ? INTERVAL : INTERVAL - 500);
  }
  listener.executions[0]!.answer("COMMIT");
  await clock.advance(500 + 1_100);
  const handle = broker.checkBack(broker.halves[0]!);
  await settle();

  assertEquals(broker.states().slice(2), ["COMMIT"]);
  assertEquals(broker.verdicts().at(-1)!.commitLogOffset, handle.commitLogOffset);
  assertEquals(send.value?.endTransaction, "confirmed");
});

Deno.test("verdict timing - when the round does not come it leaves a little later", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, send } = await begin(cluster);
  for (let round = 0; round < 2; round++) {
    broker.checkBack(broker.halves[0]!);
    await clock.advance(round === 0 ? INTERVAL : INTERVAL - 500);
  }
  listener.executions[0]!.answer("ROLLBACK");
  await clock.advance(2_499);
  assertEquals(send.state, "pending");
  await clock.advance(1);

  assertEquals(broker.states().slice(2), ["ROLLBACK"]);
  assertEquals(send.value?.endTransaction, "confirmed");
});

Deno.test("verdict timing - a transaction that was never asked about does not wait", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, send } = await begin(cluster);
  await clock.advance(5 * INTERVAL);
  listener.executions[0]!.answer("COMMIT");
  await settle();

  assertEquals([broker.states(), send.value?.endTransaction], [["COMMIT"], "confirmed"]);
});

Deno.test("verdict timing - a wall clock that jumps changes nothing", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  clock.moveWallClock(3_600_000);
  const { listener, send } = await begin(cluster);
  broker.checkBack(broker.halves[0]!);
  await settle();
  clock.moveWallClock(-7_200_000);
  assertEquals([broker.states(), listener.checks.length], [["UNKNOWN"], 0]);
  listener.executions[0]!.answer("COMMIT");
  await settle();

  assertEquals([broker.states(), send.value?.endTransaction], [["UNKNOWN", "COMMIT"], "confirmed"]);
});
