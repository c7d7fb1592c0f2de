import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { BrokerResponseError, ConnectionError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import type { TransactionSendResult } from "../../src/transaction/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { type Reaction, silence } from "../support/scripted_peer.ts";
import { begin, message, saying } from "./support.ts";

const END = RequestCode.END_TRANSACTION;

/** Commits one transaction on a broker that reacts to verdicts as scripted, and waits at most 3 s. */
async function commit(
  cluster: ScriptedCluster,
  ...reactions: Reaction[]
): Promise<TransactionSendResult> {
  cluster.broker.once(END, ...reactions);
  const producer = await cluster.started(saying("COMMIT", "COMMIT"));
  const send = watch(producer.sendMessageInTransaction(message()));
  await cluster.clock.advance(3_000);
  assertEquals(send.state, "resolved", String(send.error));
  assertEquals(send.value!.localTransactionState, "COMMIT");
  return send.value!;
}

/** Lets the broker ask back and asserts that the verdict is given for the new copy. */
async function assertCheckBackSettles(cluster: ScriptedCluster): Promise<void> {
  await cluster.clock.advance(2_000);
  const handle = cluster.broker.checkBack(cluster.broker.halves[0]!);
  await cluster.clock.advance(500);
  const last = cluster.broker.verdicts().at(-1)!;
  assertEquals(
    {
      state: last.state,
      tranStateTableOffset: last.tranStateTableOffset,
      commitLogOffset: last.commitLogOffset,
      fromTransactionCheck: last.fromTransactionCheck,
    },
    { state: "COMMIT", ...handle, fromTransactionCheck: true },
  );
}

for (
  const [code, remark, part] of [
    [1, "The producer group wrong", "not found under this group"],
    [1, "The commit log offset wrong", "not found under this group"],
    [604, "too late", "CHECK_IMMUNITY_TIME_IN_SECONDS"],
    [16, "no permission", "no permission"],
    [9999, "never heard of", "9999"],
  ] as const
) {
  Deno.test(`verdict - refused with ${code} "${remark}" it failed and is not repeated`, async () => {
    await using cluster = new ScriptedCluster();
    const result = await commit(cluster, () => ({ code, remark }));

    assertEquals(result.endTransaction, "failed");
    assertInstanceOf(result.endTransactionError, BrokerResponseError);
    assertEquals(result.endTransactionError.responseCode, code);
    for (const text of [part, remark, "broker-1", "10.0.1.1:10911"]) {
      assertStringIncludes(result.endTransactionError.message, text);
    }
    assertEquals(cluster.broker.states(), ["COMMIT"]);
    await assertCheckBackSettles(cluster);
  });
}

for (const code of [2, 14, 215, 1500]) {
  Deno.test(`verdict - refused with ${code} for a passing reason it is given again`, async () => {
    await using cluster = new ScriptedCluster();
    const result = await commit(cluster, () => ({ code, remark: "busy" }));

    assertEquals([result.endTransaction, result.endTransactionError], ["confirmed", undefined]);
    assertEquals(cluster.broker.states(), ["COMMIT", "COMMIT"]);
    const [first, second] = cluster.broker.verdicts();
    assertEquals(first!.commitLogOffset, second!.commitLogOffset);
  });
}

Deno.test("verdict - a broker that stays busy ends it at its deadline, after pauses", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  broker.on(END, () => ({ code: 2, remark: "busy" }));
  const producer = await cluster.started(saying("COMMIT"), { endTransactionTimeout: 2_000 });
  const send = watch(producer.sendMessageInTransaction(message()));
  await clock.advance(2_000);

  assertEquals(send.value!.endTransaction, "failed");
  const { responseCode } = send.value!.endTransactionError as BrokerResponseError;
  assertEquals(responseCode, 2, "the refusal, and no attempt with no time left for its answer");
  const tries = broker.states().length;
  assert(tries >= 3 && tries <= 8, `${tries} tries in 2 s`);
});

Deno.test("verdict - the pauses before a busy broker is asked again are drawn by lot", async () => {
  for (const [chance, pauses] of [[0, [50, 100, 200]], [0.5, [75, 150, 300]]] as const) {
    await using cluster = new ScriptedCluster();
    const { broker, clock } = cluster;
    broker.on(END, () => ({ code: 2 }));
    const producer = await cluster.started(saying("COMMIT"), { endTransactionTimeout: 2_000 });
    clock.chance = () => chance;
    const send = watch(producer.sendMessageInTransaction(message()));
    await clock.advance(0);
    for (const [index, pause] of pauses.entries()) {
      await clock.advance(pause - 1);
      assertEquals(broker.states().length, 1 + index);
      await clock.advance(1);
      assertEquals(broker.states().length, 2 + index);
    }
    await clock.advance(2_000);
    assertEquals(send.value?.endTransaction, "failed");
  }
});

