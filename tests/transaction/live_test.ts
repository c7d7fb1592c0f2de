import { assertEquals } from "@std/assert";
import type { HalfMessage } from "../../src/transaction/half_message.ts";
import { LiveTransaction, TransactionBook } from "../../src/transaction/live.ts";

function halfOn(brokerName: string, commitLogOffset = 1n): HalfMessage {
  return {
    brokerName,
    connection: undefined,
    tranStateTableOffset: 1n,
    commitLogOffset,
    fromCheck: true,
    checkTimes: 1,
  };
}

Deno.test("live transaction - a server that calls itself otherwise each time is not remembered for ever", () => {
  const live = new LiveTransaction({
    transactionId: "T",
    topic: "TopicTest",
    step: "checking",
    known: undefined,
  });
  for (let i = 0; i < 1_000; i++) live.checked(halfOn(`broker-${i}`));

  assertEquals(live.checkedOn().length, 16);
});

Deno.test("live transaction - a broker that checks again and again while it is ended is not remembered for ever", () => {
  const live = new LiveTransaction({
    transactionId: "T",
    topic: "TopicTest",
    step: "checking",
    known: undefined,
  });
  live.checked(halfOn("a", 0n));
  const [halves] = live.end("COMMIT");
  for (let i = 1n; i <= 1_000n; i++) assertEquals(live.checked(halfOn("a", i)), "heldBack");

  assertEquals(live.takeWaiting(halves!, true), true);
  assertEquals(halves!.newest.commitLogOffset, 1_000n, "the newest is answered");
  assertEquals(halves!.others.length, 15);
});

Deno.test("book - of endings with trouble the oldest is forgotten first, what is under way never", () => {
  const book = new TransactionBook(2);
  const slow = book.send("slow", "TopicTest", 0);
  for (const id of ["A", "B", "C"]) book.leaveTroubled(book.send(id, "TopicTest", 0));

  assertEquals([book.trouble("A"), book.trouble("B")?.localTransactionRan], [undefined, false]);
  assertEquals(book.find("slow"), slow);
  assertEquals(book.find("C"), undefined);
});
