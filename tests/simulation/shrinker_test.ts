import { assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { describePlan, describeViolation } from "./describe_plan.ts";
import * as hand from "./hand_made.ts";
import { drawPlan } from "./draw_plan.ts";
import type { Violation } from "./invariants/mod.ts";
import type { FaultKind, Plan } from "./plan.ts";
import { shrink } from "./shrinker.ts";

const BROKEN: Violation = { invariant: "S1", at: 1_500, message: "t1 is lost" };

/** The first seed whose plan has faults of two kinds and a few transactions. */
function planWith(...kinds: FaultKind[]): Plan {
  for (let seed = 1;; seed++) {
    const plan = drawPlan(seed);
    const has = (kind: FaultKind) => plan.faults.some((fault) => fault.kind === kind);
    if (kinds.every(has) && plan.faults.length > 5 && plan.transactions.length > 5) return plan;
  }
}

Deno.test("shrinker - only what the violation needs is left", async () => {
  const plan = planWith("reset", "freeze");
  const judge = ({ faults, transactions }: Plan) => {
    const kinds = new Set(faults.map(({ kind }) => kind));
    const isBroken = kinds.has("reset") && kinds.has("freeze") &&
      transactions.some(({ name }) => name === "t1");
    return Promise.resolve(isBroken ? [BROKEN] : []);
  };
  const shrunk = await shrink(plan, judge);
  assertEquals(shrunk.plan.faults.map(({ kind }) => kind).sort(), ["freeze", "reset"]);
  assertEquals(shrunk.plan.transactions.map(({ name }) => name), ["t1"]);
  assertEquals(shrunk.violations, [BROKEN]);
  assertLess(shrunk.runs, 200);
});

Deno.test("shrinker - features that the violation does not need are left out", async () => {
  const drawn = hand.PLAN, [first] = drawn.transactions;
  const plan: Plan = {
    ...drawn,
    answers: "loop",
    signs: true,
    member: {
      ...drawn.member,
      endTransactionMode: "oneway",
      compression: "LZ4",
      checkRequestHoldMax: 2,
      checkConcurrency: 1,
    },
    transactions: [{ ...first!, way: "begin", immunity: 5, bodySize: 5_000 }],
    sends: [{ name: "p0", at: 10, slot: 0, how: "batch" }, {
      name: "p1",
      at: 20,
      slot: 0,
      how: "single",
    }],
  };
  const { plan: shrunk } = await shrink(plan, ({ member, transactions, sends }) => {
    const isBroken = member.endTransactionMode === "oneway" &&
      transactions.some(({ immunity }) => immunity === 5) && sends.some(({ name }) =>
        name === "p1"
      );
    return Promise.resolve(isBroken ? [BROKEN] : []);
  });
  assertEquals([shrunk.answers, shrunk.signs], ["listener", false]);
  assertEquals(shrunk.member, { ...drawn.member, endTransactionMode: "oneway" });
  assertEquals(shrunk.transactions, [{ ...first!, immunity: 5 }]);
  assertEquals(shrunk.sends.map(({ name }) => name), ["p1"]);
});

Deno.test("shrinker - another violation than the first is not followed", async () => {
  const plan = planWith("reset");
  const shrunk = await shrink(plan, ({ faults }) => {
    const isWhole = faults.length === plan.faults.length;
    return Promise.resolve([isWhole ? BROKEN : { ...BROKEN, invariant: "L1" }]);
  });
  assertEquals(shrunk.plan.faults, plan.faults);
});

Deno.test("shrinker - a plan that breaks nothing stays as it is", async () => {
  const plan = drawPlan(3);
  const shrunk = await shrink(plan, () => Promise.resolve([]));
  assertEquals(shrunk, { plan, violations: [], runs: 1 });
});

Deno.test("shrinker - after so many runs it takes what it has", async () => {
  const plan = planWith("reset");
  const shrunk = await shrink(plan, () => Promise.resolve([BROKEN]), 4);
  assertEquals(shrunk.runs, 4);
  assertLess(shrunk.plan.faults.length, plan.faults.length);
});

Deno.test("describePlan - tells every fault and transaction in the order of time", () => {
  const plan = planWith("reset", "freeze");
  const lines = describePlan(plan).split("\n");
  const events = [...plan.faults, ...plan.transactions, ...plan.sends];
  assertEquals(lines.length, 3 + events.length);
  assertStringIncludes(lines[0]!, `seed ${plan.seed}: `);
  const times = lines.slice(3).map((line) => parseFloat(line));
  assertEquals(times, times.toSorted((a, b) => a - b));
  assertGreater(lines.filter((line) => line.includes("freeze lasts=")).length, 0);
  const all = describePlan({
    ...plan,
    answers: "loop",
    signs: true,
    member: { ...plan.member, endTransactionMode: "oneway" },
    transactions: [{ ...plan.transactions[0]!, way: "begin", immunity: 5, bodySize: 5_000 }],
    sends: [{ name: "p0", at: 10, slot: 0, how: "batch" }],
  });
  for (
    const part of [
      "endTransactionMode oneway",
      "answered by a loop, requests are signed",
      "(by begin(), immune for 5 s, 5000 bytes, timeout",
      "client 0 sends p0, a plain message: batch",
    ]
  ) assertStringIncludes(all, part);
  assertEquals(describeViolation(BROKEN), "S1 at 1.500 s: t1 is lost");
});
