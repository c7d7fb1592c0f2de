import { assertEquals } from "@std/assert";
import { RequestSlots } from "../../src/transport/pending_requests.ts";

const numbers = (items: { opaque: number }[]) => items.map(({ opaque }) => opaque);

Deno.test("request slots - a number is found until it is taken out, and no other in its place", () => {
  const slots = new RequestSlots<{ opaque: number }>(), item = { opaque: 5 };
  slots.add(item);
  assertEquals([slots.get(5), slots.get(5 + 64), slots.size], [item, undefined, 1]);
  assertEquals([slots.isFree(5), slots.isFree(5 + 64), slots.isFree(6)], [false, false, true]);
  assertEquals(slots.delete({ opaque: 5 }), false);
  assertEquals(slots.delete(item), true);
  assertEquals(slots.delete(item), false);
  assertEquals([slots.get(5), slots.isFree(5), slots.size], [undefined, true, 0]);
});

Deno.test("request slots - numbers that run over the largest are told in the order of their age", () => {
  const slots = new RequestSlots<{ opaque: number }>();
  for (const opaque of [2 ** 31 - 2, 2 ** 31 - 1, -(2 ** 31), 1 - 2 ** 31]) slots.add({ opaque });
  assertEquals(numbers(slots.after(1 - 2 ** 31)), [
    2 ** 31 - 2,
    2 ** 31 - 1,
    -(2 ** 31),
    1 - 2 ** 31,
  ]);
});

Deno.test("request slots - ten thousand have room, and one that stays is found while others come and go", () => {
  const slots = new RequestSlots<{ opaque: number }>(), slow = { opaque: 0 };
  slots.add(slow);
  let opaque = 0;
  for (let round = 0; round < 3; round++) {
    const items = Array.from({ length: 10_000 }, () => {
      do opaque++; while (!slots.isFree(opaque));
      const item = { opaque };
      slots.add(item);
      return item;
    });
    assertEquals(slots.size, 10_001);
    assertEquals(items.every((item) => slots.get(item.opaque) === item), true);
    assertEquals(slots.get(0), slow);
    for (const item of items) slots.delete(item);
  }
  assertEquals(numbers(slots.after(opaque)), [0]);
  slots.delete(slow);
  assertEquals([slots.size, slots.after(opaque).length, slots.isFree(0)], [0, 0, true]);
});
