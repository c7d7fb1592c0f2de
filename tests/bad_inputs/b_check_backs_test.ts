import { deflateSync } from "node:zlib";
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { compressionFlags, CompressionType, SysFlag } from "../../src/message/internal.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import type { CheckContext } from "../../src/transaction/mod.ts";
import { settle, until } from "../support/fake_clock.ts";
import type { CheckBackOptions, ReceivedMessage } from "../support/scripted_broker.ts";
import { recordEvents, ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { begin, message, PatientListener, saying } from "../transaction/support.ts";

/*
  What a broker may ask, row by row: check-backs that are ignored, because nothing in them could be
  answered or nobody here may answer; that are answered unknown, because nothing may be decided on
  them; and that reach the listener in spite of their oddity.
*/

const ID = "7F000001000100000000000000000001";

interface Asked {
  context: CheckContext;
  topic: string;
}

async function start(cluster: ScriptedCluster) {
  const asked: Asked[] = [];
  const producer = await cluster.started({
    executeLocalTransaction: () => "UNKNOWN",
    checkLocalTransaction({ topic }, context) {
      asked.push({ context, topic });
      return "COMMIT";
    },
  });
  return { producer, asked };
}

/** Writes a 32-bit number into the stored message of a check-back. */
function word(at: number, value: number): CheckBackOptions {
  return {
    damage: (stored) => new DataView(stored.buffer, stored.byteOffset).setUint32(at, value >>> 0),
  };
}

/** Where things are in a stored message of version 1 with IPv4 addresses. */
const AT = { totalSize: 0, magic: 4, bodyLength: 84 } as const;

/** Position of the topic's length: behind the body. */
function topicAt(half: ReceivedMessage): number {
  return AT.bodyLength + 4 + half.body.length;
}

const IGNORED: readonly (readonly [
  row: string,
  what: string,
  options: CheckBackOptions | ((half: ReceivedMessage) => CheckBackOptions),
])[] = [
  ["B1", "no body", { body: new Uint8Array() }],
  ["B2", "a body that is cut off", { body: new Uint8Array(40) }],
  ["B2", "a wrong magic code", word(AT.magic, 0x12345678)],
  ["B3", "a size larger than the body", word(AT.totalSize, 100_000)],
  ["B3", "a size smaller than the body", word(AT.totalSize, 60)],
  ["B5", "a body length of -1", word(AT.bodyLength, -1)],
  ["B5", "a body length of 2^31 - 1", word(AT.bodyLength, 0x7fff_ffff)],
  [
    "B6",
    "a properties length of -1",
    (half) => ({
      damage: (stored) =>
        new DataView(stored.buffer, stored.byteOffset)
          .setInt16(topicAt(half) + 1 + half.topic.length, -1),
    }),
  ],
  ["B7", "a topic of length 0", (half) => ({ damage: (it) => void (it[topicAt(half)] = 0) })],
  ["B7", "a topic beyond the end", (half) => ({ damage: (it) => void (it[topicAt(half)] = 255) })],
  ...["tranStateTableOffset", "commitLogOffset"].flatMap((field) =>
    [undefined, "", "abc", "1e3", "-1", " 5"].map((value) =>
      ["B10", `${field} ${JSON.stringify(value)}`, { header: { [field]: value } }] as const
    )
  ),
  ["B12", "an offset beyond int64", { header: { commitLogOffset: "9223372036854775808" } }],
  ["B13", "no producer group", { properties: { PGROUP: undefined } }],
  ["B15", "a producer group that is not here", { properties: { PGROUP: "elsewhere" } }],
];

for (const [row, what, options] of IGNORED) {
  Deno.test(`${row} - ${what}: ignored, and the next one is answered`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker, logger } = cluster, { asked } = await start(cluster);
    const half = broker.strangeHalf({ transactionId: ID });
    broker.checkBack(half, typeof options === "function" ? options(half) : options);
    await settle();
    assertEquals([broker.states(), asked.length], [[], 0]);
    assertEquals(logger.matching("Ignored a check-back", "warn").length, 1);

    broker.checkBack(half);
    await settle();
    assertEquals([broker.states(), broker.connections.length], [["COMMIT"], 1]);
  });
}

