import { deflateSync } from "node:zlib";
import { assert, assertEquals, assertFalse, assertStrictEquals } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import {
  compressionFlags,
  CompressionType,
  type MessageExt,
  SysFlag,
} from "../../src/message/internal.ts";
import type { CheckContext } from "../../src/transaction/mod.ts";
import { settle, until } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import type { CheckBackOptions } from "../support/scripted_broker.ts";
import { PatientListener, saying } from "./support.ts";

/** A producer whose listener keeps what it is asked and says the same each time. */
async function startRecording(cluster: ScriptedCluster) {
  const asked: { message: MessageExt; context: CheckContext }[] = [];
  const producer = await cluster.started({
    executeLocalTransaction: () => "UNKNOWN",
    checkLocalTransaction(message, context) {
      asked.push({ message, context });
      return "COMMIT";
    },
  });
  return { producer, asked };
}

Deno.test("check-back - a restarted producer is asked about what it does not remember, and settles it", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { asked } = await startRecording(cluster);
  const half = broker.strangeHalf({
    transactionId: "7F000001000100000000000000000001",
    body: new TextEncoder().encode("Grüße"),
    properties: { KEYS: "order-1 order-2", TAGS: "TagA", region: "eu" },
  });
  const handle = broker.checkBack(half, { properties: { TRANSACTION_CHECK_TIMES: "3" } });
  await settle();

  const [{ message, context }] = asked as [(typeof asked)[number]];
  assertEquals(new TextDecoder().decode(message.body), "Grüße");
  assertEquals([message.topic, message.tags, message.keys, message.brokerName], [
    TOPIC,
    "TagA",
    ["order-1", "order-2"],
    "broker-1",
  ]);
  assertEquals(message.properties.region, "eu");
  const { transactionId, checkTimes, localTransactionRan, known, brokerName, signal } = context;
  assertEquals(
    { transactionId, checkTimes, localTransactionRan, known, brokerName, aborted: signal.aborted },
    {
      transactionId: half.transactionId,
      checkTimes: 3,
      localTransactionRan: undefined,
      known: false,
      brokerName: "broker-1",
      aborted: false,
    },
  );
  const [command] = broker.requests(RequestCode.END_TRANSACTION);
  assertEquals(command!.extFields, {
    producerGroup: "group",
    tranStateTableOffset: String(handle.tranStateTableOffset),
    commitLogOffset: String(handle.commitLogOffset),
    commitOrRollback: "8",
    fromTransactionCheck: "true",
    msgId: half.transactionId,
    transactionId: half.transactionId,
    topic: TOPIC,
    bname: "broker-1",
  });
});

Deno.test("check-back - the answer goes over the connection that it came on, with two brokers too", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  await startRecording(cluster);
  for (const broker of cluster.brokers) {
    broker.checkBack(broker.strangeHalf({ transactionId: `T of ${broker.name}` }));
  }
  await settle();

  for (const broker of cluster.brokers) {
    const [verdict] = broker.verdicts();
    assertEquals([verdict!.transactionId, verdict!.state], [`T of ${broker.name}`, "COMMIT"]);
    assertStrictEquals(verdict!.connection, broker.connections[0]);
  }
});

Deno.test("check-back - when its connection broke, the answer goes over a new one to the same broker", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const listener = new PatientListener();
  await cluster.started(listener);
  const handle = broker.checkBack(broker.strangeHalf({ transactionId: "T" }));
  await settle();
  broker.cut();
  await settle();
  listener.checks[0]!.answer("COMMIT");
  await clock.advance(3_000);

  const [verdict] = broker.verdicts();
  assertEquals([verdict!.state, verdict!.commitLogOffset], ["COMMIT", handle.commitLogOffset]);
  assertStrictEquals(verdict!.connection, broker.connections[1]);
});

Deno.test("check-back - two groups in one process each get theirs", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  await cluster.started(saying("UNKNOWN", "COMMIT"), { producerGroup: "orders" });
  await cluster.started(saying("UNKNOWN", "ROLLBACK"), { producerGroup: "payments" });
  const [orders, payments] = broker.connections;
  for (const [group, connection] of [["orders", orders!], ["payments", payments!]] as const) {
    broker.checkBack(broker.strangeHalf({ transactionId: `T of ${group}`, group }), { connection });
  }
  await settle();

  assertEquals(broker.heartbeats().map(({ producerGroups }) => producerGroups), [
    ["orders"],
    ["payments"],
  ]);
  assertEquals(
    broker.verdicts().map(({ producerGroup, state }) => [producerGroup, state]).toSorted(),
    [["orders", "COMMIT"], ["payments", "ROLLBACK"]],
  );
});

/** By what a transaction is known, when ids are missing or differ. */
const IDS: { title: string; options: CheckBackOptions; id: string | RegExp }[] = [
  {
    title: "the property and the header differ",
    options: { properties: { UNIQ_KEY: "property" }, header: { transactionId: "header" } },
    id: "property",
  },
  {
    title: "the property is missing",
    options: { properties: { UNIQ_KEY: undefined }, header: { transactionId: "header" } },
    id: "header",
  },
  {
    title: "property and transaction id are missing",
    options: {
      properties: { UNIQ_KEY: undefined },
      header: { transactionId: undefined, msgId: "message id" },
    },
    id: "message id",
  },
  {
    title: "only the offset id is there",
    options: {
      properties: { UNIQ_KEY: undefined },
      header: { transactionId: undefined, msgId: undefined, offsetMsgId: "offset id" },
    },
    id: "offset id",
  },
  {
    title: "no id is there at all",
    options: {
      properties: { UNIQ_KEY: undefined },
      header: { transactionId: undefined, msgId: undefined, offsetMsgId: undefined },
      stored: { storeHost: "10.0.0.9:10911" },
    },
    id: /^10\.0\.0\.9:10911@\d+$/,
  },
];

for (const { title, options, id } of IDS) {
  Deno.test(`check-back - when ${title} the transaction still has an id of its own`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster;
    const { asked } = await startRecording(cluster);
    const handles = [];
    for (let i = 0; i < 2; i++) {
      const half = broker.strangeHalf({ transactionId: "overwritten" });
      handles.push(broker.checkBack(half, options));
      await settle();
    }
    const ids = asked.map(({ context }) => context.transactionId);
    if (typeof id === "string") assertEquals(ids, [id, id]);
    else {
      assertEquals(new Set(ids).size, 2, "two half messages without an id are two transactions");
      for (const found of ids) assert(id.test(found), found);
    }
    const [verdict] = broker.verdicts();
    assertEquals([verdict!.state, verdict!.transactionId], ["COMMIT", ids[0]]);
    assertEquals(verdict!.commitLogOffset, handles[0]!.commitLogOffset);
    assertFalse(ids.join().includes("undefined"));
  });
}

Deno.test("check-back - a compressed half message reaches the listener decompressed", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { asked } = await startRecording(cluster);
  const text = "compressible ".repeat(1_000);
  broker.checkBack(broker.strangeHalf({
    transactionId: "T",
    body: deflateSync(new TextEncoder().encode(text)),
    sysFlag: SysFlag.TransactionPrepared | compressionFlags(CompressionType.ZLIB),
  }));
  await until(() => broker.states().length === 1);

  assertEquals(new TextDecoder().decode(asked[0]!.message.body), text);
  assertEquals(broker.states(), ["COMMIT"]);
});
