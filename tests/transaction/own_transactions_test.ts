import { assertEquals } from "@std/assert";
import { OwnTransactions } from "../../src/transaction/own_transactions.ts";
import { Random } from "../fuzz/random.ts";

const PREFIX = "7F00000100010000ABCD";

/** An id whose last digits are a time of eight digits and a counter of four. */
function idOf(number: number): string {
  return PREFIX + number.toString(16).toUpperCase().padStart(12, "0");
}

Deno.test("own transactions - what comes and goes in any order is found as in a Map", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed), own = new OwnTransactions<number>(), model = new Map();
    for (let step = 0; step < 4_000; step++) {
      // Many share the low bits, and many follow on each other.
      const number = random.below(600) * (seed % 3 === 0 ? 0x10000 : 1),
        key = own.claim(idOf(number));
      assertEquals(key, number);
      if (random.oneIn(2)) {
        own.set(key, step, number % 7);
        model.set(number, step);
      } else if (own.find(key) >= 0) {
        own.delete(own.find(key));
        assertEquals(model.delete(number), true);
      }
    }
    for (let i = 0; i < 600; i++) {
      const number = i * (seed % 3 === 0 ? 0x10000 : 1), slot = own.find(own.keyOf(idOf(number)));
      assertEquals(slot < 0 ? undefined : own.valueAt(slot), model.get(number));
      if (slot >= 0) assertEquals(own.markAt(slot), number % 7);
    }
  }
});

Deno.test("own transactions - an id that begins differently, or has other digits, is none of them", () => {
  const own = new OwnTransactions<string>();
  assertEquals(own.keyOf(idOf(1)), -1, "none was sent yet");
  assertEquals(own.claim(idOf(0xffff_ffff_ffff)), 0xffff_ffff_ffff);
  const others = [
    "8" + idOf(1).slice(1),
    idOf(10).toLowerCase(),
    idOf(1).slice(1),
    idOf(1) + "0",
    PREFIX + "00000000000/",
    PREFIX + "00000000000:",
    PREFIX + "00000000000G",
    PREFIX + "00000000000@",
    "",
  ];
  for (const id of others) assertEquals([own.keyOf(id), own.claim(id)], [-1, -1], id);
});
