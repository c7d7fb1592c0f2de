import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../../src/errors.ts";
import type { Message } from "../../src/message/mod.ts";
import { Producer } from "../../src/producer/mod.ts";
import { LocalTransactionState, TransactionProducer } from "../../src/transaction/mod.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { assertRefused, message } from "./support.ts";

/** What no producer sends, by what is told of it. */
const REFUSED: Record<string, Record<string, unknown>[]> = {
  "a name is needed": [{ topic: "" }, { topic: " " }, { topic: undefined }, { topic: 42 }],
  "at most 127 are allowed": [{ topic: "t".repeat(128) }, { topic: "t".repeat(1_000_000) }],
  "is not one of A-Z a-z 0-9 _ - % |": [
    { topic: "tôpic" },
    { topic: "a/b" },
    { topic: ".." },
    { topic: "." },
    { topic: "a b" },
    { topic: "a\0" },
    { topic: "a\n" },
    { topic: "日本" },
  ],
  "belongs to the RocketMQ system": [
    { topic: "RMQ_SYS_TRANS_HALF_TOPIC" },
    { topic: "RMQ_SYS_TRANS_OP_HALF_TOPIC" },
    { topic: "TRANS_CHECK_MAX_TIME_TOPIC" },
    { topic: "SCHEDULE_TOPIC_XXXX" },
    { topic: "rmq_sys_anything" },
    { topic: "TBW102" },
  ],
  "its body is neither a Uint8Array nor a string": [
    { body: undefined },
    { body: null },
    { body: 42 },
    { body: [1, 2] },
    { body: new ArrayBuffer(3) },
    { body: new DataView(new ArrayBuffer(3)) },
    { body: new Uint16Array(3) },
    { body: { length: 3 } },
  ],
  "its body is empty": [{ body: "" }, { body: new Uint8Array() }, { body: detached() }],
  "shared memory": [{ body: new Uint8Array(new SharedArrayBuffer(3)) }],
  "at most 4194304 are allowed": [
    { body: new Uint8Array(4 * 1024 * 1024 + 1) },
    { body: "x".repeat(4 * 1024 * 1024 + 1) },
  ],
  "holds the control character U+0002": [
    { properties: { note: "x\u0002TAGS\u0001evil" } },
    { properties: { note: "x\u0002TRAN_MSG\u0001true" } },
    { properties: { note: "x\u0002PGROUP\u0001victim" } },
    { properties: { "a\u0002": "x" } },
    { tags: "x\u0002" },
    { keys: "x\u0002" },
    { keys: ["ok", "x\u0002"] },
  ],
  "holds the control character U+0001": [{ properties: { "a\u0001": "x" } }, { tags: "\u0001" }],
  "holds the control character U+0000": [{ properties: { a: "\0" } }, { keys: "a\0" }],
  "holds the control character U+000A": [{ keys: "a\nb" }, { tags: "a\nb" }],
  "empty or blank": [
    { properties: { "": "x" } },
    { properties: { a: "" } },
    { properties: { a: " " } },
  ],
  "is not a string": [
    { properties: { a: 1 } },
    { properties: { a: null } },
    { properties: { a: undefined } },
    { tags: 42 },
    { keys: [42] },
  ],
  "the system uses this name": [
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
    "KEYS",
    "TAGS",
  ].map((name) => ({ properties: { [name]: "true" } })),
  "a lone surrogate": [
    { properties: { a: "\ud800" } },
    { tags: "\udfff" },
    { keys: ["a\ud800b"] },
  ],
  "at most 32255 are allowed": [
    { properties: { a: "x".repeat(32_700) } },
    { properties: { a: "ü".repeat(16_200) } },
    { properties: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, "v"])) },
  ],
  'Cannot use key "a b"': [{ keys: ["a b"] }],
  '"||" and "*" mean something else': [{ tags: "a||b" }, { tags: "*" }],
  "its properties are not an object": [
    { properties: null },
    { properties: "a" },
    { properties: ["a"] },
    { properties: 5 },
  ],
  "waitStoreMessageOk is neither true nor false": [
    { waitStoreMessageOk: "false" },
    { waitStoreMessageOk: null },
  ],
  "is not a 32-bit integer": [
    { flag: 2 ** 31 },
    { flag: 1.5 },
    { flag: NaN },
    { flag: "1" },
    { flag: 1n },
    { flag: Symbol("1") },
  ],
};

