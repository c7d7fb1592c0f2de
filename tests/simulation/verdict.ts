import { checkRun, INVARIANTS, type Violation } from "./invariants/mod.ts";
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
}

/** Runs a plan and checks what happened. */
export async function judge(plan: Plan): Promise<Verdict> {
  const history = await simulate(plan);
  const violations = checkRun(plan, timesOf(plan), history, INVARIANTS);
  return { seed: plan.seed, hash: history.hash, violations };
}
