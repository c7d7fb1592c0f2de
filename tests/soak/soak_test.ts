import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { HELP, readArguments, UsageError } from "./arguments.ts";
import { describeMinute, type HeapSample, judge } from "./bars.ts";
import { BitSet } from "./bit_set.ts";
import { type Balance, Ledger } from "./ledger.ts";
import { bodyOf, indexOf, planOf } from "./plan.ts";
import { slopeOf } from "./slope.ts";

const MIB = 1024 ** 2;
const CLEAN = { ranTwice: 0, unhandled: 0 };

Deno.test("BitSet - knows what was added, and counts each number once", () => {
  const set = new BitSet();
  const numbers = [0, 7, 8, 63, 8_191, 8_192, 900_000];
  for (const number of numbers) assert(set.add(number));
  for (const number of numbers) assert(!set.add(number));
  assertEquals(set.size, numbers.length);
  for (const number of numbers) assert(set.has(number));
  for (const number of [1, 6, 9, 899_999, 900_001, 10_000_000]) assert(!set.has(number));
});

Deno.test("BitSet - the numbers that another lacks come in order, below a bound", () => {
  const set = new BitSet(), other = new BitSet();
  for (const number of [3, 7, 8, 15, 70_000]) set.add(number);
  for (const number of [7, 15, 16]) other.add(number);
  assertEquals([...set.without(other)], [3, 8, 70_000]);
  assertEquals([...set.without(other, 8)], [3]);
  assertEquals([...set.without(other, 9)], [3, 8]);
  assertEquals([...other.without(set)], [16]);
});

Deno.test("Ledger - lost, phantom, doubled and corrupt are told apart", () => {
  const ledger = new Ledger();
  for (const index of [0, 1, 2, 5]) ledger.committed(index);
  for (const index of [0, 1, 1, 1, 3, undefined]) ledger.seen(index);
  assertEquals(ledger.balance(), {
    commits: 4,
    visible: 3,
    lost: 2,
    phantoms: 1,
    extraCopies: 2,
    corrupt: 1,
  });
  assertEquals(ledger.balance(3).lost, 1);
  assertEquals([...ledger.lost()], [2, 5]);
  assertEquals([...ledger.phantoms()], [3]);
  ledger.seen(2);
  assertEquals([...ledger.lost()], [5]);
});

Deno.test("plan - verdicts come from the seed, and of every kind there are enough", () => {
  const plans = Array.from({ length: 10_000 }, (_, index) => planOf(1, index));
  assertEquals(planOf(1, 77), planOf(1, 77));
  assert(plans.some((plan, index) => plan.isCommit !== planOf(2, index).isCommit));
  const count = (matches: (plan: (typeof plans)[number]) => boolean) =>
    plans.filter(matches).length;
  assertAlmostEquals(count(({ isCommit }) => isCommit), 6_667, 250);
  for (const isCommit of [true, false]) {
    for (const ending of ["unknown", "throws"]) {
      assert(count((plan) => plan.isCommit === isCommit && plan.ending === ending) > 100);
    }
  }
});

Deno.test("plan - a body tells its number only as it was sent", () => {
  for (const index of [0, 1, 16, 999_999]) {
    const body = bodyOf(1, index);
    assertEquals(indexOf(1, body), index);
    assertEquals(indexOf(2, body), undefined);
    assertEquals(indexOf(1, `${body}x`), undefined);
    assertEquals(indexOf(1, body.slice(1)), undefined);
  }
  assertEquals(indexOf(1, ""), undefined);
});

Deno.test("slopeOf() - finds the line through the points, and how sure it is", () => {
  const exact = slopeOf([0, 1, 2, 3].map((time) => ({ time, value: 5 + 2 * time })))!;
  assertAlmostEquals(exact.perSecond, 2, 1e-9);
  assertAlmostEquals(exact.error, 0, 1e-9);
  const points = [1, 3, 2, 5, 4].map((value, time) => ({ time, value }));
  const noisy = slopeOf(points)!;
  assertAlmostEquals(noisy.perSecond, 0.8, 1e-9);
  assertAlmostEquals(noisy.error, Math.sqrt(3.6 / 3 / 10), 1e-9);
  assertEquals(slopeOf(points.slice(0, 2)), undefined);
  assertEquals(slopeOf(points.map(({ value }) => ({ time: 1, value }))), undefined);
});

