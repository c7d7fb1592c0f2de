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

/** An id as the producer draws them; the letter stands for its last digit. */
function ownId(letter: string): string {
  return `7F00000100010000ABCD00000000000${letter.toUpperCase()}`;
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

Deno.test("transaction table - of those that were sent here the last ones are remembered, and what is under way", () => {
  const table = new TransactionTable(3), slow = recordOf(ownId("f"));
  slow.phase = "running";
  table.activate(slow);
  table.retire(slow);
  for (const letter of "abcde") {
    const record = decided(ownId(letter));
    table.activate(record);
    table.retire(record);
  }
  const left = [..."abcdef"].filter((letter) => table.get(ownId(letter))).join("");
  assertEquals(left, "cdef");
  const again = table.get(ownId("c"))!;
  assertEquals([again.verdict, again.transactionId], ["COMMIT", ownId("c")]);
  table.activate(again);
  for (const letter of "123") table.retire(decided(ownId(letter)));
  assertEquals(table.get(ownId("c")), again);
  table.retire(again);
  assertEquals([..."abcde123"].filter((letter) => table.get(ownId(letter))).join(""), "c23");
});

Deno.test("transaction table - an own id that a broker asks about before it was sent is another's", () => {
  const table = new TransactionTable(3), asked = decided(ownId("a"));
  asked.localTransactionRan = undefined;
  table.activate(asked);
  table.retire(asked);
  table.retire(decided(ownId("b")));
  assertEquals(table.get(ownId("a"))!.localTransactionRan, undefined);
  assertEquals(table.get(ownId("b"))!.localTransactionRan, true);
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

Deno.test("transaction table - that the answer to a commit got lost is left, too, and of none beside it", () => {
  const table = new TransactionTable(3), lost = decided("a");
  lost.halfMessages[0]!.answerLost = true;
  table.retire(lost);
  table.retire(decided("b"));
  const left = ["a", "b"].map((id) => table.get(id)!.halfMessages[0]!.answerLost ?? false);
  assertEquals(left, [true, false]);
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
