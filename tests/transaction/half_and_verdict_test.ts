import { assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import { type LocalTransactionContext, LocalTransactionState } from "../../src/transaction/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { message, saying } from "./support.ts";

Deno.test("TransactionProducer - half message, local transaction and verdict come in this order", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const story: string[] = [];
  broker.on(RequestCode.SEND_MESSAGE_V2, async (command, from) => {
    story.push("half message");
    await settle();
    story.push("stored");
    return broker.store(command, from);
  });
  broker.on(RequestCode.END_TRANSACTION, () => {
    story.push("verdict");
    return {};
  });
  const producer = await cluster.started({
    async executeLocalTransaction() {
      story.push("local transaction");
      await settle();
      story.push("committed locally");
      return LocalTransactionState.Commit;
    },
  });
  await producer.sendMessageInTransaction(message());

  assertEquals(story, [
    "half message",
    "stored",
    "local transaction",
    "committed locally",
    "verdict",
  ]);
});

Deno.test("TransactionProducer - the half message carries what makes it one", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("ROLLBACK"));
  const { transactionId } = await producer.sendMessageInTransaction(
    message({ tags: "TagA", keys: "k", properties: { a: "b" }, flag: 9 }),
  );
  const [command] = cluster.broker.requests(RequestCode.SEND_MESSAGE_V2);

  const { i: properties, g: bornTimestamp, ...rest } = command!.extFields;
  assertEquals(rest, {
    a: "group",
    b: TOPIC,
    c: "TBW102",
    d: "4",
    e: "0",
    f: "4",
    h: "9",
    j: "0",
    k: "false",
    m: "false",
    n: "broker-1",
  });
  assertEquals(Number(bornTimestamp), cluster.clock.now());
  assertEquals(
    properties!.split("\u0002").filter(Boolean).map((pair) => pair.replace("\u0001", "=")).sort(),
    [
      "KEYS=k",
      "PGROUP=group",
      "TAGS=TagA",
      "TRAN_MSG=true",
      `UNIQ_KEY=${transactionId}`,
      "WAIT=true",
      "a=b",
    ],
  );
});

for (const [state, wire] of [["COMMIT", "8"], ["ROLLBACK", "12"], ["UNKNOWN", "0"]] as const) {
  Deno.test(`TransactionProducer - the verdict ${state} names the half message exactly`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster;
    const producer = await cluster.started(saying(state));
    await producer.sendMessageInTransaction(message());
    const result = await producer.sendMessageInTransaction(message());
    const [, command] = broker.requests(RequestCode.END_TRANSACTION);

    assertEquals(command!.extFields, {
      producerGroup: "group",
      tranStateTableOffset: "2",
      commitLogOffset: "1152921504606846978",
      commitOrRollback: wire,
      fromTransactionCheck: "false",
      msgId: result.transactionId,
      transactionId: result.transactionId,
      topic: TOPIC,
      bname: "broker-1",
    });
    assertEquals([command!.remark, command!.body.length], [undefined, 0]);
    assertEquals(broker.verdicts().map(({ oneway }) => oneway), Array(2).fill(state === "UNKNOWN"));
    assertStrictEquals(broker.verdicts()[1]!.connection, broker.halves[1]!.connection);
  });
}

Deno.test("TransactionProducer - the result says what became of the send and of the verdict", async () => {
  await using cluster = new ScriptedCluster();
  const outcomes = { COMMIT: "confirmed", ROLLBACK: "confirmed", UNKNOWN: "sent" } as const;
  const producer = await cluster.started<LocalTransactionState>({
    executeLocalTransaction: (_message, state) => state,
  });
  for (const state of ["COMMIT", "ROLLBACK", "UNKNOWN"] as const) {
    const result = await producer.sendMessageInTransaction(message(), state);
    const half = cluster.broker.halves.at(-1)!;
    assertEquals(result, {
      sendStatus: "SEND_OK",
      messageId: half.transactionId,
      transactionId: half.transactionId,
      offsetMessageId: `0A00000900002A9F${
        half.commitLogOffset.toString(16).toUpperCase().padStart(16, "0")
      }`,
      messageQueue: { topic: TOPIC, brokerName: "broker-1", queueId: half.queueId },
      queueOffset: half.queueOffset,
      localTransactionState: state,
      endTransaction: outcomes[state],
    });
  }
});

