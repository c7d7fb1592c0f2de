import { assertEquals } from "@std/assert";
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