const COMPRESSED = SysFlag.TransactionPrepared | compressionFlags(CompressionType.ZLIB);

const UNKNOWN: readonly (readonly [
  row: string,
  what: string,
  half: () => Partial<ReceivedMessage>,
  options: CheckBackOptions,
])[] = [
  ["B4", "a wrong checksum", () => ({}), { damage: (stored) => void (stored[8]! ^= 1) }],
  [
    "B8",
    "a body that inflates to 64 MiB",
    () => ({ body: deflateSync(new Uint8Array(64 * 1024 * 1024)), sysFlag: COMPRESSED }),
    {},
  ],
  [
    "B9",
    "a compression that does not exist",
    () => ({ sysFlag: SysFlag.TransactionPrepared | SysFlag.Compressed | 7 << 8 }),
    {},
  ],
];

for (const [row, what, half, options] of UNKNOWN) {
  Deno.test(`${row} - ${what}: answered unknown, the listener is not asked`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster, { asked, producer } = await start(cluster);
    const before = Deno.memoryUsage().rss;
    broker.checkBack(broker.strangeHalf({ transactionId: ID, ...half() }), options);
    await until(() => broker.states().length > 0);
    assertEquals([broker.states(), asked.length], [["UNKNOWN"], 0]);
    assertLess(Deno.memoryUsage().rss - before, 200 * 1024 * 1024);
    assertEquals(producer.stats().failedChecks, 1);
  });
}

Deno.test("B11 - the largest offset: answered with exactly that number", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  await start(cluster);
  const header = { commitLogOffset: "9223372036854775807" };
  broker.checkBack(broker.strangeHalf({ transactionId: ID }), { header });
  await cluster.clock.advance(500);
  assertEquals(broker.verdicts()[0]!.commitLogOffset, 9223372036854775807n);
});

Deno.test("B14 - a group of another producer of this process: goes to that producer", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster, { asked } = await start(cluster);
  const other = await cluster.started(saying("UNKNOWN", "ROLLBACK"), { producerGroup: "other" });
  const connection = broker.connections.at(-1)!;
  const half = broker.strangeHalf({ transactionId: ID, group: "other" });
  broker.checkBack(half, { connection });
  await settle();
  assertEquals([broker.states(), asked.length], [["ROLLBACK"], 0]);
  assertEquals([broker.verdicts()[0]!.producerGroup, other.stats().askedChecks], ["other", 1]);
});

Deno.test("B16 - a transaction id in the header beside UNIQ_KEY: the listener gets UNIQ_KEY", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster, { asked } = await start(cluster);
  broker.checkBack(broker.strangeHalf({ transactionId: ID }), {
    header: { transactionId: "another", msgId: "a third" },
  });
  await settle();
  assertEquals(asked.map(({ context }) => context.transactionId), [ID]);
});

const SUBSTITUTES: readonly (readonly [Record<string, string | undefined>, RegExp])[] = [
  [{ transactionId: "from the header" }, /^from the header$/],
  [{ transactionId: undefined, msgId: "message id" }, /^message id$/],
  [{ transactionId: undefined, msgId: undefined }, /^[0-9A-F]{32}$/],
  [{ transactionId: undefined, msgId: undefined, offsetMsgId: undefined }, /@\d+$/],
];

for (const [header, expected] of SUBSTITUTES) {
  Deno.test(`B17 - no UNIQ_KEY and ${JSON.stringify(header)}: the best id there is, never undefined`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster, { asked } = await start(cluster);
    const properties = { UNIQ_KEY: undefined };
    broker.checkBack(broker.strangeHalf({ transactionId: ID }), { header, properties });
    await settle();
    const [{ context }] = asked as [Asked];
    assert(expected.test(context.transactionId), context.transactionId);
  });
}

