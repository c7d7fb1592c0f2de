import { assertEquals } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { type ReceivedMessage, ScriptedBroker } from "../support/scripted_broker.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { begin, message, PatientListener, saying } from "./support.ts";

const { END_TRANSACTION, QUERY_MESSAGE } = RequestCode;

/** Two brokers, as they are when a slave has written a half message of the first to the second. */
class Pair extends ScriptedCluster {
  readonly a = this.brokers[0]!;
  readonly b = this.brokers[1]!;

  constructor() {
    super({ brokers: 2 });
  }

  /** A half message that another process has sent. */
  half(): ReceivedMessage {
    return this.a.strangeHalf({ transactionId: "T" });
  }
}

/** What a broker was told, and of which record: `COMMIT 2`. */
function told(broker: ScriptedBroker): string[] {
  return broker.verdicts().map(({ state, commitLogOffset }) => `${state} ${commitLogOffset}`);
}

/** The same for a record that a check-back has written. */
function of(state: string, { commitLogOffset }: { commitLogOffset: bigint }): string {
  return `${state} ${commitLogOffset}`;
}

Deno.test("two brokers - both ask while the listener works: it is asked once, each gets one commit", async () => {
  await using cluster = new Pair();
  const { a, b, clock } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  const half = cluster.half();
  a.checkBack(half);
  await settle();
  b.checkBack(half);
  await clock.advance(3_000);
  const [onA, onB] = [a.checkBack(half), b.checkBack(half)];
  await settle();
  assertEquals(listener.checks.length, 1);
  listener.checks[0]!.answer("COMMIT");
  await clock.advance(500);

  assertEquals([told(a), told(b)], [[of("COMMIT", onA)], [of("COMMIT", onB)]]);
  const { askedChecks, joinedChecks, confirmedVerdicts } = producer.stats();
  assertEquals([askedChecks, joinedChecks, confirmedVerdicts], [1, 3, 2]);
});

Deno.test("two brokers - an answer that is unknown goes to each that asked", async () => {
  await using cluster = new Pair();
  const { a, b, clock } = cluster;
  await cluster.started(new PatientListener(), { checkTimeout: 5_000 });
  const half = cluster.half();
  const [onA, onB] = [a.checkBack(half), b.checkBack(half)];
  await clock.advance(5_000);

  assertEquals([told(a), told(b)], [[of("UNKNOWN", onA)], [of("UNKNOWN", onB)]]);
});

Deno.test("two brokers - a commit that is on its way to one delays none to the other, nor mixes them up", async () => {
  await using cluster = new Pair();
  const { a, b, clock } = cluster;
  const listener = new PatientListener();
  await cluster.started(listener);
  const half = cluster.half();
  a.once(END_TRANSACTION, silence);
  const first = a.checkBack(half);
  await settle();
  listener.checks[0]!.answer("COMMIT");
  await settle();
  const onB = b.checkBack(half);
  await clock.advance(500);
  assertEquals([told(a), told(b)], [[of("COMMIT", first)], [of("COMMIT", onB)]]);
  const heldBack = a.checkBack(half), again = b.checkBack(half);
  await clock.advance(8_000);

  assertEquals(told(a), [of("COMMIT", first), of("COMMIT", heldBack)]);
  assertEquals(told(b), [of("COMMIT", onB), of("ROLLBACK", again)]);
});

Deno.test("two brokers - a commit whose answer got lost is looked for on its own broker only", async () => {
  await using cluster = new Pair();
  const { a, b, clock } = cluster;
  await cluster.started(saying("UNKNOWN", "COMMIT"));
  const half = cluster.half();
  a.once(END_TRANSACTION, silence);
  a.checkBack(half);
  await clock.advance(3_000);
  const asked = a.requests(QUERY_MESSAGE).length;
  b.checkBack(half);
  await clock.advance(1_000);
  assertEquals([b.states(), a.requests(QUERY_MESSAGE).length], [["COMMIT"], asked]);
  a.checkBack(half);
  await clock.advance(1_000);

  assertEquals(a.states(), ["COMMIT", "COMMIT"]);
});

Deno.test("two brokers - both ask while the local transaction runs: the last to ask is told, the other when it asks again", async () => {
  await using cluster = new Pair();
  const { a, b } = cluster;
  const { listener, send } = await begin(cluster);
  const [home, other] = a.halves.length > 0 ? [a, b] : [b, a];
  const half = home.halves[0]!;
  const [early, late] = [home.checkBack(half), other.checkBack(half)];
  await settle();
  listener.executions[0]!.answer("ROLLBACK");
  await settle();
  assertEquals(told(home), [of("UNKNOWN", early)]);
  assertEquals(told(other), [of("UNKNOWN", late), of("ROLLBACK", late)]);
  assertEquals(send.value?.endTransaction, "confirmed");
  const again = home.checkBack(half);
  await settle();
  listener.checks[0]!.answer("ROLLBACK");
  await settle();

  assertEquals(told(home), [of("UNKNOWN", early), of("ROLLBACK", again)]);
});

Deno.test("two brokers - those that no route names any more are told apart by their addresses", async () => {
  await using cluster = new Pair();
  const { a, b, clock } = cluster;
  const listener = new PatientListener();
  await cluster.started(listener, { routePollInterval: 1_000, heartbeatInterval: 30_000 });
  const half = cluster.half();
  const other = new ScriptedBroker("broker-3", "10.0.1.3:10911");
  cluster.network.listen(other.address, other);
  cluster.route(TOPIC, [other]);
  await clock.advance(2_000);
  const nameless = { header: { bname: undefined } };
  const [onA, onB] = [a.checkBack(half, nameless), b.checkBack(half, nameless)];
  await settle();
  listener.checks[0]!.answer("COMMIT");
  await settle();

  assertEquals(listener.checks.length, 1);
  assertEquals([told(a), told(b)], [[of("COMMIT", onA)], [of("COMMIT", onB)]]);
});

Deno.test("promoted slave - is no other broker: a commit that was lost with its master is looked for", async () => {
  await using cluster = new ScriptedCluster();
  const { broker: master, network, clock } = cluster;
  const producer = await cluster.started(saying("COMMIT"));
  master.once(END_TRANSACTION, (_command, connection) => connection.reset());
  const result = await producer.sendMessageInTransaction(message());
  assertEquals(result.endTransaction, "failed");
  const slave = new ScriptedBroker(master.name, "10.0.2.1:10911");
  network.listen(slave.address, slave);
  cluster.route(TOPIC, [slave]);
  await clock.advance(60_000);
  const onSlave = slave.checkBack(master.halves[0]!);
  await clock.advance(1_000);

  assertEquals(slave.requests(QUERY_MESSAGE).length, 2, "it is not there, and not a little later");
  assertEquals([told(slave), producer.stats().repeatedChecks], [[of("COMMIT", onSlave)], 1]);
});
