import { assertEquals } from "@std/assert";
import { CompressionType, createCompressor, decompress } from "../../src/message/internal.ts";
import { bodyOf } from "./body.ts";
import { Scheduler } from "./scheduler.ts";

Deno.test("scheduler - events happen in the order of their times, then of their making", async () => {
  const scheduler = new Scheduler(), seen: string[] = [];
  scheduler.after(5, () => seen.push(`third at ${scheduler.now}`));
  scheduler.wake(1, () => seen.push(`first at ${scheduler.now}`));
  scheduler.after(1, () => seen.push(`second at ${scheduler.now}`));
  scheduler.after(20, () => seen.push("never"));
  scheduler.after(2, () => seen.push("cancelled")).cancelled = true;
  await scheduler.run(10);
  assertEquals(seen, ["first at 1", "second at 1", "third at 5"]);
  assertEquals([scheduler.now, scheduler.executed], [10, 3]);
});

Deno.test("scheduler - promises settle before the next event", async () => {
  const scheduler = new Scheduler(), seen: string[] = [];
  scheduler.wake(1, async () => {
    for (let step = 0; step < 50; step++) await Promise.resolve();
    seen.push("settled");
  });
  scheduler.wake(1, () => seen.push("next event"));
  await scheduler.run(2);
  assertEquals(seen, ["settled", "next event"]);
});

for (const [name, type] of Object.entries(CompressionType)) {
  // The platform's decompressor is asynchronous; were it to use a thread, no seed would be the same twice.
  Deno.test(`scheduler - a ${name} body is decompressed within the event that began it`, async () => {
    for (const size of [100, 5_000, 24_000, 200_000]) {
      const body = bodyOf("t1", size), compressed = createCompressor(type)(body);
      const scheduler = new Scheduler(), seen: string[] = [];
      scheduler.wake(1, async () => {
        assertEquals(await decompress(compressed, type), body);
        seen.push("decompressed");
      });
      scheduler.wake(1, () => seen.push("next event"));
      await scheduler.run(2);
      assertEquals(seen, ["decompressed", "next event"], `${size} bytes`);
    }
  });
}
