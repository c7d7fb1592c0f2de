import { assertEquals } from "@std/assert";
import { delayLevelOf, MAX_RETRY_DELAY } from "../../src/consumer/retry_delay.ts";

Deno.test("retry delay - a wish becomes the shortest level that is not below it", () => {
  const wishes: [delay: number, level: number][] = [
    [0, 1],
    [1_000, 1],
    [1_001, 2],
    [10_000, 3],
    [31_000, 5],
    [600_000, 14],
    [MAX_RETRY_DELAY, 18],
    [MAX_RETRY_DELAY + 1, 18],
  ];
  for (const [delay, level] of wishes) assertEquals(delayLevelOf(delay), level, String(delay));
});