Deno.test("B18 - a topic in a namespace: the listener sees it without, the verdict says it with", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  cluster.route(`ns%${TOPIC}`);
  const topics: string[] = [];
  await cluster.started({
    executeLocalTransaction: () => "UNKNOWN",
    checkLocalTransaction({ topic }) {
      topics.push(topic);
      return "COMMIT";
    },
  }, { namespace: "ns" });
  const half = { transactionId: ID, topic: `ns%${TOPIC}`, group: "ns%group" };
  broker.checkBack(broker.strangeHalf(half));
  await settle();
  assertEquals(topics, [TOPIC]);
  const { topic, producerGroup } = broker.verdicts()[0]!;
  assertEquals([topic, producerGroup], [`ns%${TOPIC}`, "ns%group"]);
});

Deno.test("B19 - the same transaction twice while the listener works: one call, one answer, the newest offsets", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster, listener = new PatientListener();
  await cluster.started(listener);
  const half = broker.strangeHalf({ transactionId: ID });
  broker.checkBack(half);
  await settle();
  const newest = broker.checkBack(half);
  await settle();
  listener.checks[0]!.answer("COMMIT");
  await settle();
  assertEquals([listener.checks.length, broker.states()], [1, ["COMMIT"]]);
  assertEquals(broker.verdicts()[0]!.commitLogOffset, newest.commitLogOffset);
});

Deno.test("B20 - while the local transaction runs: unknown, and the verdict goes out on the newest offsets", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster, { listener } = await begin(cluster);
  const newest = broker.checkBack(broker.halves[0]!);
  await settle();
  listener.executions[0]!.answer("COMMIT");
  await clock.advance(6_000);
  assertEquals([listener.checks.length, broker.states()], [0, ["UNKNOWN", "COMMIT"]]);
  assertEquals(broker.verdicts()[1]!.commitLogOffset, newest.commitLogOffset);
});

Deno.test("B21 - while the answer to the half message is awaited: unknown, the listener is not asked", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster, listener = new PatientListener();
  const { promise, resolve } = Promise.withResolvers<void>();
  broker.once(RequestCode.SEND_MESSAGE_V2, async (command, from) => {
    const reply = broker.store(command, from);
    await promise;
    return reply;
  });
  const producer = await cluster.started(listener);
  const send = producer.sendMessageInTransaction(message());
  await settle();
  broker.checkBack(broker.halves[0]!);
  await settle();
  assertEquals([listener.checks.length, broker.states()], [0, ["UNKNOWN"]]);
  resolve();
  await settle();
  listener.executions[0]!.answer("ROLLBACK");
  await cluster.clock.advance(6_000);
  await send;
});

Deno.test("B22 - a send that has been given up: the listener learns that its transaction did not run", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster, listener = new PatientListener();
  broker.once(RequestCode.SEND_MESSAGE_V2, (command, from) => void broker.store(command, from));
  const producer = await cluster.started(listener);
  const send = producer.sendMessageInTransaction(message()).catch((error) => error.outcome);
  await clock.advance(3_000);
  assertEquals(await send, "indeterminate");
  broker.checkBack(broker.halves[0]!);
  await settle();
  assertEquals(listener.checks[0]!.context.localTransactionRan, false);
  listener.checks[0]!.answer("ROLLBACK");
});

Deno.test("B23 - 50,000 check-backs at once: 2,000 wait, the rest is dropped and counted, memory bounded", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster, listener = new PatientListener();
  const producer = await cluster.started(listener);
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 50_000; i++) {
    broker.checkBack(broker.strangeHalf({ transactionId: String(i).padStart(32, "0") }));
    if (i % 1_000 === 0) await settle();
  }
  await settle();
  const { waitingChecks, runningChecks, droppedChecks, checkBacks } = producer.stats();
  assertEquals([waitingChecks, runningChecks, checkBacks], [2_000, 64, 50_000]);
  assertEquals(droppedChecks, 50_000 - 2_000 - 64);
  assertLess(Deno.memoryUsage().rss - before, 400 * 1024 * 1024);
});

