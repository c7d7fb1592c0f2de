import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../../src/errors.ts";
import type { Message } from "../../src/message/mod.ts";
import { Producer } from "../../src/producer/mod.ts";
import { LocalTransactionState, TransactionProducer } from "../../src/transaction/mod.ts";
import type { ReceivedMessage } from "../support/scripted_broker.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { assertRefused, message } from "./support.ts";

/** What no producer sends, by what is told of it. */
const REFUSED: Record<string, Record<string, unknown>[]> = {
  "its body is neither a Uint8Array nor a string": [{ body: new DataView(new ArrayBuffer(3)) }],
  "is not a string": [
    { properties: { a: 1 } },
    { properties: { a: null } },
    { properties: { a: undefined } },
    { tags: 42 },
    { keys: [42] },
  ],
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
  "which the broker drops from a transactional message": [{ priority: 0 }],
  "would be visible before its commit": [
    { liteTopic: "lite" },
    { properties: { INNER_MULTI_DISPATCH: "%LMQ%a" } },
  ],
  "whole seconds from 1 to 390 are allowed": [
    { properties: { CHECK_IMMUNITY_TIME_IN_SECONDS: -1 } },
  ],
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

Deno.test("Producer - the smallest flag goes, and an empty tag or key is none", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  await producer.start();
  await producer.send(message({ flag: -(2 ** 31), tags: "", keys: "" }));

  const [{ properties }] = cluster.broker.messages as [ReceivedMessage];
  assertEquals([properties.TAGS, properties.KEYS], [undefined, undefined]);
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
    [{ topics: ["a/b"] }, "is not one of"],
    [{ topics: ["TBW102"] }, "belongs to the RocketMQ system"],
  ];
  for (const [options, part] of made) {
    assertThrows(() => cluster.producer(options), InvalidArgumentError, part, part);
  }
  assertThrows(() => new Producer(null as never), InvalidArgumentError, "not an object");
  assertThrows(() => new Producer(undefined as never), InvalidArgumentError, "not an object");
});

Deno.test("TransactionProducer - options that make no sense are refused", async () => {
  await using cluster = new ScriptedCluster();
  const listener = { executeLocalTransaction: () => LocalTransactionState.Commit };
  const made: [Record<string, unknown>, string][] = [
    [{ topics: [] }, "topics is empty"],
    [{ topics: undefined }, "topics is empty"],
    [{ topics: TOPIC }, `option topics: a list of names is needed: ["${TOPIC}"]`],
    [{ transactionListener: { ...listener, checkLocalTransaction: 5 } }, "is not a method"],
    [{ endTransactionMode: "maybe" }, "option endTransactionMode"],
    [{ checkConcurrency: 0 }, "option checkConcurrency"],
    [{ checkRequestHoldMax: 0 }, "option checkRequestHoldMax"],
  ];
  for (const [options, part] of made) {
    const make = () => cluster.transactionProducer(listener, options);
    assertThrows(make, InvalidArgumentError, part, part);
  }
  assertThrows(() => new TransactionProducer(null as never), InvalidArgumentError);
});
