import { assertEquals } from "@std/assert";
import { Backoff } from "../../src/backoff.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("Backoff - pauses double up to a bound, each drawn from the upper half", () => {
  const clock = new FakeClock();
  const pauses = (chance: number) => {
    clock.chance = () => chance;
    const backoff = new Backoff(clock, 100, 1_000);
    return Array.from({ length: 6 }, () => backoff.next());
  };
  assertEquals(pauses(0), [50, 100, 200, 400, 500, 500]);
  assertEquals(pauses(0.5), [75, 150, 300, 600, 750, 750]);
});