Deno.test("TransactionProducer - the listener gets message, argument and what identifies it", async () => {
  await using cluster = new ScriptedCluster();
  const calls: { message: unknown; arg: unknown; context: LocalTransactionContext }[] = [];
  const producer = await cluster.started<{ order: number } | undefined>({
    executeLocalTransaction(message, arg, context) {
      calls.push({ message, arg, context });
      return LocalTransactionState.Rollback;
    },
  });
  const original = message(), arg = { order: 7 };
  const result = await producer.sendMessageInTransaction(original, arg);
  await producer.sendMessageInTransaction(original);

  assertStrictEquals(calls[0]!.message, original);
  assertStrictEquals(calls[0]!.arg, arg);
  assertEquals(calls[1]!.arg, undefined);
  const { context } = calls[0]!;
  assertEquals(context.transactionId, result.transactionId);
  assertEquals(context.messageQueue, result.messageQueue);
  assertEquals(context.signal.aborted, false);
  assertNotEquals(calls[1]!.context.transactionId, context.transactionId);
});

Deno.test("TransactionProducer - a listener keeps its own this", async () => {
  class Orders {
    #done = new Set<string>();
    executeLocalTransaction(_message: unknown, _arg: unknown, context: LocalTransactionContext) {
      this.#done.add(context.transactionId);
      return LocalTransactionState.Unknown;
    }
    checkLocalTransaction(_message: unknown, { transactionId }: { transactionId: string }) {
      return this.#done.has(transactionId) ? "COMMIT" as const : "ROLLBACK" as const;
    }
  }
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(new Orders());
  await producer.sendMessageInTransaction(message());
  cluster.broker.checkBack(cluster.broker.halves[0]!);
  await settle();

  assertEquals(cluster.broker.states(), ["UNKNOWN", "COMMIT"]);
});

Deno.test("TransactionProducer - transactions at once do not mix", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const producer = await cluster.started<number>({
    executeLocalTransaction: async (_message, i) => {
      await settle(i % 3);
      return i % 2 ? LocalTransactionState.Commit : LocalTransactionState.Rollback;
    },
  });
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, i) => producer.sendMessageInTransaction(message(), i)),
  );

  for (const broker of cluster.brokers) {
    assertEquals(broker.halves.length, 20);
    for (const half of broker.halves) {
      const index = results.findIndex(({ transactionId }) => transactionId === half.transactionId);
      const verdicts = broker.verdicts().filter(({ transactionId }) =>
        transactionId === half.transactionId
      );
      assertEquals(
        verdicts.map(({ state, tranStateTableOffset, commitLogOffset }) => ({
          state,
          tranStateTableOffset,
          commitLogOffset,
        })),
        [{
          state: index % 2 ? "COMMIT" : "ROLLBACK",
          tranStateTableOffset: half.queueOffset,
          commitLogOffset: half.commitLogOffset,
        }],
      );
    }
  }
});

Deno.test("TransactionProducer - in mode oneway no verdict is confirmed", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"), { endTransactionMode: "oneway" });
  const result = await producer.sendMessageInTransaction(message());
  await settle();

  assertEquals(result.endTransaction, "sent");
  assertEquals(cluster.broker.verdicts().map(({ state, oneway }) => [state, oneway]), [[
    "COMMIT",
    true,
  ]]);
});

Deno.test("TransactionProducer - a text is sent as UTF-8", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  await producer.sendMessageInTransaction(message({ body: "Grüße, 世界" }));

  assertEquals(new TextDecoder().decode(cluster.broker.halves[0]!.body), "Grüße, 世界");
});
