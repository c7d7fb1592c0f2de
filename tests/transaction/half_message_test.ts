import { assertEquals, assertStrictEquals } from "@std/assert";
import { type HalfMessageHandle, halfMessageOf } from "../../src/transaction/half_message.ts";
import type { TransactionRecord } from "../../src/transaction/transaction_table.ts";

function handleOn(brokerName: string): HalfMessageHandle {
  return {
    brokerName,
    connection: undefined,
    tranStateTableOffset: 1n,
    commitLogOffset: 1n,
    fromCheck: true,
    checkTimes: 1,
    receivedAt: 0,
  };
}

Deno.test("half message - a server that calls itself otherwise each time is not remembered for ever", () => {
  const record: TransactionRecord = {
    transactionId: "T",
    topic: "TopicTest",
    phase: "over",
    localTransactionRan: undefined,
    halfMessages: [],
  };
  const busy = halfMessageOf(record, handleOn("busy"));
  busy.phase = "ending";
  for (let i = 0; i < 1_000; i++) halfMessageOf(record, handleOn(`broker-${i}`));

  assertEquals(record.halfMessages.length, 16);
  assertStrictEquals(halfMessageOf(record, handleOn("busy")), busy);
});
