import { assertEquals } from "@std/assert";
import { Deadline, systemClock, within } from "../src/clock.ts";

const LONGEST = 2 ** 31 - 1;

Deno.test("clock - a time that is longer than the runtime's timers does not pass immediately", async () => {
  const passed: number[] = [];
  const timers = [LONGEST, LONGEST + 1, 2 ** 32, Infinity].map((delay) =>
    systemClock.setTimer(() => passed.push(delay), delay)
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  for (const timer of timers) systemClock.clearTimer(timer);
  assertEquals(passed, []);
});

Deno.test("clock - the longest time that options take can be waited with some grace", async () => {
  const { remaining } = new Deadline(systemClock, LONGEST);
  const later = new Promise<string>((resolve) => setTimeout(resolve, 30, "done"));
  const options = { timeout: remaining + 50 };
  assertEquals(await within(systemClock, later, options, (failure) => new Error(failure)), "done");
});
