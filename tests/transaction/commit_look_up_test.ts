import { assert, assertEquals } from "@std/assert";
import { encodeStoredMessage, MessageProperty } from "../../src/message/mod.ts";
import { RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { TransactionProducer } from "../../src/transaction/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { eventually } from "../support/progress.ts";
import { recordEvents, ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { type Reaction, type Reply, silence } from "../support/scripted_peer.ts";
import { silentLogger } from "../support/test_client.ts";
import { begin, message, PatientListener, saying } from "./support.ts";

const { END_TRANSACTION, QUERY_MESSAGE } = RequestCode;

/** A commit that was written and never answered. */
async function commitInVain(cluster: ScriptedCluster) {
  const begun = await begin(cluster);
  cluster.broker.once(END_TRANSACTION, silence);
  begun.listener.executions[0]!.answer("COMMIT");
  await cluster.clock.advance(3_000);
  assertEquals(begun.send.value?.endTransaction, "failed");
  return { ...begun, events: recordEvents(begun.producer) };
}

/** The answer of a broker that has the message of a transaction in its topic. */
function found(transactionId: string, topic = TOPIC): Reply {
  return {
    body: encodeStoredMessage({
      topic,
      body: new TextEncoder().encode("Hello RocketMQ"),
      properties: { [MessageProperty.UniqueKey]: transactionId },
    }),
  };
}

Deno.test("check-back - a commit that was carried out and whose answer got lost is not given again", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster, { producer, listener, events } = await commitInVain(cluster);
  const [half] = broker.halves;
  broker.on(QUERY_MESSAGE, () => found(half!.transactionId));
  broker.checkBack(half!);
  await settle();
  broker.checkBack(half!);
  await settle();

  assertEquals(broker.states(), ["COMMIT", "ROLLBACK", "ROLLBACK"], "surplus ones are dropped");
  assertEquals(broker.requests(QUERY_MESSAGE)[0]!.extFields.topic, TOPIC);
  assertEquals([producer.stats().foundCommits, listener.checks.length], [2, 0]);
  const told = {
    type: "commitFound" as const,
    transactionId: half!.transactionId,
    topic: TOPIC,
    brokerName: broker.name,
  };
  assertEquals(events.filter(({ type }) => type === "commitFound"), [told, told]);
});

Deno.test("check-back - an index that lags behind is looked at once more", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  await commitInVain(cluster);
  const [half] = broker.halves;
  broker.checkBack(half!);
  await settle();
  assertEquals(broker.states(), ["COMMIT"]);
  broker.on(QUERY_MESSAGE, () => found(half!.transactionId));
  await clock.advance(500);
  assertEquals(broker.states(), ["COMMIT", "ROLLBACK"]);
});

/** What tells nothing of the message: twice is better than never. */
const OPEN: Record<string, Reaction> = {
  "is not there": () => ({ code: ResponseCode.QUERY_NOT_FOUND }),
  "is another of the same hash": () => found("7F000001000100000000000000000000"),
  "may not be looked for": () => ({ code: ResponseCode.NO_PERMISSION, remark: "no GET" }),
  "can't be looked for": () => ({ code: 3, remark: "not supported" }),
  "comes damaged": () => ({ body: Uint8Array.of(0, 0, 0, 5, 1) }),
};

for (const [title, reaction] of Object.entries(OPEN)) {
  Deno.test(`check-back - a commit whose answer got lost is given again when the message ${title}`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker, clock } = cluster;
    const { producer } = await commitInVain(cluster);
    broker.on(QUERY_MESSAGE, reaction);
    const handle = broker.checkBack(broker.halves[0]!);
    await clock.advance(3_000);

    assertEquals(broker.states(), ["COMMIT", "COMMIT"]);
    assertEquals(broker.verdicts()[1]!.commitLogOffset, handle.commitLogOffset);
    assertEquals(producer.stats().confirmedVerdicts, 1);
  });
}

Deno.test("check-back - while a broker gives no answer to a look, it is told unknown; before it discards the message, commit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  await cluster.started(saying("UNKNOWN", "COMMIT"), { transactionCheckMax: 5 });
  broker.on(QUERY_MESSAGE, silence);
  const half = broker.strangeHalf({ transactionId: "T" });
  for (const times of ["1", "2", "3"]) {
    broker.checkBack(half, { properties: { TRANSACTION_CHECK_TIMES: times } });
    await clock.advance(3_000);
  }

  assertEquals(broker.states(), ["UNKNOWN", "UNKNOWN", "COMMIT"]);
});

for (const counted of [true, false]) {
  const how = counted ? "that checks less often than the client is told" : "that counts no checks";
  Deno.test(`check-back - a broker ${how} and answers no look gets the commit before it discards the message`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker, clock } = cluster;
    await cluster.started(saying("UNKNOWN", "COMMIT"));
    broker.on(QUERY_MESSAGE, silence);
    const half = broker.strangeHalf({ transactionId: "T" });
    for (let times = 1; times <= 5 && !broker.states().includes("COMMIT"); times++) {
      const properties = counted ? { TRANSACTION_CHECK_TIMES: `${times}` } : {};
      broker.checkBack(half, { properties });
      await clock.advance(3_000);
    }

    assertEquals(broker.states(), ["UNKNOWN", "UNKNOWN", "UNKNOWN", "COMMIT"]);
  });
}

