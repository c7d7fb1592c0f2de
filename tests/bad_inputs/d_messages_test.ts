import { Buffer } from "node:buffer";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  ConnectionError,
  InvalidArgumentError,
  InvalidStateError,
  type RocketMQError,
} from "../../src/errors.ts";
import type { Message } from "../../src/message/mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { requestsTo } from "../client/access_support.ts";
import { assertRefused } from "../producer/support.ts";
import { collectGarbage } from "../support/collect_garbage.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { assertSendFailed, PatientListener, saying } from "../transaction/support.ts";

/*
  What an application may hand in, row by row: messages that are refused before anything is written
  or run, those that go although they look odd, and calls at times when they don't fit.
*/

type Fields = Record<string, unknown>;
type Refused = readonly (readonly [row: string, what: string, fields: Fields, says: string])[];

const SEND = RequestCode.SEND_MESSAGE_V2;
const MIB = 1024 * 1024;

/** A message of which only some fields are not as they should be. */
function message(fields: Fields = {}): Message {
  return { topic: TOPIC, body: "Hello RocketMQ", ...fields };
}

/** What neither an ordinary nor a half message can be. */
const REFUSED: Refused = [
  ["D1", "an empty topic", { topic: "" }, "a name is needed"],
  ["D1", "a blank topic", { topic: " " }, "a name is needed"],
  ["D1", "no topic", { topic: undefined }, "a name is needed"],
  ["D1", "a topic that is a number", { topic: 42 }, "a name is needed"],
  ["D2", "a topic of 128 characters", { topic: "t".repeat(128) }, "at most 127 are allowed"],
  ["D2", "a topic of a million", { topic: "t".repeat(1_000_000) }, "at most 127 are allowed"],
  ...["tôpic", "日本", "a/b", "..", ".", "a b", "a\0", "a\n"].map((topic) =>
    [
      "D3",
      `topic ${JSON.stringify(topic)}`,
      { topic },
      "is not one of A-Z a-z 0-9 _ - % |",
    ] as const
  ),
  ...[
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "TRANS_CHECK_MAX_TIME_TOPIC",
    "SCHEDULE_TOPIC_XXXX",
    "rmq_sys_anything",
  ].map((topic) => ["D4", `topic ${topic}`, { topic }, "belongs to the RocketMQ system"] as const),
  ["D5", "topic TBW102", { topic: "TBW102" }, "belongs to the RocketMQ system"],
  ["D7", "no body", { body: undefined }, "neither a Uint8Array nor a string"],
  ["D7", "an empty body", { body: new Uint8Array() }, "its body is empty"],
  ["D7", "an empty text for a body", { body: "" }, "its body is empty"],
  [
    "D8",
    "a body of 4 MiB and a byte",
    { body: new Uint8Array(4 * MIB + 1) },
    "at most 4194304 are allowed",
  ],
  [
    "D8",
    "a text of 4 MiB and a byte",
    { body: "x".repeat(4 * MIB - 1) + "ü" },
    "at most 4194304 are allowed",
  ],
  [
    "D10",
    "a body in shared memory",
    { body: new Uint8Array(new SharedArrayBuffer(3)) },
    "shared memory",
  ],
  [
    "D10",
    "a body whose buffer was transferred",
    { body: detached() },
    "its buffer was transferred",
  ],
  ...[null, 42, [1, 2], new ArrayBuffer(3), new Uint16Array(3), { length: 3 }].map((body) =>
    ["D10", `body ${Deno.inspect(body)}`, { body }, "neither a Uint8Array nor a string"] as const
  ),
  ["D11", "a value that smuggles a tag in", smuggle("TAGS", "evil"), "character U+0002"],
  ["D12", "a value that makes it a half", smuggle("TRAN_MSG", "true"), "character U+0002"],
  ["D13", "a value with another's group", smuggle("PGROUP", "victim"), "character U+0002"],
  ["D14", "a property name with U+0001", { properties: { "a\u0001": "x" } }, "character U+0001"],
  ["D14", "a property name with U+0002", { properties: { "a\u0002": "x" } }, "character U+0002"],
  ["D14", "an empty property name", { properties: { "": "x" } }, "empty or blank"],
  ["D14", "an empty property value", { properties: { a: "" } }, "empty or blank"],
  ["D14", "a blank property value", { properties: { a: " " } }, "empty or blank"],
  ...[
    "TRAN_MSG",
    "PGROUP",
    "REAL_TOPIC",
    "REAL_QID",
    "UNIQ_KEY",
    "TRANSACTION_CHECK_TIMES",
    "CLUSTER",
    "MSG_REGION",
    "WAIT",
    "__transactionId__",
    "TAGS",
    "KEYS",
  ].map((name) =>
    ["D15", `property ${name}`, { properties: { [name]: "1" } }, "the system uses this"] as const
  ),
  ["D16", "half a surrogate pair in a value", { properties: { a: "\ud800" } }, "lone surrogate"],
  ["D16", "half a surrogate pair in a tag", { tags: "\udfff" }, "lone surrogate"],
  ["D16", "half a surrogate pair in a key", { keys: ["a\ud800b"] }, "lone surrogate"],
  ["D17", "NUL in a value", { properties: { a: "x\0" } }, "character U+0000"],
  ["D17", "ESC in a tag", { tags: "\u001b[31m" }, "character U+001B"],
  ["D17", "NUL in a key", { keys: "a\0" }, "character U+0000"],
  ["D18", "properties of 32,767 bytes", { properties: { a: "x".repeat(32_765) } }, "at most 32255"],
  ["D18", "properties of 32,700 bytes", { properties: { a: "x".repeat(32_698) } }, "at most 32255"],
  ["D18", "as many in few characters", { properties: { a: "ü".repeat(16_200) } }, "at most 32255"],
  ["D19", "10,000 properties", { properties: numbered(10_000) }, "at most 32255"],
  ["D20", "a key with a space in a list", { keys: ["a b"] }, "a space separates keys"],
  ["D20", "a key with a line break", { keys: "a\nb" }, "character U+000A"],
  ["D21", "a tag with ||", { tags: "a||b" }, '"||" and "*" mean something else'],
  ["D21", "tag *", { tags: "*" }, '"||" and "*" mean something else'],
];

