import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { BrokerResponseError, InvalidStateError } from "../../src/errors.ts";
import { MessageProperty } from "../../src/message/mod.ts";
import { RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import type { Reaction } from "../support/scripted_peer.ts";
import { begin, message, PatientListener } from "./support.ts";

const { VIEW_MESSAGE_BY_ID } = RequestCode;

/** A transaction whose local part ends with a commit after the broker was gone for a moment. */
async function commitAfterRestart(cluster: ScriptedCluster, restart: () => void) {
  const { broker, clock } = cluster;
  const { listener, send, producer } = await begin(cluster);
  broker.connection.reset();
  restart();
  await clock.advance(5_000);
  listener.executions[0]!.answer("COMMIT");
  await settle();
  return { send, producer };
}

Deno.test("verdict - after a reconnect it ends the half message only if that is still where it was", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { send } = await commitAfterRestart(cluster, () => {});

  assertEquals(broker.states(), ["COMMIT"]);
  assertEquals(send.value?.endTransaction, "confirmed");
  const { offset, topic } = broker.requests(VIEW_MESSAGE_BY_ID)[0]!.extFields;
  assertEquals([offset, topic], [String(broker.halves[0]!.commitLogOffset), "TopicTest"]);
});

Deno.test("verdict - on the connection that the half message went over nothing is looked at", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { listener } = await begin(cluster);
  listener.executions[0]!.answer("COMMIT");
  await settle();

  assertEquals([broker.states(), broker.requests(VIEW_MESSAGE_BY_ID).length], [["COMMIT"], 0]);
});

Deno.test("verdict - a half message of another transaction in the place of a lost one is not committed", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { send } = await commitAfterRestart(cluster, () => {
    const { commitLogOffset } = broker.halves[0]!;
    broker.write(commitLogOffset, {
      topic: "RMQ_SYS_TRANS_HALF_TOPIC",
      body: new Uint8Array(8),
      properties: { [MessageProperty.UniqueKey]: "7F000001000100000000000000000000" },
    });
  });

  assertEquals(broker.states(), []);
  assertEquals(send.value?.endTransaction, "failed");
  assertInstanceOf(send.value?.endTransactionError, InvalidStateError);
  assertStringIncludes(send.value.endTransactionError.message, "7F000001000100000000000000000000");
  const newest = broker.checkBack(broker.halves[0]!);
  await cluster.clock.advance(500);
  assertEquals(broker.states(), ["COMMIT"], "a copy that was saved is checked");
  assertEquals(broker.verdicts()[0]!.commitLogOffset, newest.commitLogOffset);
});

Deno.test("verdict - the answer to a question that a broker asked before it lost its log, too, is not given there", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const listener = new PatientListener();
  await cluster.started(listener, { checkTimeout: 20_000 });
  const { commitLogOffset } = broker.checkBack(broker.strangeHalf({ transactionId: "T" }));
  await settle();
  const other = { transactionId: "U", properties: { [MessageProperty.UniqueKey]: "U" } };
  broker.write(commitLogOffset, broker.strangeHalf(other));
  broker.connection.reset();
  await clock.advance(5_000);
  listener.checks[0]!.answer("ROLLBACK");
  await settle();

  assertEquals(broker.states(), []);
});

Deno.test("verdict - of a half message that went over the VIP channel is looked at, too", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, network } = cluster;
  network.listen("10.0.1.1:10909", broker);
  const listener = new PatientListener();
  const producer = await cluster.started(listener, { vipChannel: true });
  for (const isLost of [false, true]) {
    const send = watch(producer.sendMessageInTransaction(message()));
    await settle();
    const half = broker.halves.at(-1)!;
    if (isLost) broker.write(half.commitLogOffset, broker.halves[0]!);
    listener.executions.at(-1)!.answer("COMMIT");
    await settle();
    assertEquals(send.value?.endTransaction, isLost ? "failed" : "confirmed");
  }

  assertEquals(broker.states(), ["COMMIT"]);
});

/** What tells that the half message is gone. */
const GONE: Record<string, [Reaction, new (...args: never[]) => Error]> = {
  "nothing": [() => ({ code: ResponseCode.SYSTEM_ERROR, remark: "gone" }), BrokerResponseError],
  "the middle of a message": [() => ({ body: Uint8Array.of(0, 0, 0, 9, 1) }), InvalidStateError],
  "no message at all": [() => ({}), InvalidStateError],
};

for (const [title, [reaction, type]] of Object.entries(GONE)) {
  Deno.test(`verdict - with ${title} in the place of the half message it does not leave`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster;
    const { send } = await commitAfterRestart(
      cluster,
      () => broker.on(VIEW_MESSAGE_BY_ID, reaction),
    );

    assertEquals([broker.states(), send.value?.endTransaction], [[], "failed"]);
    assertInstanceOf(send.value?.endTransactionError, type);
  });
}

for (const code of [ResponseCode.REQUEST_CODE_NOT_SUPPORTED, ResponseCode.NO_PERMISSION]) {
  Deno.test(`verdict - a server that does not let look, code ${code}, gets it unseen`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster;
    const { send } = await commitAfterRestart(
      cluster,
      () => broker.on(VIEW_MESSAGE_BY_ID, () => ({ code, remark: "no" })),
    );

    assertEquals([broker.states(), send.value?.endTransaction], [["COMMIT"], "confirmed"]);
  });
}

Deno.test("verdict - a broker that is busy when it is looked at gets it a little later", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { send } = await commitAfterRestart(cluster, () => {
    broker.once(VIEW_MESSAGE_BY_ID, () => ({ code: ResponseCode.SYSTEM_BUSY, remark: "busy" }));
  });
  await clock.advance(1_000);

  assertEquals([broker.states(), send.value?.endTransaction], [["COMMIT"], "confirmed"]);
});
