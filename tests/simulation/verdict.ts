import { extraCopies } from "./invariants/d1_copies.ts";
import { wronglyDiscarded } from "./invariants/d4_discarded.ts";
import { checkRun, INVARIANTS, type Run, runOf, type Violation } from "./invariants/mod.ts";
import type { Plan } from "./plan.ts";
import { simulate, timesOf } from "./simulation.ts";

/** What came of one simulation. */
export interface Verdict {
  /** The seed. */
  readonly seed: number;
  /** Hash over everything that happened. */
  readonly hash: string;
  /** What broke an invariant; empty when all hold. */
  readonly violations: readonly Violation[];
  /** How often something happened that is no one's fault, or that an invariant looks at. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Runs a plan and checks what happened. */
export async function judge(plan: Plan): Promise<Verdict> {
  const history = await simulate(plan);
  const run = runOf(plan, timesOf(plan), history);
  const violations = checkRun(run, INVARIANTS);
  return { seed: plan.seed, hash: history.hash, violations, counts: count(run) };
}

/** Counts copies by what caused them, and what was discarded although visible. */
function count(run: Run): Record<string, number> {
  const { history } = run, counts: Record<string, number> = {};
  const add = (name: string, times = 1) => {
    if (times > 0) counts[name] = (counts[name] ?? 0) + times;
  };
  add("visible messages", new Set(history.of("visible").map(({ txn }) => txn)).size);
  add("check-backs", history.of("gotCheck").length);
  for (const { cause } of extraCopies(run)) add(`copies: ${cause ?? "by a client"}`);
  for (const { check } of wronglyDiscarded(run)) {
    add(`discarded though visible: ${check ? "by a client" : "nobody could be asked"}`);
  }
  return counts;
}