/** What a half message can't be, beyond that. */
const REFUSED_HALF: Refused = [
  ...[
    { delayLevel: 3 },
    { delay: 1_000 },
    { deliverAt: new Date() },
    { properties: { DELAY: "3" } },
    { properties: { TIMER_DELAY_SEC: "5" } },
    { properties: { TIMER_DELAY_MS: "5" } },
    { properties: { TIMER_DELIVER_MS: "5" } },
  ].map((fields) => ["D22", Deno.inspect(fields), fields, "can't be delayed"] as const),
  ...["0", "-1", "abc", "1e9", "391", "", " 5", "5.0"].map((seconds) =>
    [
      "D23",
      `an immunity of ${JSON.stringify(seconds)}`,
      { properties: { CHECK_IMMUNITY_TIME_IN_SECONDS: seconds } },
      "whole seconds from 1 to 390 are allowed",
    ] as const
  ),
];

for (const [row, what, fields, says] of [...REFUSED, ...REFUSED_HALF]) {
  Deno.test(`${row} - ${what}: refused, nothing is written and no listener runs`, async () => {
    await using cluster = new ScriptedCluster();
    const listener = new PatientListener();
    const producer = await cluster.started(listener);
    const before = requestsTo(cluster).length;
    await assertRefused(() => producer.sendMessageInTransaction(message(fields)), says);
    if (row !== "D22" && row !== "D23") {
      await assertRefused(() => producer.send(message(fields)), says);
      await assertRefused(() => producer.sendOneway(message(fields)), says);
    }
    await settle();
    assertEquals(requestsTo(cluster).length, before);
    assertEquals([listener.executions.length, producer.stats().transactions], [0, 0]);
  });
}