/** What leaves the fate of a verdict open. */
const LOST: Record<string, { reaction: Reaction; code: string }> = {
  "the connection breaks": { reaction: (_c, from) => from.reset(), code: "CONNECTION_LOST" },
  "the connection ends": { reaction: (_c, from) => from.end(), code: "CONNECTION_LOST" },
  "garbage comes": {
    reaction: (_c, from) => from.send(Uint8Array.of(255, 255, 255, 255)),
    code: "CONNECTION_LOST",
  },
  "no answer comes": { reaction: silence, code: "TIMEOUT" },
};

for (const [title, { reaction, code }] of Object.entries(LOST)) {
  Deno.test(`verdict - when ${title} after it was written, only a check-back repeats it`, async () => {
    await using cluster = new ScriptedCluster();
    const result = await commit(cluster, reaction);

    assertEquals(result.endTransaction, "failed");
    assertInstanceOf(result.endTransactionError, ConnectionError);
    assertEquals([result.endTransactionError.code, result.endTransactionError.written], [
      code,
      true,
    ]);
    await cluster.clock.advance(20_000);
    assertEquals(cluster.broker.states(), ["COMMIT"]);
    await assertCheckBackSettles(cluster);
  });
}

Deno.test("verdict - when the connection broke before, it goes over the next one", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, send } = await begin(cluster);
  broker.cut();
  await settle();
  listener.executions[0]!.answer("COMMIT");
  await clock.advance(1_500);

  assertEquals(send.value?.endTransaction, "confirmed");
  assertEquals(broker.connections.length, 2);
  const [verdict] = broker.verdicts();
  assertEquals(verdict!.connection, broker.connections[1]);
  assertEquals(verdict!.commitLogOffset, broker.halves[0]!.commitLogOffset);
});

Deno.test("verdict - one that was queued when the connection broke goes over the next", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock, network } = cluster;
  const { producer, listener, send } = await begin(cluster);
  const wire = network.ends.get(broker.address)!;
  wire.hold();
  const stuck = watch(producer.send(message({ body: "stuck in the socket" })));
  await settle();
  listener.executions[0]!.answer("COMMIT");
  await settle();
  wire.reset();
  await clock.advance(3_000);

  assertEquals(send.value?.endTransaction, "confirmed");
  assertEquals(broker.verdicts().map(({ connection }) => connection), [broker.connections[1]]);
  assertEquals(stuck.state, "resolved", "an ordinary message is sent again");
});

Deno.test("verdict - a broker that is away for longer than the deadline leaves it to the check-back", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock, network } = cluster;
  const { listener, send } = await begin(cluster);
  network.fail(broker.address);
  broker.cut();
  await settle();
  listener.executions[0]!.answer("COMMIT");
  await clock.advance(2_999);
  assertEquals(send.state, "pending");
  await clock.advance(51);
  assertEquals(send.value?.endTransaction, "failed");
  assertEquals((send.value!.endTransactionError as ConnectionError).written, false);
  network.mend(broker.address);
  await clock.advance(5_000);

  await assertCheckBackSettles(cluster);
  assertEquals(broker.states(), ["COMMIT"]);
  assertEquals(listener.checks, [], "the verdict is known");
});

Deno.test("verdict - a broker that is back when no time for an answer is left gets none", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster, { listener, send } = await begin(cluster);
  const { promise: back, resolve: comeBack } = Promise.withResolvers<void>();
  broker.on(RequestCode.HEART_BEAT, () => back.then(() => ({})));
  broker.cut();
  await settle();
  listener.executions[0]!.answer("COMMIT");
  await clock.advance(2_940);
  comeBack();
  await clock.advance(60);

  assertEquals([send.value?.endTransaction, broker.states()], ["failed", []]);
  const { endTransactionError } = send.value!;
  assertInstanceOf(endTransactionError, ConnectionError);
  assertEquals([endTransactionError.code, endTransactionError.written], ["TIMEOUT", false]);
  assertStringIncludes(endTransactionError.message, "of 3000 ms only 60 were left");
  await assertCheckBackSettles(cluster);
});

Deno.test("verdict - when the new master is a slave, too, it failed", async () => {
  await using cluster = new ScriptedCluster();
  cluster.broker.on(END, () => ({ code: 11, remark: "slave" }));
  const result = await commit(cluster);

  assertEquals(result.endTransaction, "failed");
  assertStringIncludes(result.endTransactionError!.message, "slave");
  assertEquals(cluster.broker.states(), ["COMMIT", "COMMIT"]);
  assertEquals(cluster.nameServer.asked(), [TOPIC, TOPIC]);
});

Deno.test("verdict - unknown is one-way even while nothing is read, and ends at its deadline", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock, network } = cluster;
  const producer = await cluster.started({
    executeLocalTransaction() {
      network.ends.get(broker.address)!.hold();
      return "UNKNOWN";
    },
  });
  const send = watch(producer.sendMessageInTransaction(message()));
  await clock.advance(3_000);

  assertEquals(send.value?.endTransaction, "failed");
  assertEquals((send.value!.endTransactionError as ConnectionError).code, "TIMEOUT");
  network.ends.get(broker.address)!.release();
});
