import { assertEquals, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import type {
  EndTransactionContext,
  EndTransactionHooks,
  EndTransactionReport,
} from "../../src/transaction/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { message, saying } from "./support.ts";

Deno.test("endTransactionHooks - they see every verdict, where it went and what became of it", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const begun: EndTransactionContext[] = [];
  const ended: [EndTransactionContext, EndTransactionReport][] = [];
  const producer = await cluster.started(saying("COMMIT", "ROLLBACK"), {
    endTransactionHooks: {
      before: (context) => void begun.push(context),
      after: (context, report) => void ended.push([context, report]),
    },
  });
  const { transactionId } = await producer.sendMessageInTransaction(message());
  broker.once(RequestCode.END_TRANSACTION, () => ({ code: 604, remark: "too late" }));
  const refused = await producer.sendMessageInTransaction(message());
  broker.checkBack(broker.strangeHalf({ transactionId: "STRANGE" }));
  await settle(4);

  const facts = { topic: TOPIC, producerGroup: "group", brokerName: broker.name };
  assertEquals(begun, ended.map(([context]) => context));
  assertEquals(ended.map(([context, report]) => ({ ...context, ...report })), [
    {
      ...facts,
      transactionId,
      state: "COMMIT",
      fromCheck: false,
      outcome: "confirmed",
      duration: 0,
      brokerAddress: broker.address,
    },
    {
      ...facts,
      transactionId: refused.transactionId,
      state: "COMMIT",
      fromCheck: false,
      outcome: "failed",
      duration: 0,
      brokerAddress: broker.address,
      error: refused.endTransactionError!,
    },
    {
      ...facts,
      transactionId: "STRANGE",
      state: "ROLLBACK",
      fromCheck: true,
      outcome: "confirmed",
      duration: 0,
      brokerAddress: broker.address,
    },
  ]);
});

Deno.test("endTransactionHooks - one that throws or meddles loses no verdict", async () => {
  await using cluster = new ScriptedCluster();
  const fail = () => {
    throw new Error("hook is broken");
  };
  const meddle = (context: EndTransactionContext) => {
    (context as { state: string }).state = "ROLLBACK";
  };
  const producer = await cluster.started(saying("COMMIT"), {
    endTransactionHooks: [{ before: fail, after: fail }, { before: meddle, after: meddle }],
  });
  const { endTransaction } = await producer.sendMessageInTransaction(message());

  assertEquals([endTransaction, cluster.broker.states()], ["confirmed", ["COMMIT"]]);
  assertEquals(cluster.logger.matching("endTransactionHooks.before failed", "warn").length, 1);
  assertEquals(cluster.logger.matching("endTransactionHooks.after failed", "warn").length, 1);
});

Deno.test("endTransactionHooks - options that are none are refused", () => {
  const cluster = new ScriptedCluster();
  assertThrows(
    () =>
      cluster.transactionProducer(saying("COMMIT"), {
        endTransactionHooks: { after: "later" } as unknown as EndTransactionHooks,
      }),
    InvalidArgumentError,
    "Cannot use option endTransactionHooks: ",
  );
});