for (
  const [row, what, producerGroup, says] of [
    ["D6", "an empty group", "", "a name is needed"],
    ["D6", "no group", undefined, "a name is needed"],
    ["D6", "a group of 121 characters", "g".repeat(121), "at most 120 are allowed"],
    ["D6", "a group with a space", "a b", "is not one of"],
    ["D6", "a group with @", "a@b", "is not one of"],
    ["D6", "a group with a line break", "a\n", "is not one of"],
    ["D6", "DEFAULT_PRODUCER", "DEFAULT_PRODUCER", "belongs to the RocketMQ system"],
    ["D6", "CLIENT_INNER_PRODUCER", "CLIENT_INNER_PRODUCER", "belongs to the RocketMQ system"],
  ] as const
) {
  Deno.test(`${row} - ${what}: refused when the producer is made`, async () => {
    await using cluster = new ScriptedCluster();
    const options = { producerGroup: producerGroup! };
    for (
      const make of [
        () => cluster.producer(options),
        () => cluster.transactionProducer(saying("COMMIT"), options),
      ]
    ) {
      const error = assertThrows(make, InvalidArgumentError, says);
      assertEquals(error.code, "INVALID_ARGUMENT");
    }
    assertEquals(cluster.network.dials, []);
  });
}

Deno.test("D2, D6 - a topic of 127 characters and a group of 120: taken", async () => {
  await using cluster = new ScriptedCluster();
  const topic = "%".repeat(127), producerGroup = "g".repeat(120);
  cluster.route(topic);
  const producer = await cluster.started(saying("COMMIT"), { producerGroup });
  await producer.sendMessageInTransaction(message({ topic }));
  assertEquals([cluster.broker.halves[0]!.topic, cluster.broker.halves[0]!.group], [
    topic,
    producerGroup,
  ]);
});

Deno.test("D8 - a body of 4 MiB: taken", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"), { compression: "NONE" });
  const body = new Uint8Array(4 * MIB);
  await producer.send(message({ body }));
  await producer.sendMessageInTransaction(message({ body }));
  assertEquals(cluster.broker.messages.map((sent) => sent.body.length), [4 * MIB, 4 * MIB]);
});

Deno.test("D9 - a body that is a view and changes after the call: its range goes as it was at the call", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  const bytes = new TextEncoder().encode("--before--");
  const bodies: Uint8Array[] = [
    bytes.subarray(2, 8),
    Buffer.from(bytes.buffer, 2, 6),
    new (class Body extends Uint8Array {})(bytes.buffer, 2, 6),
  ];
  const sends = bodies.flatMap((body) => [
    producer.send(message({ body })),
    producer.sendMessageInTransaction(message({ body })),
  ]);
  bytes.fill(0);
  await Promise.all(sends);
  const came = cluster.broker.messages.map(({ body }) => text(body));
  assertEquals(came, Array(6).fill("before"));
});

Deno.test("D10 - a body that is a text: goes as UTF-8", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  await producer.sendMessageInTransaction(message({ body: "grün \u{1f600}" }));
  assertEquals(cluster.broker.halves[0]!.body, new TextEncoder().encode("grün \u{1f600}"));
});

Deno.test("D18 - properties of 32,000 bytes: taken, with room for what the broker adds", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  const properties = { a: "x".repeat(32_000) };
  await producer.sendMessageInTransaction(message({ properties }));
  assertEquals(cluster.broker.halves[0]!.properties.a, properties.a);
});

Deno.test("D20 - several keys, as a list or in a text: joined by one space", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  for (const keys of [["a", "b"], "a b", "  a   b "]) await producer.send(message({ keys }));
  const sent = cluster.broker.messages.map(({ properties }) => properties.KEYS);
  assertEquals(sent, ["a b", "a b", "a b"]);
});

Deno.test("D23 - an immunity within the broker's patience: taken", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  for (const seconds of ["1", "390"]) {
    const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: seconds };
    await producer.sendMessageInTransaction(message({ properties }));
    assertEquals(
      cluster.broker.halves.at(-1)!.properties.CHECK_IMMUNITY_TIME_IN_SECONDS,
      seconds,
    );
  }
});

