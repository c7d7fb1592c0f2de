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

Deno.test("book - of thousands under way each is found by its id, and none after its end", () => {
  const book = new TransactionBook();
  const ids = Array.from({ length: 5_000 }, (_, i) => `7F0000010ABC18B4AAC2${i.toString(16)}`);
  const lives = ids.map((id) => book.send(id, "TopicTest", 0));
  for (const live of lives) live.running();

  assertEquals(ids.every((id, i) => book.find(id) === lives[i]), true);
  for (const [i, live] of lives.entries()) if (i % 2 === 0) book.leaveEnded(live);
  assertEquals(
    ids.filter((id, i) => book.find(id) !== (i % 2 === 0 ? undefined : lives[i])),
    [],
  );
  for (const live of lives) book.leaveEnded(live);
  assertEquals(ids.filter((id) => book.find(id)), []);
});

Deno.test("book - ids that a hostile broker makes alike are told apart", () => {
  const book = new TransactionBook();
  const ids = Array.from({ length: 300 }, (_, i) => `${i}-000000000000000000000000`);
  const lives = ids.map((id) => book.check(id, "TopicTest"));

  assertEquals(ids.every((id, i) => book.find(id) === lives[i]), true);
  book.leave(lives[150]!);
  assertEquals(ids.filter((id) => !book.find(id)), [ids[150]]);
});