Deno.test("check-back - a look that is answered again puts no commit off any more", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  await cluster.started(saying("UNKNOWN", "COMMIT"));
  const half = broker.strangeHalf({ transactionId: "T" });
  broker.on(QUERY_MESSAGE, silence);
  broker.checkBack(half);
  await clock.advance(3_000);
  broker.on(QUERY_MESSAGE, () => found("T"));
  broker.checkBack(half);
  await clock.advance(3_000);

  assertEquals(broker.states().includes("COMMIT"), false, "it is visible already");
});

Deno.test("check-back - what came while a commit was on its way in vain is looked up, too", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener, send } = await begin(cluster);
  const [half] = broker.halves;
  broker.once(END_TRANSACTION, silence);
  broker.on(QUERY_MESSAGE, () => found(half!.transactionId));
  listener.executions[0]!.answer("COMMIT");
  await settle();
  broker.checkBack(half!);
  await clock.advance(6_000);

  assertEquals(broker.states(), ["COMMIT", "ROLLBACK"]);
  assertEquals(send.value?.endTransaction, "failed", "its own answer got lost");
});

Deno.test("check-back - a surplus half message that came on another connection is not dropped, but when it is checked again", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener } = await begin(cluster);
  const [half] = broker.halves;
  broker.once(END_TRANSACTION, silence);
  broker.on(QUERY_MESSAGE, () => found(half!.transactionId));
  listener.executions[0]!.answer("COMMIT");
  await settle();
  broker.checkBack(half!);
  await settle();
  broker.cut();
  await clock.advance(3_000);
  assertEquals(broker.states(), ["COMMIT", "UNKNOWN"], "the broker may have lost it meanwhile");
  const again = broker.checkBack(half!);
  await settle();
  listener.checks[0]?.answer("COMMIT");
  await settle();

  assertEquals(broker.states(), ["COMMIT", "UNKNOWN", "ROLLBACK"]);
  assertEquals(broker.verdicts()[2]!.commitLogOffset, again.commitLogOffset);
});

Deno.test("check-back - a listener as slow as the check rounds is called once: what was dropped is dropped again without it", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const listener = new PatientListener();
  await cluster.started(listener);
  const half = broker.strangeHalf({ transactionId: "T" });
  broker.visible.push("T");
  broker.checkBack(half);
  await settle();
  listener.checks[0]!.answer("COMMIT");
  await settle();
  for (let round = 0; round < 3; round++) {
    broker.checkBack(half);
    await settle();
  }

  assertEquals(broker.states(), Array(4).fill("ROLLBACK"));
  assertEquals([listener.checks.length, broker.visible.length], [1, 1]);
});

Deno.test("check-back - a surplus half message of a broker that does not count its checks is not dropped", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  await cluster.started(saying("UNKNOWN", "COMMIT"));
  const half = broker.strangeHalf({ transactionId: "in RocksDB" });
  broker.visible.push(half.transactionId);
  broker.checkBack(half, { properties: { TRANSACTION_CHECK_TIMES: undefined } });
  await settle();

  assertEquals(broker.states(), ["UNKNOWN"]);
});

Deno.test("check-back - a broker that says how far its index has come is believed: no pause before the commit", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  await cluster.started(saying("UNKNOWN", "COMMIT"));
  let indexed = 0n;
  broker.on(
    QUERY_MESSAGE,
    ({ extFields: { topic } }) =>
      topic === TOPIC
        ? { code: ResponseCode.QUERY_NOT_FOUND }
        : { extFields: { indexLastUpdatePhyoffset: String(indexed) } },
  );
  const early = broker.checkBack(broker.strangeHalf({ transactionId: "early" }));
  indexed = early.commitLogOffset;
  await settle();
  assertEquals(broker.states(), ["COMMIT"]);
  broker.checkBack(broker.strangeHalf({ transactionId: "late" }));
  await settle();
  assertEquals(broker.states(), ["COMMIT"], "the index is not there yet");
  await clock.advance(500);
  assertEquals(broker.states(), ["COMMIT", "COMMIT"]);
});

Deno.test("check-back - after a listener that may have waited for the sender's lock, the sender commits first", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  broker.checkBack(broker.strangeHalf({ transactionId: "T" }));
  await clock.advance(20);
  listener.checks[0]!.answer("COMMIT");
  await clock.advance(100);
  assertEquals(broker.states(), [], "the sender's COMMIT may be on its way");
  broker.visible.push("T");
  await clock.advance(400);

  assertEquals(broker.states(), ["ROLLBACK"], "the surplus half message is dropped");
  assertEquals([producer.stats().foundCommits, broker.visible.length], [1, 1]);
});