Deno.test("D24 - a message object that is sent again: never changed, an ordinary message the second time", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  const original = message({
    body: Uint8Array.of(1, 2, 3),
    tags: "TagA",
    keys: Object.freeze(["k"]),
    properties: Object.freeze({ a: "b" }),
  });
  const before = structuredClone(original);
  Object.freeze(original);
  const half = await producer.sendMessageInTransaction(original);
  const again = await producer.sendMessageInTransaction(original);
  const plain = await producer.send(original);

  assertEquals(original, before);
  const [first, second, third] = cluster.broker.messages;
  assertEquals([first!.properties.TRAN_MSG, second!.properties.TRAN_MSG], ["true", "true"]);
  assertEquals([third!.properties.TRAN_MSG, third!.properties.PGROUP, third!.sysFlag], [
    undefined,
    undefined,
    0,
  ]);
  assertEquals(new Set([half, again, plain].map(({ messageId }) => messageId)).size, 3);
});

Deno.test("D25 - a message with getters behind a proxy: read once, never written to", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  const reads: Record<string, number> = {};
  const values: Fields = {
    topic: TOPIC,
    body: "Hello",
    tags: "TagA",
    keys: "k",
    flag: 1,
    properties: {
      get note() {
        reads.note = (reads.note ?? 0) + 1;
        return "x";
      },
    },
  };
  const never = () => {
    throw new Error("The message was changed");
  };
  const tricky = new Proxy(values, {
    get(target, name) {
      if (Object.hasOwn(target, name)) reads[String(name)] = (reads[String(name)] ?? 0) + 1;
      return target[String(name)];
    },
    set: never,
    defineProperty: never,
    deleteProperty: never,
  }) as unknown as Message;
  await producer.sendMessageInTransaction(tricky);
  assertEquals(reads, { topic: 1, body: 1, tags: 1, keys: 1, properties: 1, flag: 1, note: 1 });
});

Deno.test("D26 - 200,000 sends at once: so many wait as may, the rest is refused, memory bounded", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  broker.on(SEND, silence);
  const producer = cluster.producer({ maxSendsInFlight: 100, maxSendsWaiting: 1_000 });
  await producer.start();
  const count = 200_000, one = message();
  collectGarbage();
  const before = Deno.memoryUsage().heapUsed;
  let refused = 0, sample: unknown;
  const onRefusal = (error: unknown) => {
    refused++;
    sample ??= error;
  };
  for (let i = 0; i < count; i++) {
    producer.send(one).catch(onRefusal);
    if (i % 10_000 === 0) await settle();
  }
  await settle();
  assertEquals([broker.requests(SEND).length, refused], [100, count - 1_100]);
  collectGarbage();
  assertLess(Deno.memoryUsage().heapUsed - before, 20 * MIB);
  assertInstanceOf(sample, ConnectionError);
  assertEquals([sample.code, sample.written, sample.isRetriable], ["OVERLOADED", false, true]);
});

Deno.test("D27 - a signal that has aborted before: nothing is sent", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  const signal = AbortSignal.abort(new Error("too late"));
  const half = watch(producer.sendMessageInTransaction(message(), undefined, { signal }));
  const plain = watch(producer.send(message(), { signal }));
  await settle();
  const error = assertSendFailed(half.error, "failed");
  assertEquals([error.name, error.cause], ["AbortError", signal.reason]);
  const { name, code, cause } = plain.error as RocketMQError;
  assertEquals([name, code, cause], ["AbortError", "ABORTED", signal.reason]);
  assertEquals(cluster.broker.requests(SEND), []);
});

Deno.test("D27 - a signal that aborts while the half message is on its way: indeterminate, and fenced", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster, listener = new PatientListener();
  broker.on(SEND, (command, from) => void broker.store(command, from));
  const producer = await cluster.started(listener);
  const controller = new AbortController(), { signal } = controller;
  const send = watch(producer.sendMessageInTransaction(message(), undefined, { signal }));
  await settle();
  controller.abort();
  await settle();
  const error = assertSendFailed(send.error, "indeterminate");
  assertEquals([error.name, error.cause, error.isRetriable], ["AbortError", signal.reason, false]);

  broker.checkBack(broker.halves[0]!);
  await settle();
  const { context } = listener.checks[0]!;
  assertEquals([context.localTransactionRan, context.known], [false, true]);
  assertEquals(context.transactionId, broker.halves[0]!.transactionId);
  listener.checks[0]!.answer("ROLLBACK");
  await settle();
  assertEquals([listener.executions.length, broker.states()], [0, ["ROLLBACK"]]);
});