Deno.test("B24 - a check-back from a name server: ignored", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, nameServer } = cluster, { asked } = await start(cluster);
  const connection = nameServer.connections.at(-1)!;
  broker.checkBack(broker.strangeHalf({ transactionId: ID }), { connection });
  await settle();
  assertEquals([asked.length, broker.states()], [0, []]);
  assertStringIncludes(cluster.logger.lines.at(-1)!.message, "unknown code 39");
});

Deno.test("B25 - while the producer closes: ignored, what came before is answered", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster, listener = new PatientListener();
  const producer = await cluster.started(listener);
  broker.checkBack(broker.strangeHalf({ transactionId: ID }));
  await settle();
  const closing = producer.shutdown();
  broker.checkBack(broker.strangeHalf({ transactionId: ID.replace("1", "2") }));
  await settle();
  listener.checks[0]!.answer("COMMIT");
  await closing;
  assertEquals([listener.checks.length, broker.states()], [1, ["COMMIT"]]);
});

Deno.test("B26 - a two-way check-back: a verdict, and an empty success", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  await start(cluster);
  broker.checkBack(broker.strangeHalf({ transactionId: ID }), { twoWay: true });
  await settle();
  assertEquals(broker.states(), ["COMMIT"]);
  const { code, extFields, body } = broker.connection.responses[0]!;
  assertEquals([code, extFields, body.length], [0, {}, 0]);
});

const GARBAGE: readonly (readonly [what: string, answer: () => unknown])[] = [
  ["throws", () => {
    throw new Error("down");
  }],
  ["rejects", () => Promise.reject(new Error("down"))],
  ["throws nothing", () => {
    throw undefined;
  }],
  ...[undefined, null, "commit", 42, true].map((value) =>
    [`returns ${JSON.stringify(value)}`, () => value] as const
  ),
];

for (const [what, answer] of GARBAGE) {
  Deno.test(`B27 - a listener that ${what}: unknown, an event, one answer`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster;
    const producer = await cluster.started({
      executeLocalTransaction: () => "UNKNOWN",
      checkLocalTransaction: answer as () => "COMMIT",
    });
    const events = recordEvents(producer);
    broker.checkBack(broker.strangeHalf({ transactionId: ID }));
    await settle();
    assertEquals(broker.states(), ["UNKNOWN"]);
    assertEquals(events.filter(({ type }) => type === "checkFailed").length, 1);
  });
}

Deno.test("B28 - a listener that never ends: unknown in time, its place is free, a late verdict counts for nothing", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster, listener = new PatientListener();
  const producer = await cluster.started(listener, { checkConcurrency: 1 });
  broker.checkBack(broker.strangeHalf({ transactionId: ID }));
  await settle();
  await clock.advance(20_000);
  assertEquals([broker.states(), producer.stats().runningChecks], [["UNKNOWN"], 0]);
  listener.checks[0]!.answer("COMMIT");
  await settle();
  assertEquals(broker.states(), ["UNKNOWN"]);
});

Deno.test("B29 - a listener that says rollback after a commit was sent: not sent, an event", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster, listener = new PatientListener();
  const producer = await cluster.started(listener);
  const events = recordEvents(producer);
  const half = broker.strangeHalf({ transactionId: ID });
  broker.checkBack(half);
  await clock.advance(20_000);
  broker.once(RequestCode.END_TRANSACTION, silence);
  broker.checkBack(half);
  await settle();
  listener.checks[1]!.answer("COMMIT");
  await settle();
  listener.checks[0]!.answer("ROLLBACK");
  await settle();
  assertEquals(broker.states(), ["UNKNOWN", "COMMIT"]);
  assertEquals(events.filter(({ type }) => type === "contradiction").length, 1);
});

Deno.test("B30 - an error text of 1 MiB: a remark of one line and 512 characters", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  await cluster.started({
    executeLocalTransaction: () => "UNKNOWN",
    checkLocalTransaction() {
      throw new Error("down\r\n\u001b[31m".repeat(100_000));
    },
  });
  broker.checkBack(broker.strangeHalf({ transactionId: ID }));
  await settle();
  const { remark } = broker.verdicts()[0]!;
  assertLess(remark!.length, 513);
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x1f]/.test(remark!), remark);
});