Deno.test("bars - a run that kept everything passes; each fault alone misses its bar", () => {
  const missed = (balance: Partial<Balance>, last: Partial<typeof CLEAN> = {}) =>
    judge({ ...balanced(), ...balance }, { ...CLEAN, ...last }, heapOf(30, 0))
      .filter(({ isMissed }) => isMissed).map(({ text }) => text);
  assertEquals(missed({ extraCopies: 100 }), []);
  assertEquals(missed({ lost: 1 }), ["lost 1"]);
  assertEquals(missed({ phantoms: 2 }), ["phantom 2"]);
  assertEquals(missed({ corrupt: 3 }), ["corrupt 3"]);
  assertEquals(missed({}, { ranTwice: 4 }), ["local transaction twice 4"]);
  assertEquals(missed({}, { unhandled: 5 }), ["unhandled rejections 5"]);
});

Deno.test("bars - a heap that grows misses its bar, in a short run only beyond the noise", () => {
  const isMissed = (samples: HeapSample[]) =>
    judge(balanced(), CLEAN, samples).some(({ isMissed }) => isMissed);
  assert(!isMissed(heapOf(30, 0.9)));
  assert(isMissed(heapOf(30, 1.1)));
  assert(isMissed(heapOf(3, 1.1)));
  const noisy = heapOf(3, 1.1).map((it, i) => ({ ...it, heap: it.heap + (i % 2) * MIB }));
  assert(!isMissed(noisy));
  assert(isMissed(noisy.map((it) => ({ ...it, heap: it.heap + it.time * MIB }))), "leaks at once");
  assert(!isMissed(heapOf(0.5, 100)), "too short to tell");
});

Deno.test("bars - what the first minute and sends under way hold does not count as growth", () => {
  const filling = heapOf(30, 0).map((it) => it.time < 60 ? { ...it, heap: it.time * MIB } : it);
  const busy = filling.map((it, i) =>
    i > 120 && i % 6 === 0 ? { ...it, inFlight: 1_500, heap: it.heap + 40 * MIB } : it
  );
  const heap = judge(balanced(), CLEAN, busy).at(-1)!;
  assert(!heap.isMissed, heap.text);
  assert(heap.text.startsWith("heap slope 0.00 MiB per 10 min"), heap.text);
});

Deno.test("bars - a minute is one line", () => {
  const sample = {
    type: "sample" as const,
    sent: 30_000,
    confirmed: 29_000,
    failed: 2,
    indeterminate: 3,
    reasons: { "failed TIMEOUT": 2, "indeterminate CONNECTION_LOST": 3 },
    checkBacks: 4,
    inFlight: 5,
    ...CLEAN,
    heap: 15.25 * MIB,
    rss: 180 * MIB,
  };
  assertEquals(
    describeMinute(1, sample, { ...balanced(), visible: 20_000, extraCopies: 7 }, 1),
    "minute 1, sent 30,000, confirmed 29,000, indeterminate 3, failed 2, visible 20,000, lost 0, " +
      "extra copies 7, kills 1, heap 15.3 MiB, rss 180 MiB",
  );
});

Deno.test("arguments of the soak run - defaults are those of the bar; nonsense is refused", () => {
  assertEquals(readArguments([]), {
    help: false,
    minutes: 30,
    rate: 500,
    killEvery: 60,
    brokers: 2,
    seed: 1,
  });
  const wanted = readArguments(["--minutes", "0.5", "--rate", "50", "--kill-every", "0"]);
  assertEquals([wanted.minutes, wanted.rate, wanted.killEvery], [0.5, 50, 0]);
  assert(readArguments(["--help"]).help && HELP.includes("--kill-every SECONDS"));
  for (
    const args of [["--what"], ["--minutes"], ["--minutes", "0"], ["--rate", "1.5"], [
      "--seed",
      "x",
    ], [
      "--brokers",
      " ",
    ]]
  ) {
    assertThrows(() => readArguments(args), UsageError, "Cannot use");
  }
});

function balanced(): Balance {
  return { commits: 10, visible: 10, lost: 0, phantoms: 0, extraCopies: 0, corrupt: 0 };
}

/** Samples each ten seconds of a heap that grows by so many MiB in 10 minutes. */
function heapOf(minutes: number, growth: number): HeapSample[] {
  return Array.from({ length: minutes * 6 }, (_, i) => {
    const time = 10 * (i + 1);
    return { time, inFlight: 3, heap: (20 + growth * time / 600) * MIB };
  });
}
