import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { Latencies, timeCalls } from "./latencies.ts";

/** Latencies of a few microseconds to some minutes, always the same ones. */
function draw(count: number): number[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = Math.imul(state, 1103515245) + 12345 | 0;
    return 10 ** ((state >>> 8) / 2 ** 24 * 8 - 2.5);
  });
}

Deno.test("latencies - quantiles are those of the sorted latencies, to one part in a thousand", () => {
  for (const count of [1, 2, 9, 10, 1000, 100_001]) {
    const drawn = draw(count), latencies = new Latencies();
    for (const milliseconds of drawn) latencies.add(milliseconds);
    drawn.sort((a, b) => a - b);
    for (const share of [0, 0.1, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = drawn[Math.min(count - 1, Math.floor(share * count))]!;
      const distance = Math.abs(latencies.quantile(share) - exact);
      assertLessOrEqual(distance, exact / 1000 + 0.0005, `${share} of ${count}`);
    }
  }
});

Deno.test("latencies - short ones are exact to the microsecond", () => {
  const latencies = new Latencies();
  for (let microseconds = 0; microseconds < 1024; microseconds++) {
    latencies.add(microseconds / 1000);
  }
  assertEquals(latencies.quantile(0), 0);
  assertEquals(latencies.quantile(0.5), 0.512);
  assertEquals(latencies.quantile(1), 1.023);
});

Deno.test("latencies - without any, and with one that is too long to be true", () => {
  const latencies = new Latencies();
  assertEquals(latencies.quantile(0.5), 0);
  latencies.add(1e12);
  assertLessOrEqual(Math.abs(latencies.quantile(0.5) / (2 ** 31 / 1000) - 1), 0.001);
});

Deno.test("latencies - a million take as much memory as none", () => {
  const latencies = new Latencies(), before = latencies.byteLength;
  for (let i = 0; i < 1_000_000; i++) latencies.add(i / 100);
  assertEquals(latencies.size, 1_000_000);
  assertEquals(latencies.byteLength, before);
  assertLessOrEqual(before, 64 * 1024);
});

Deno.test("timeCalls() - makes as many calls as wanted, so many at a time, and counts failed ones", async () => {
  let calls = 0, running = 0, most = 0;
  const errors: unknown[] = [];
  const send = async () => {
    const number = ++calls;
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    if (number % 10 === 0) throw new Error(`call ${number}`);
  };
  const latencies = await timeCalls(95, 8, send, (error) => errors.push(error));
  assertEquals([calls, latencies.size, most, errors.length], [95, 95, 8, 9]);
});

Deno.test("timeCalls() - times each call from its own begin", async () => {
  const latencies = await timeCalls(3, 1, () => new Promise((done) => setTimeout(done, 20)), fail);
  assert(latencies.quantile(0) >= 15, "a call took less than it waited");
});

function fail(error: unknown): never {
  throw error;
}
