import { assert, assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import type { LocalTransactionState } from "../../src/transaction/mod.ts";
import { recordEvents, ScriptedCluster } from "../support/scripted_cluster.ts";
import { message } from "./support.ts";

const circular: Record<string, unknown> = {};
circular.self = circular;

/** What a listener may throw: anything. */
const THROWN: unknown[] = [
  new Error("database is down"),
  "a string",
  undefined,
  null,
  0,
  Symbol("x"),
  Object.create(null),
  circular,
  {
    get message() {
      throw new Error("even this throws");
    },
    toString() {
      throw new Error("even this throws");
    },
  },
];

/** What a listener may return that is no state. */
const GARBAGE: unknown[] = [
  undefined,
  null,
  true,
  42,
  "commit",
  "",
  {},
  ["COMMIT"],
  Symbol("x"),
  () => "COMMIT",
  Object.create(null),
];

for (const kind of ["throws", "rejects with"] as const) {
  Deno.test(`TransactionProducer - a listener that ${kind} anything means unknown`, async () => {
    await using cluster = new ScriptedCluster();
    const producer = await cluster.started<unknown>({
      executeLocalTransaction: (_message, thrown) => {
        if (kind === "rejects with") return Promise.reject(thrown);
        throw thrown;
      },
    });
    for (const thrown of THROWN) {
      const result = await producer.sendMessageInTransaction(message(), thrown);
      assertEquals([result.localTransactionState, result.endTransaction], ["UNKNOWN", "sent"]);
      if (thrown instanceof Error) assertEquals(result.localTransactionError, thrown);
      assert(result.localTransactionError !== undefined);
    }
    assertEquals(new Set(cluster.broker.states()), new Set(["UNKNOWN"]));
    assertEquals(cluster.broker.verdicts().length, THROWN.length);
    assertEquals(cluster.broker.verdicts()[0]!.remark, "database is down");
    assertEquals(producer.stats().localUnknowns, THROWN.length);
    assertEquals(producer.stats().transactionsInFlight, 0);
  });
}

Deno.test("TransactionProducer - a listener that returns no state means unknown", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started<unknown>({
    executeLocalTransaction: (_message, garbage) => garbage as LocalTransactionState,
  });
  for (const garbage of GARBAGE) {
    const result = await producer.sendMessageInTransaction(message(), garbage);
    assertEquals([result.localTransactionState, result.endTransaction], ["UNKNOWN", "sent"]);
    assertInstanceOf(result.localTransactionError, TypeError);
    assert(result.localTransactionError.message.includes(`one of "COMMIT", "ROLLBACK" and`));
  }
  assertEquals(cluster.broker.states(), GARBAGE.map(() => "UNKNOWN"));
});

Deno.test("TransactionProducer - an endless error text is cut and made one line", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started({
    executeLocalTransaction: () => {
      throw new Error(`a\r\nb\u001b[31m\u2028${"x".repeat(1_000_000)}`);
    },
  });
  await producer.sendMessageInTransaction(message());
  const remark = cluster.broker.verdicts()[0]!.remark!;

  assert(remark.startsWith("a\\u000d\\nb\\u001b[31m\\u2028xxx"), remark.slice(0, 60));
  assertEquals(remark.length, 512);
  for (const { message } of cluster.logger.lines) assertLess(message.length, 1_000);
});

Deno.test("TransactionProducer - a listener that threw is shown as an event with its error", async () => {
  await using cluster = new ScriptedCluster();
  const cause = new Error("database is down");
  const producer = await cluster.started({
    executeLocalTransaction: () => {
      throw cause;
    },
  });
  const events = recordEvents(producer);
  const { transactionId } = await producer.sendMessageInTransaction(message());
  await cluster.clock.advance(0);

  assertEquals(events.find(({ type }) => type === "localTransactionEnded"), {
    type: "localTransactionEnded",
    transactionId,
    topic: "TopicTest",
    brokerName: "broker-1",
    state: "UNKNOWN",
    cause,
  });
  assertEquals(cluster.logger.matching("failed, which counts as UNKNOWN", "error"), [
    `The local transaction of ${transactionId} failed, which counts as UNKNOWN; broker "broker-1" ` +
    "checks back: database is down",
  ]);
});

Deno.test("check-backs - a listener that throws or returns garbage answers unknown, once each", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const answers = [
    ...THROWN.map((thrown) => () => {
      throw thrown;
    }),
    ...THROWN.map((thrown) => () => Promise.reject(thrown)),
    ...GARBAGE.map((garbage) => () => garbage),
    () => "COMMIT",
  ];
  const count = answers.length;
  const producer = await cluster.started({
    executeLocalTransaction: () => "UNKNOWN",
    checkLocalTransaction: () => answers.shift()!() as LocalTransactionState,
  });
  const events = recordEvents(producer);
  for (let i = 0; i < count; i++) {
    broker.checkBack(broker.strangeHalf({ transactionId: `T${i}` }));
    await cluster.clock.advance(10);
  }

  assertEquals(broker.states(), [...Array(count - 1).fill("UNKNOWN"), "COMMIT"]);
  assertEquals(broker.verdicts()[0]!.remark, "database is down");
  assertEquals(broker.verdicts().map(({ oneway }) => oneway).indexOf(false), count - 1);
  assertEquals(events.filter(({ type }) => type === "checkFailed").length, count - 1);
  assertEquals(producer.stats().failedChecks, count - 1);
});
