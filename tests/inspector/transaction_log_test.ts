import { assertEquals } from "@std/assert";
import type { StepFacts } from "../../src/testing/inspector/record.ts";
import { TransactionLog } from "../../src/testing/inspector/transaction_log.ts";

function step(id: string, at: number, title: string, facts: Partial<StepFacts> = {}): StepFacts {
  const { step, ...rest } = facts;
  return {
    id,
    ...rest,
    step: { at, origin: "broker", title, detail: "", tone: "plain", isEffect: false, ...step },
  };
}

Deno.test("TransactionLog - keeps so many transactions, those that changed last", () => {
  const log = new TransactionLog(3);
  for (const id of ["a", "b", "c"]) log.add(step(id, 1, "Half message stored"), 1);
  log.add(step("a", 2, "Check-back 1", { checks: 1 }), 2);
  log.add(step("d", 3, "Half message stored"), 3);
  assertEquals(["a", "b", "c", "d"].filter((id) => log.has(id)), ["a", "c", "d"]);
  assertEquals(log.size, 3);
  const { transactions, forgotten, states } = log.counters();
  assertEquals({ transactions, forgotten, open: states.open }, {
    transactions: 4,
    forgotten: 1,
    open: 3,
  });
});

Deno.test("TransactionLog - keeps the first and the newest steps of one that is asked about for long", () => {
  const log = new TransactionLog(10);
  for (let at = 0; at < 500; at++) log.add(step("a", at, `step ${at}`), at);
  const { steps, droppedSteps } = log.detail("a")!;
  assertEquals(steps.length, 100);
  assertEquals(droppedSteps, 400);
  assertEquals([steps[0]!.title, steps[19]!.title], ["step 0", "step 19"]);
  assertEquals([steps[20]!.title, steps.at(-1)!.title], ["step 420", "step 499"]);
});

Deno.test("TransactionLog - tells a cause before its effect, whoever was heard first", () => {
  const log = new TransactionLog(10);
  log.add(step("a", 5, "Half message stored"), 5);
  const effect = { at: 9, isEffect: true } as StepFacts["step"];
  log.add(step("a", 9, "Visible", { state: "visible", step: effect! }), 9);
  log.add(step("a", 9, "Verdict: commit"), 9);
  log.add(step("a", 7, "Local transaction: commit"), 9);
  assertEquals(log.detail("a")!.steps.map(({ title }) => title), [
    "Half message stored",
    "Local transaction: commit",
    "Verdict: commit",
    "Visible",
  ]);
});

Deno.test("TransactionLog - a producer that is heard late has still decided before the broker heard of it", () => {
  const log = new TransactionLog(10);
  const add = (at: number, title: string, side?: "beforeVerdict" | "verdict") =>
    log.add(
      step("a", at, title, { step: { at, ...side && { side } } as NonNullable<StepFacts["step"]> }),
      at,
    );
  add(5, "Half message stored");
  add(8, "Verdict: commit", "verdict");
  add(8, "Visible");
  add(9, "Half message confirmed", "beforeVerdict");
  add(10, "Local transaction: commit", "beforeVerdict");
  add(11, "Verdict confirmed");
  assertEquals(log.detail("a")!.steps.map(({ at, title }) => `${at} ${title}`), [
    "5 Half message stored",
    "8 Half message confirmed",
    "8 Local transaction: commit",
    "8 Verdict: commit",
    "8 Visible",
    "11 Verdict confirmed",
  ]);
  const other = new TransactionLog(10);
  const late = { at: 9, side: "beforeVerdict" } as NonNullable<StepFacts["step"]>;
  other.add(step("b", 9, "Local transaction: commit", { step: late }), 9);
  other.add(step("b", 8, "Verdict: commit", { step: { ...late, at: 8, side: "verdict" } }), 9);
  other.add(step("b", 8, "Visible"), 9);
  assertEquals(other.detail("b")!.steps.map(({ at, title }) => `${at} ${title}`), [
    "8 Local transaction: commit",
    "8 Verdict: commit",
    "8 Visible",
  ]);
});

Deno.test("TransactionLog - counts how transactions ended and how long they took", () => {
  const log = new TransactionLog(10);
  for (const [id, at] of [["a", 4], ["b", 4], ["c", 1_500]] as const) {
    log.add(step(id, 0, "Half message stored", { begins: true }), 0);
    log.add(step(id, at, "Visible", { state: "visible", newCopies: 1 }), at);
  }
  log.add(step("c", 2_000, "Visible", { state: "visible", newCopies: 1 }), 2_000);
  log.add(step("d", 0, "Half message stored", { begins: true, checks: 2 }), 0);
  const { states, checks, surplusCopies } = log.counters();
  assertEquals([states.visible, states.open, checks, surplusCopies], [3, 1, 2, 1]);
  const { bounds, counts, median, p95 } = log.latency();
  const filled = counts.flatMap((count, bar) => count > 0 ? [[bounds[bar], count]] : []);
  assertEquals(filled, [[5, 2], [2_000, 1]]);
  assertEquals([median, p95], [5, 2_000]);
});

Deno.test("TransactionLog - what is visible stays visible when another copy is given up", () => {
  const log = new TransactionLog(10);
  log.add(step("a", 1, "Visible", { state: "visible", newCopies: 1 }), 1);
  log.add(step("a", 2, "Given up", { state: "givenUp" }), 2);
  assertEquals(log.detail("a")!.state, "visible");
  assertEquals(log.counters().states.givenUp, 0);
});

Deno.test("TransactionLog - what was given up waits again when it was put back", () => {
  const log = new TransactionLog(10);
  for (const id of ["lost", "declined"]) {
    const state = id === "lost" ? "givenUp" : "rolledBack";
    log.add(step(id, 1, "Half message stored", { begins: true }), 1);
    log.add(step(id, 2, "The end", { state }), 2);
    log.add(step(id, 3, "Check-back 1", { state: "open" }), 3);
  }
  const { state, endedAt } = log.detail("lost")!;
  assertEquals([state, endedAt], ["open", undefined]);
  assertEquals(log.detail("declined")!.state, "rolledBack");
});

Deno.test("TransactionLog - cuts long texts", () => {
  const log = new TransactionLog(10);
  const long = "x".repeat(10_000);
  log.add(step("a", 1, long, { topic: long, keys: Array.from({ length: 99 }, () => long) }), 1);
  const { topic, keys, steps } = log.detail("a")!;
  assertEquals(topic.length, 513);
  assertEquals([keys.length, keys[0]!.length, steps[0]!.title.length], [8, 513, 513]);
});

Deno.test("TransactionLog - gives what changed after a change, in parts", () => {
  const log = new TransactionLog(10);
  for (const id of ["a", "b", "c"]) log.add(step(id, 1, "Half message stored"), 1);
  const [a, b] = log.changedAfter(0, 2);
  assertEquals([a!.id, b!.id], ["a", "b"]);
  assertEquals(log.changedAfter(b!.change, 2).map(({ id }) => id), ["c"]);
  log.add(step("a", 2, "Check-back 1"), 2);
  assertEquals(log.changedAfter(b!.change, 9).map(({ id }) => id), ["c", "a"]);
});