Deno.test("D27 - a signal that aborts while the listener runs: passed to it, its verdict goes out", async () => {
  await using cluster = new ScriptedCluster();
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  const controller = new AbortController(), reason = new Error("enough");
  const { signal } = controller;
  const send = watch(producer.sendMessageInTransaction(message(), undefined, { signal }));
  await settle();
  const [execution] = listener.executions;
  assert(!execution!.context.signal.aborted);
  controller.abort(reason);
  assertEquals(execution!.context.signal.reason, reason);
  await settle();
  assertEquals(send.state, "pending", "the listener decides");
  execution!.answer("COMMIT");
  await settle();
  assertEquals([send.value?.endTransaction, cluster.broker.states()], ["confirmed", ["COMMIT"]]);
});

Deno.test("D28 - a send before the start, while it closes and after it: refused, nothing is written", async () => {
  await using cluster = new ScriptedCluster();
  const listener = new PatientListener();
  const producer = cluster.transactionProducer(listener);
  const assertStateRefused = async (says: string) => {
    for (
      const send of [
        () => producer.send(message()),
        () => producer.sendOneway(message()),
        () => producer.sendMessageInTransaction(message()),
      ]
    ) {
      const error = await assertRejects(send, InvalidStateError, says);
      assertEquals(error.code, "INVALID_STATE");
    }
  };
  await assertStateRefused("start()");
  await producer.start();
  const closing = producer.shutdown();
  await assertStateRefused("closing");
  await closing;
  await assertStateRefused("closed");
  assertEquals([cluster.broker.requests(SEND), listener.executions], [[], []]);
});

Deno.test("D29 - a listener that sends: its messages go while its transaction is open", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started({
    async executeLocalTransaction({ topic }, depth) {
      await producer.send(message({ topic }));
      if (depth === 0) await producer.sendMessageInTransaction(message(), 1);
      return "COMMIT" as const;
    },
    async checkLocalTransaction() {
      await producer.send(message());
      return "COMMIT" as const;
    },
  });
  const { endTransaction } = await producer.sendMessageInTransaction(message(), 0);
  assertEquals([endTransaction, broker.states()], ["confirmed", ["COMMIT", "COMMIT"]]);
  broker.checkBack(broker.strangeHalf({ transactionId: "0".repeat(32) }));
  await settle();
  assertEquals([broker.states().length, broker.messages.length], [3, 5]);
});

Deno.test("D29 - a listener that closes its producer: it closes when the verdict is out", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { promise: work, resolve: finish } = Promise.withResolvers<void>();
  let closing: { state: string } | undefined;
  const producer = await cluster.started({
    async executeLocalTransaction() {
      closing = watch(producer.shutdown());
      await work;
      return "COMMIT" as const;
    },
  });
  const send = watch(producer.sendMessageInTransaction(message()));
  await settle();
  assertEquals([closing?.state, broker.open.length], ["pending", 1]);
  finish();
  await settle();
  assertEquals([send.value?.endTransaction, closing?.state], ["confirmed", "resolved"]);
  assertEquals([broker.states(), broker.open.length], [["COMMIT"], 0]);
});

for (const transactionListener of [undefined, null, {}, "COMMIT"]) {
  Deno.test(`D30 - ${Deno.inspect(transactionListener)} for a listener: refused when the producer is made`, async () => {
    await using cluster = new ScriptedCluster();
    const options = { transactionListener } as object;
    const make = () => cluster.transactionProducer(saying("COMMIT"), options);
    const error = assertThrows(make, InvalidArgumentError, "no method executeLocalTransaction");
    assertEquals(error.code, "INVALID_ARGUMENT");
  });
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function smuggle(name: string, value: string): Fields {
  return { properties: { note: `x\u0002${name}\u0001${value}` } };
}

function numbered(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}