Deno.test("check-back - a look that the broker refuses for a moment is repeated, and no check round is lost", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  await cluster.started(saying("UNKNOWN", "COMMIT"));
  const busy = () => ({ code: ResponseCode.SYSTEM_BUSY, remark: "[PCBUSY_CLEAN_QUEUE]" });
  broker.once(QUERY_MESSAGE, busy, busy);
  broker.checkBack(broker.strangeHalf({ transactionId: "T" }));
  await clock.advance(1_000);
  assertEquals(broker.states(), ["COMMIT"]);
});

Deno.test("check-back - a look whose connection is lost is repeated on the next one", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  await cluster.started(saying("UNKNOWN", "COMMIT"));
  broker.once(QUERY_MESSAGE, () => broker.cut());
  broker.checkBack(broker.strangeHalf({ transactionId: "T" }));
  await clock.advance(1_500);
  assertEquals(broker.states(), ["COMMIT"]);
});

Deno.test("commit - a sender's look that the broker refuses for a moment is repeated before its COMMIT", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster, { listener } = await begin(cluster);
  await clock.advance(2_000);
  broker.visible.push(broker.halves[0]!.transactionId);
  broker.once(QUERY_MESSAGE, () => ({ code: ResponseCode.SYSTEM_BUSY }));
  listener.executions[0]!.answer("COMMIT");
  await clock.advance(1_000);
  assertEquals(
    [broker.states(), broker.visible.length],
    [[], 1],
    "another member has committed it",
  );
});

Deno.test("check-back - a rollback is given again without a look", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { listener } = await begin(cluster);
  broker.once(END_TRANSACTION, silence);
  listener.executions[0]!.answer("ROLLBACK");
  await clock.advance(3_000);
  broker.checkBack(broker.halves[0]!);
  await settle();
  assertEquals(broker.states(), ["ROLLBACK", "ROLLBACK"]);
  assertEquals(broker.requests(QUERY_MESSAGE), []);
});

for (const endTransactionMode of ["confirm", "oneway"] as const) {
  Deno.test(`${endTransactionMode} - a broker that loses its mark of a commit gets no second copy`, async () => {
    await using broker = await EmbeddedBroker.start({
      transactionCheckInterval: Infinity,
      opBatchInterval: 60_000,
    });
    await using producer = new TransactionProducer({
      nameServers: broker.nameServer,
      producerGroup: "group",
      topics: [TOPIC],
      logger: silentLogger,
      endTransactionTimeout: 300,
      endTransactionMode,
      transactionListener: {
        executeLocalTransaction: () => "COMMIT",
        checkLocalTransaction: () => "COMMIT",
      },
    });
    await producer.start();
    if (endTransactionMode === "confirm") {
      broker.faults.add({
        on: "END_TRANSACTION",
        times: 1,
        carriedOut: true,
        action: "drop",
      });
    }
    const { endTransaction } = await producer.sendMessageInTransaction({ topic: TOPIC, body: "x" });
    assertEquals(endTransaction, endTransactionMode === "confirm" ? "failed" : "sent");
    assert(await eventually(async () => (await broker.messages(TOPIC)).length === 1, 5_000));
    const { name } = broker.brokers[0]!;
    const registered = (count: number) =>
      eventually(() => producer.stats().registeredBrokers.length === count, 10_000);
    await broker.kill(name);
    assert(await registered(0));
    await broker.start(name);
    assert(await registered(1));
    assertEquals(broker.checkNow(), 1);
    assert(await eventually(() => producer.stats().foundCommits === 1, 5_000));
    assertEquals((await broker.messages(TOPIC)).length, 1);
  });
}

Deno.test("check-back - hundreds of lost answers are looked up a few at a time, and all settle", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = await cluster.started(saying("COMMIT"), { sendTimeout: 60_000 });
  broker.on(END_TRANSACTION, silence);
  const sends = Array.from({ length: 300 }, () => producer.sendMessageInTransaction(message()));
  await clock.advance(3_000);
  await Promise.all(sends);
  broker.on(END_TRANSACTION, () => ({}));
  let running = 0, most = 0;
  broker.on(QUERY_MESSAGE, async ({ extFields }) => {
    most = Math.max(most, ++running);
    await settle();
    running--;
    return found(extFields.key!);
  });
  for (const half of broker.halves) broker.checkBack(half);
  while (producer.stats().foundCommits < 300) await clock.advance(10);

  assertEquals(most, 64);
  assertEquals(broker.states().filter((state) => state === "COMMIT").length, 300);
});

Deno.test("check-back - behind a server that refuses look-ups, a commit that was refused for a moment is sent again", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  await cluster.started(saying("UNKNOWN", "COMMIT"));
  broker.on(QUERY_MESSAGE, () => ({ code: 3, remark: "not supported" }));
  broker.once(END_TRANSACTION, () => ({ code: 2, remark: "busy" }));
  broker.checkBack(broker.strangeHalf({ transactionId: "T" }));
  await clock.advance(3_000);

  assertEquals([broker.states(), broker.visible], [["COMMIT", "COMMIT"], ["T"]]);
});