/** What only a single message can have, and how not. */
const REFUSED_SINGLE: Record<string, Record<string, unknown>[]> = {
  "Cannot use priority": [
    ...[-1, 1.5, NaN, "1", 2 ** 31].map((priority) => ({ priority })),
    { priority: 1, shardingKey: "k" },
    { priority: 1, delayLevel: 1 },
    { priority: 1, delay: 1000 },
    { priority: 1, deliverAt: new Date() },
  ],
  "Cannot use lite topic": ["", " ", "a$b", "a,b", "ü", "x".repeat(65), 5]
    .map((liteTopic) => ({ liteTopic })),
  "only one of delayLevel, delay and deliverAt": [{ delayLevel: 1, delay: 1000 }],
};

/** What a half message can't be, beyond that. */
const REFUSED_HALF: Record<string, Record<string, unknown>[]> = {
  "which the broker drops from a half message": [{ priority: 0 }],
  "would be visible at once": [
    { liteTopic: "lite" },
    { properties: { INNER_MULTI_DISPATCH: "%LMQ%a" } },
  ],
  "can't be delayed": [
    { properties: { TIMER_DELAY_SEC: "5" } },
    { properties: { TIMER_DELAY_MS: "5" } },
    { properties: { TIMER_DELIVER_MS: "5" } },
    { properties: { DELAY: "3" } },
    { delayLevel: 3 },
    { delay: 1000 },
    { deliverAt: new Date() },
  ],
  "whole seconds from 1 to 390 are allowed": ["0", "-1", "abc", "1e9", "391", "", " 5", "5.0", -1]
    .map((seconds) => ({ properties: { CHECK_IMMUNITY_TIME_IN_SECONDS: seconds } })),
};

Deno.test("Producer - what can't be carried is refused and nothing is sent", async (test) => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  await producer.start();
  for (const [part, messages] of Object.entries({ ...REFUSED, ...REFUSED_SINGLE })) {
    await test.step(part, async () => {
      for (const fields of messages) {
        await assertRefused(() => producer.send(message(fields)), part);
      }
    });
  }
  for (const nothing of [undefined, null, 42, "message"] as unknown[]) {
    await assertRefused(() => producer.send(nothing as Message), "it is not an object");
  }
  assertEquals(cluster.broker.messages, []);
});

Deno.test("TransactionProducer - what can't be carried is refused and no listener runs", async (test) => {
  await using cluster = new ScriptedCluster();
  let runs = 0;
  const producer = await cluster.started({
    executeLocalTransaction: () => (runs++, LocalTransactionState.Commit),
  });
  for (const [part, messages] of Object.entries({ ...REFUSED, ...REFUSED_HALF })) {
    await test.step(part, async () => {
      for (const fields of messages) {
        await assertRefused(() => producer.sendMessageInTransaction(message(fields)), part);
      }
    });
  }
  assertEquals([runs, cluster.broker.messages.length], [0, 0]);
  assertEquals(producer.stats().transactions, 0);
});

