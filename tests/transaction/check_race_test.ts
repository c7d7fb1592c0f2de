import { assertEquals, assertFalse } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { recordEvents, ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import type { Handle, ReceivedVerdict } from "../support/scripted_broker.ts";
import { type Reaction, silence } from "../support/scripted_peer.ts";
import { begin, message, PatientListener } from "./support.ts";

const { SEND_MESSAGE_V2: SEND, END_TRANSACTION: END } = RequestCode;

/** What of a verdict is compared: its state and the copy of the half message that it names. */
interface Facts extends Handle {
  state: string;
  fromTransactionCheck: boolean | undefined;
}

function facts(verdicts: readonly ReceivedVerdict[]): Facts[] {
  return verdicts.map(({ state, tranStateTableOffset, commitLogOffset, fromTransactionCheck }) => ({
    state,
    tranStateTableOffset,
    commitLogOffset,
    fromTransactionCheck,
  }));
}

function verdict(state: string, handle: Handle): Facts {
  return { state, ...handle, fromTransactionCheck: true };
}

/** An answer that the test gives when it likes. */
function held(): { reaction: Reaction; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    reaction: async () => {
      await promise;
      return {};
    },
    release: resolve,
  };
}

Deno.test("check-back - while the half message is on its way it is answered unknown, no listener", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  let handle: Handle | undefined;
  broker.on(SEND, (command, from) => {
    const reply = broker.store(command, from);
    handle = broker.checkBack(broker.halves[0]!, { connection: from });
    return reply;
  });
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  const send = watch(producer.sendMessageInTransaction(message()));
  await settle();
  assertEquals(facts(broker.verdicts()), [verdict("UNKNOWN", handle!)]);
  assertEquals([listener.executions.length, listener.checks.length], [1, 0]);
  listener.executions[0]!.answer("COMMIT");
  await settle();

  assertEquals(send.value?.endTransaction, "confirmed");
  assertEquals(facts(broker.verdicts())[1], verdict("COMMIT", handle!));
});

Deno.test("check-back - while the local transaction runs it is answered unknown; the verdict names the newest copy", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, producer, send } = await begin(cluster);
  const handles: Handle[] = [];
  for (let round = 0; round < 3; round++) {
    await clock.advance(30_000);
    handles.push(broker.checkBack(broker.halves[0]!));
    await settle();
  }
  assertEquals(facts(broker.verdicts()), handles.map((handle) => verdict("UNKNOWN", handle)));
  assertEquals(broker.verdicts().every(({ oneway }) => oneway), true);
  listener.executions[0]!.answer("COMMIT");
  await settle();

  assertEquals(facts(broker.verdicts()).slice(3), [verdict("COMMIT", handles[2]!)]);
  assertEquals([send.value?.endTransaction, listener.checks.length], ["confirmed", 0]);
  assertEquals(producer.stats().stillRunningChecks, 3);
});

Deno.test("check-back - while the verdict is on its way it is held back, then answered without a second commit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { listener, producer, send } = await begin(cluster);
  const answer = held();
  broker.once(END, answer.reaction);
  listener.executions[0]!.answer("COMMIT");
  await settle();
  const first = broker.checkBack(broker.halves[0]!);
  const second = broker.checkBack(broker.halves[0]!);
  await settle();
  assertEquals([broker.states(), listener.checks.length], [["COMMIT"], 0]);
  answer.release();
  await settle();

  assertEquals(send.value?.endTransaction, "confirmed");
  assertEquals(facts(broker.verdicts()).slice(1), [verdict("UNKNOWN", second)]);
  assertFalse(
    facts(broker.verdicts()).some(({ commitLogOffset }) =>
      commitLogOffset === first.commitLogOffset
    ),
  );
  assertEquals(producer.stats().heldBackChecks, 2);
});

Deno.test("check-back - held back, it takes over a commit that the broker refused", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { listener, send } = await begin(cluster);
  let handle: Handle | undefined;
  broker.once(END, () => {
    handle = broker.checkBack(broker.halves[0]!);
    return { code: 1, remark: "The commit log offset wrong" };
  });
  listener.executions[0]!.answer("COMMIT");
  await settle();

  assertEquals(facts(broker.verdicts())[1], verdict("COMMIT", handle!));
  assertEquals([send.value?.endTransaction, broker.states().length], ["confirmed", 2]);
});

Deno.test("check-back - after a commit confirmed on the same connection it is answered unknown, never with a second commit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, producer } = await begin(cluster);
  listener.executions[0]!.answer("COMMIT");
  await settle();
  for (let round = 0; round < 15; round++) {
    broker.checkBack(broker.halves[0]!);
    await clock.advance(30_000);
  }

  assertEquals(broker.states(), ["COMMIT", ...Array(15).fill("UNKNOWN")]);
  assertEquals([listener.checks.length, producer.stats().alreadyCommittedChecks], [0, 15]);
});

