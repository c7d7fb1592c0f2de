import { assertEquals } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { assertNothingLeft, begin, message, PatientListener, saying } from "./support.ts";

const { END_TRANSACTION } = RequestCode;

Deno.test("verdict - one that a busy broker refused is not repeated under old offsets when it asked again", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, send } = await begin(cluster);
  broker.once(END_TRANSACTION, () => ({ code: 2, remark: "busy" }));
  listener.executions[0]!.answer("COMMIT");
  await settle();
  const newest = broker.checkBack(broker.halves[0]!);
  await clock.advance(8_000);

  assertEquals(broker.states(), ["COMMIT", "COMMIT"]);
  assertEquals(broker.verdicts()[1]!.commitLogOffset, newest.commitLogOffset);
  assertEquals(send.value?.endTransaction, "confirmed");
});

Deno.test("verdict - an unknown that waits for a connection does not leave when a newer question came on it", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const { clock, brokers } = cluster;
  const listener = new PatientListener();
  const options = { routePollInterval: 1_000, heartbeatInterval: 1_000 };
  const producer = await cluster.started(listener, options);
  const send = watch(producer.sendMessageInTransaction(message()));
  await settle();
  const home = brokers.find(({ halves }) => halves.length > 0)!;
  cluster.route(TOPIC, brokers.filter((broker) => broker !== home));
  await clock.advance(3_000);
  listener.executions[0]!.answer("UNKNOWN");
  await clock.advance(1_200);
  cluster.route(TOPIC);
  await clock.advance(800);
  const newest = home.checkBack(home.halves[0]!);
  await clock.advance(3_000);
  listener.checks[0]!.answer("UNKNOWN");
  await settle();

  assertEquals(
    home.verdicts().map(({ state, commitLogOffset }) => [state, commitLogOffset]),
    [["UNKNOWN", newest.commitLogOffset]],
  );
  assertEquals(send.value?.endTransaction, "sent");
});

Deno.test("check-back - of a copy on another broker: committed there once, and not again on the first", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [a, b] = cluster.brokers as [typeof cluster.broker, typeof cluster.broker];
  const producer = await cluster.started(saying("COMMIT", "COMMIT"));
  await producer.sendMessageInTransaction(message());
  const home = a.halves.length > 0 ? a : b, other = home === a ? b : a;
  const half = home.halves[0]!;
  for (const broker of [other, home, other, home]) {
    broker.checkBack(half);
    await settle();
  }

  assertEquals(home.states(), ["COMMIT", "ROLLBACK", "ROLLBACK"]);
  assertEquals(other.states(), ["COMMIT", "ROLLBACK"], "each drops its surplus half message");
});

Deno.test("check-back - of several copies that a restarted broker checks, none that it is about to discard is left", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const listener = new PatientListener();
  await cluster.started(listener);
  const half = broker.strangeHalf({ transactionId: "T" });
  const check = (times: number) =>
    broker.checkBack(half, { properties: { TRANSACTION_CHECK_TIMES: String(times) } });
  const [early, last, newest] = [check(3), check(14), check(4)];
  await settle();
  listener.checks[0]!.answer("COMMIT");
  await settle();

  assertEquals(
    broker.verdicts().map(({ state, commitLogOffset }) => [state, commitLogOffset]),
    [["COMMIT", newest.commitLogOffset], ["ROLLBACK", last.commitLogOffset]],
    `the one at ${early.commitLogOffset} is checked again`,
  );
});

Deno.test("shutdown - a verdict that rests before a busy broker is tried again does not outlive it", async () => {
  const cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  broker.on(END_TRANSACTION, () => ({ code: 2, remark: "busy" }));
  const producer = await cluster.started(saying("COMMIT"), { endTransactionTimeout: 60_000 });
  const send = watch(producer.sendMessageInTransaction(message()));
  await settle();
  const closed = watch(producer.shutdown({ timeout: 1_000 }));
  await clock.advance(5_000);

  assertEquals([closed.state, send.value?.endTransaction], ["resolved", "failed"]);
  const tries = broker.states().length;
  await clock.advance(60_000);
  assertEquals(broker.states().length, tries);
  await assertNothingLeft(cluster);
});

Deno.test("shutdown - a check-back that came while the producer was starting ends with it", async () => {
  const cluster = new ScriptedCluster({ brokers: 2 });
  const listener = new PatientListener();
  const { broker, clock } = cluster;
  const producer = cluster.transactionProducer(listener);
  cluster.brokers[1]!.on(RequestCode.HEART_BEAT, () => {});
  const starting = watch(producer.start());
  await settle();
  broker.checkBack(broker.strangeHalf({ transactionId: "T" }));
  await settle();
  const closing = producer.shutdown();
  await clock.advance(15_000);
  await closing;

  assertEquals(starting.state, "rejected");
  assertEquals(listener.checks.map(({ context }) => context.signal.aborted), [true]);
  await assertNothingLeft(cluster);
});