Deno.test("Producer - what is just within the limits goes", async () => {
  await using cluster = new ScriptedCluster();
  const topic = "%".repeat(127), immunity = { CHECK_IMMUNITY_TIME_IN_SECONDS: "390" };
  cluster.route(topic);
  const producer = await cluster.started(
    { executeLocalTransaction: () => "ROLLBACK" },
    { compression: "NONE" },
  );
  await producer.send(message({ topic, body: new Uint8Array(4 * 1024 * 1024) }));
  await producer.send(message({ flag: -(2 ** 31), tags: "", keys: "" }));
  await producer.send(message({ properties: { a: "x".repeat(32_000) } }));
  await producer.sendMessageInTransaction(message({ properties: immunity }));

  assertEquals(cluster.broker.messages.map(({ body }) => body.length), [
    4 * 1024 * 1024,
    14,
    14,
    14,
  ]);
  assertEquals(cluster.broker.messages[1]!.properties.TAGS, undefined);
});

Deno.test("Producer - names of a million characters are refused in no time", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  await producer.start();
  const start = performance.now();
  for (const topic of ["t".repeat(1_000_000), "/".repeat(1_000_000)]) {
    const error = await assertRefused(() => producer.send(message({ topic })));
    assertLess(error.message.length, 300);
  }
  assertLess(performance.now() - start, 500);
});

Deno.test("Producer - options that make no sense are refused", async () => {
  await using cluster = new ScriptedCluster();
  const made: [Record<string, unknown>, string][] = [
    [{ producerGroup: "" }, "producer group"],
    [{ producerGroup: undefined }, "producer group"],
    [{ producerGroup: "g".repeat(121) }, "at most 120 are allowed"],
    [{ producerGroup: "a b" }, "is not one of"],
    [{ producerGroup: "DEFAULT_PRODUCER" }, "belongs to the RocketMQ system"],
    [{ producerGroup: "CLIENT_INNER_PRODUCER" }, "belongs to the RocketMQ system"],
    [{ topics: ["a/b"] }, "is not one of"],
    [{ topics: ["TBW102"] }, "belongs to the RocketMQ system"],
    [{ retries: -1 }, "option retries"],
    [{ retries: 17 }, "option retries"],
    [{ retries: 1e9 }, "option retries"],
    [{ sendTimeout: 0 }, "option sendTimeout"],
    [{ sendTimeout: 2 ** 31 }, "option sendTimeout"],
    [{ maxMessageSize: 16 * 1024 * 1024 }, "option maxMessageSize"],
    [{ maxMessageSize: 0 }, "option maxMessageSize"],
  ];
  for (const [options, part] of made) {
    assertThrows(() => cluster.producer(options), InvalidArgumentError, part, part);
  }
  assertThrows(() => new Producer(null as never), InvalidArgumentError, "not an object");
  assertThrows(() => new Producer(undefined as never), InvalidArgumentError, "not an object");
  assert(cluster.producer({ producerGroup: "g".repeat(120), retries: 16 }));
});

Deno.test("TransactionProducer - options that make no sense are refused", async () => {
  await using cluster = new ScriptedCluster();
  const listener = { executeLocalTransaction: () => LocalTransactionState.Commit };
  const made: [Record<string, unknown>, string][] = [
    [{ topics: [] }, "topics is empty"],
    [{ topics: undefined }, "topics is empty"],
    [{ topics: TOPIC }, "topics is empty"],
    [{ transactionListener: undefined }, "no method executeLocalTransaction"],
    [{ transactionListener: {} }, "no method executeLocalTransaction"],
    [{ transactionListener: { ...listener, checkLocalTransaction: 5 } }, "is not a method"],
    [{ endTransactionMode: "maybe" }, "option endTransactionMode"],
    [{ endTransactionTimeout: 0 }, "option endTransactionTimeout"],
    [{ checkTimeout: 0 }, "option checkTimeout"],
    [{ checkConcurrency: 0 }, "option checkConcurrency"],
    [{ checkRequestHoldMax: 0 }, "option checkRequestHoldMax"],
    [{ producerGroup: "a@b" }, "is not one of"],
  ];
  for (const [options, part] of made) {
    const make = () => cluster.transactionProducer(listener, options);
    assertThrows(make, InvalidArgumentError, part, part);
  }
  assertThrows(() => new TransactionProducer(null as never), InvalidArgumentError);
});

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}