Deno.test("check-back - after a commit confirmed on a connection that broke the broker may have lost it: commit again", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, producer } = await begin(cluster);
  listener.executions[0]!.answer("COMMIT");
  await settle();
  broker.cut();
  await clock.advance(2_000);
  const handle = broker.checkBack(broker.halves[0]!);
  await settle();
  assertEquals(facts(broker.verdicts())[1], verdict("COMMIT", handle));
  broker.checkBack(broker.halves[0]!);
  await settle();

  assertEquals(broker.states(), ["COMMIT", "COMMIT", "UNKNOWN"]);
  assertEquals([listener.checks.length, producer.stats().repeatedChecks], [0, 1]);
});

Deno.test("check-back - after a rollback it is answered with rollback each time", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { listener } = await begin(cluster);
  listener.executions[0]!.answer("ROLLBACK");
  await settle();
  const handles = [broker.checkBack(broker.halves[0]!)];
  await settle();
  handles.push(broker.checkBack(broker.halves[0]!));
  await settle();

  assertEquals(facts(broker.verdicts()).slice(1), handles.map((h) => verdict("ROLLBACK", h)));
  assertEquals(listener.checks, []);
});

Deno.test("check-back - after a commit of unknown fate that was not carried out it is answered with commit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, send } = await begin(cluster);
  broker.once(END, silence);
  listener.executions[0]!.answer("COMMIT");
  await clock.advance(3_000);
  assertEquals(send.value?.endTransaction, "failed");
  const handle = broker.checkBack(broker.halves[0]!);
  await clock.advance(500);

  assertEquals(facts(broker.verdicts())[1], verdict("COMMIT", handle));
  assertEquals(listener.checks, []);
});

Deno.test("check-back - after unknown the listener is asked, knowing that its part ran", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { listener } = await begin(cluster);
  listener.executions[0]!.answer("UNKNOWN");
  await settle();
  const handle = broker.checkBack(broker.halves[0]!);
  await settle();
  assertEquals(listener.checks[0]!.context.localTransactionRan, true);
  listener.checks[0]!.answer("COMMIT");
  await settle();

  assertEquals(facts(broker.verdicts())[1], verdict("COMMIT", handle));
});

Deno.test("check-back - a listener that contradicts itself is reported, and not obeyed", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener, { checkTimeout: 5_000 });
  const events = recordEvents(producer);
  const half = broker.strangeHalf({ transactionId: "T" });
  for (let question = 0; question < 4; question++) {
    broker.checkBack(half);
    await clock.advance(5_000);
  }
  broker.checkBack(half);
  await settle();
  assertEquals(listener.checks.length, 5, "asked again each time that it gave no answer");
  listener.checks[0]!.answer("COMMIT");
  await settle();
  assertEquals(events.filter(({ type }) => type === "contradiction"), []);
  listener.checks[4]!.answer("COMMIT");
  await settle();
  for (const [late, state] of (["COMMIT", "UNKNOWN", "ROLLBACK"] as const).entries()) {
    listener.checks[1 + late]!.answer(state);
  }
  await settle();

  assertEquals(broker.states(), ["UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN", "COMMIT"]);
  assertEquals(events.filter(({ type }) => type === "contradiction"), [{
    type: "contradiction",
    transactionId: "T",
    topic: "TopicTest",
    brokerName: "broker-1",
    sent: "COMMIT",
    contradictedBy: "ROLLBACK",
  }]);
  assertEquals(cluster.logger.matching("ROLLBACK is not sent", "error").length, 1);
});

Deno.test("check-back - three rounds while the listener works get one answer, for the newest copy", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  const half = broker.strangeHalf({ transactionId: "T" });
  broker.checkBack(half);
  await clock.advance(5_000);
  broker.checkBack(half);
  await clock.advance(5_000);
  const newest = broker.checkBack(half);
  await settle();
  assertEquals([listener.checks.length, broker.states().length], [1, 0]);
  listener.checks[0]!.answer("COMMIT");
  await settle();

  assertEquals(facts(broker.verdicts()), [verdict("COMMIT", newest)]);
  const { askedChecks, joinedChecks, answeredChecks } = producer.stats();
  assertEquals({ askedChecks, joinedChecks, answeredChecks }, {
    askedChecks: 1,
    joinedChecks: 2,
    answeredChecks: 1,
  });
});

Deno.test("check-back - one that comes in the very turn of the listener's answer makes no second commit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const listener = new PatientListener();
  await cluster.started(listener);
  const half = broker.strangeHalf({ transactionId: "T" });
  for (let delay = 0; delay < 20; delay++) {
    const id = `T${delay}`, asked = listener.checks.length;
    broker.checkBack({ ...half, transactionId: id });
    await settle();
    listener.checks[asked]!.answer("COMMIT");
    for (let i = 0; i < delay; i++) await Promise.resolve();
    broker.checkBack({ ...half, transactionId: id });
    await settle();

    const states = broker.verdicts().filter((v) => v.transactionId === id).map((v) => v.state);
    assertEquals(
      states.filter((state) => state === "COMMIT").length,
      1,
      `delay ${delay}: ${states}`,
    );
    assertEquals(listener.checks.length, asked + 1, `delay ${delay}: the listener was asked again`);
  }
});
