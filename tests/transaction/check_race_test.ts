import { assertEquals, assertFalse } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { recordEvents, ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import type { Handle, ReceivedVerdict } from "../support/scripted_broker.ts";
import { type Reaction, silence } from "../support/scripted_peer.ts";
import { begin, message, PatientListener, saying } from "./support.ts";

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

Deno.test("check-back - while the commit is on its way it is held back, then the surplus half message is dropped", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, producer, send } = await begin(cluster);
  const answer = held();
  broker.once(END, answer.reaction);
  listener.executions[0]!.answer("COMMIT");
  await settle();
  const first = broker.checkBack(broker.halves[0]!);
  const second = broker.checkBack(broker.halves[0]!);
  await settle();
  assertEquals([broker.states(), listener.checks.length], [["COMMIT"], 0]);
  broker.visible.push(broker.halves[0]!.transactionId);
  answer.release();
  await settle();

  assertEquals(send.value?.endTransaction, "confirmed");
  await clock.advance(500);
  assertEquals(facts(broker.verdicts()).slice(1), [verdict("ROLLBACK", second)]);
  assertFalse(
    facts(broker.verdicts()).some(({ commitLogOffset }) =>
      commitLogOffset === first.commitLogOffset
    ),
  );
  assertEquals(producer.stats().heldBackChecks, 2);
});

Deno.test("check-back - held back, it takes over a commit that the broker refused", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, send } = await begin(cluster);
  let handle: Handle | undefined;
  broker.once(END, () => {
    handle = broker.checkBack(broker.halves[0]!);
    return { code: 1, remark: "The commit log offset wrong" };
  });
  listener.executions[0]!.answer("COMMIT");
  await settle();
  assertEquals(send.value?.endTransaction, "failed", "the first outcome is the result");
  await clock.advance(500);

  assertEquals(facts(broker.verdicts())[1], verdict("COMMIT", handle!));
  assertEquals([broker.states().length, broker.visible.length], [2, 1]);
});

Deno.test("check-back - after a confirmed commit the database is asked, and the surplus half message dropped: no second commit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = await cluster.started(saying("COMMIT", "COMMIT"));
  await producer.sendMessageInTransaction(message());
  const surplus: Handle[] = [];
  for (let round = 0; round < 3; round++) {
    surplus.push(broker.checkBack(broker.halves[0]!));
    await clock.advance(30_000);
  }

  assertEquals(broker.states(), ["COMMIT", "ROLLBACK", "ROLLBACK", "ROLLBACK"]);
  assertEquals(facts(broker.verdicts()).slice(1), surplus.map((h) => verdict("ROLLBACK", h)));
  assertEquals([broker.visible.length, producer.stats().foundCommits], [1, 3]);
});

Deno.test("check-back - a confirmed commit that the broker has lost with its connection is given again", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = await cluster.started(saying("COMMIT", "COMMIT"));
  await producer.sendMessageInTransaction(message());
  broker.cut();
  broker.visible.length = 0;
  await clock.advance(2_000);
  const handle = broker.checkBack(broker.halves[0]!);
  await settle();

  assertEquals(facts(broker.verdicts())[1], verdict("COMMIT", handle));
  assertEquals(broker.visible.length, 1);
});

Deno.test("check-back - a success that was none is no proof: the commit is given again, and the message is visible", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  broker.once(END, () => ({}));
  const producer = await cluster.started(saying("COMMIT", "COMMIT"));
  const { endTransaction } = await producer.sendMessageInTransaction(message());
  assertEquals([endTransaction, broker.visible.length], ["confirmed", 0]);
  const handle = broker.checkBack(broker.halves[0]!);
  await settle();

  assertEquals(facts(broker.verdicts())[1], verdict("COMMIT", handle));
  assertEquals(broker.visible.length, 1);
});

Deno.test("check-back - of another member of the group that committed meanwhile: no second commit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { listener, send } = await begin(cluster);
  const half = broker.halves[0]!;
  const handle = broker.checkBack(half);
  await settle();
  broker.visible.push(half.transactionId);
  listener.executions[0]!.answer("COMMIT");
  await settle();

  assertEquals(facts(broker.verdicts()).slice(1), [verdict("ROLLBACK", handle)]);
  assertEquals([send.value?.endTransaction, broker.visible.length], ["confirmed", 1]);
});

Deno.test("check-back - after a rollback the database is asked again", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started(saying("ROLLBACK", "ROLLBACK"));
  await producer.sendMessageInTransaction(message());
  const handles = [broker.checkBack(broker.halves[0]!)];
  await settle();
  handles.push(broker.checkBack(broker.halves[0]!));
  await settle();

  assertEquals(facts(broker.verdicts()).slice(1), handles.map((h) => verdict("ROLLBACK", h)));
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
  broker.once(END, silence);
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
  await clock.advance(500);

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
  const { broker, clock } = cluster;
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
    listener.checks[asked + 1]?.answer("COMMIT");
    await clock.advance(500);

    const states = broker.verdicts().filter((v) => v.transactionId === id).map((v) => v.state);
    assertEquals(
      states.filter((state) => state === "COMMIT").length,
      1,
      `delay ${delay}: ${states}`,
    );
    assertEquals(broker.visible.filter((visible) => visible === id).length, 1);
  }
});
