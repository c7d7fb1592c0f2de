import { assertEquals } from "@std/assert";
import type { HalfMessage } from "../../src/transaction/half_message.ts";
import {
  type TransactionRecord,
  TransactionTable,
} from "../../src/transaction/transaction_table.ts";

function recordOf(transactionId: string): TransactionRecord {
  return {
    transactionId,
    topic: "Orders",
    phase: "over",
    localTransactionRan: true,
    halfMessages: [],
  };
}

function known(table: TransactionTable, ids: string): string {
  return [...ids].filter((id) => table.get(id)).join("");
}

Deno.test("transaction table - of those that are over the last ones are remembered", () => {
  const table = new TransactionTable(3);
  for (const id of "abcde") {
    const record = recordOf(id);
    table.activate(record);
    table.retire(record);
  }
  assertEquals(known(table, "abcde"), "cde");
});

Deno.test("transaction table - one that is under way is kept, however many end meanwhile", () => {
  const table = new TransactionTable(2), slow = recordOf("s");
  slow.phase = "running";
  table.activate(slow);
  table.retire(slow);
  for (const id of "abcd") table.retire(recordOf(id));
  assertEquals(known(table, "sabcd"), "scd");
  slow.phase = "over";
  table.retire(slow);
  assertEquals(known(table, "sabcd"), "sd");
});

Deno.test("transaction table - one that is asked about again is kept, and is the newest afterwards", () => {
  const table = new TransactionTable(3), first = recordOf("a");
  for (const record of [first, recordOf("b"), recordOf("c")]) table.retire(record);
  table.activate(first);
  for (const id of "de") table.retire(recordOf(id));
  table.retire(first);
  assertEquals(known(table, "abcde"), "ade");
  table.retire(first);
  table.retire(recordOf("f"));
  assertEquals(known(table, "abcdef"), "af");
});

Deno.test("transaction table - one that goes on right after its end is still the same", () => {
  const table = new TransactionTable(3), record = decided("a");
  table.activate(record);
  table.retire(record);
  table.activate(record);
  assertEquals(table.get("a") === record, true);
});

Deno.test("transaction table - of one that ended well what answers a later question is left", () => {
  const table = new TransactionTable(3), record = decided("a"), mark = Object.freeze({});
  record.halfMessages[0]!.committedOn = [mark];
  table.retire(record);
  const again = table.get("a")!;
  assertEquals(again === record, false);
  const { topic, phase, verdict, localTransactionRan, halfMessages } = again;
  assertEquals([topic, phase, verdict, localTransactionRan], ["Orders", "over", "COMMIT", true]);
  const [{ broker, phase: halfPhase, committedOn, transaction }] = halfMessages as [HalfMessage];
  assertEquals([broker, halfPhase, transaction === again], ["broker-a", "idle", true]);
  assertEquals(committedOn![0] === mark, true);
  assertEquals(table.get("a") === again, true);
});

Deno.test("transaction table - one with an answer that got lost is kept as it is", () => {
  const table = new TransactionTable(3), record = decided("a");
  record.halfMessages[0]!.answerLost = true;
  table.retire(record);
  assertEquals(table.get("a") === record, true);
});

/** One that was committed on a broker. */
function decided(transactionId: string): TransactionRecord {
  const transaction: TransactionRecord = { ...recordOf(transactionId), verdict: "COMMIT" };
  transaction.halfMessages.push({
    transaction,
    broker: "broker-a",
    phase: "idle",
    since: undefined,
    handle: {
      brokerName: "broker-a",
      connection: undefined,
      tranStateTableOffset: 1n,
      commitLogOffset: 2n,
      fromCheck: false,
      checkTimes: 0,
      receivedAt: 0,
    },
  });
  return transaction;
}
