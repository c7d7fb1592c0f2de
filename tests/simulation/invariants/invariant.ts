import type { History } from "../history.ts";
import type { Plan } from "../plan.ts";
import type { Times } from "../simulation.ts";
import { Timeline } from "./timeline.ts";

/** Something that an invariant forbids and that happened. */
export interface Violation {
  /** Name of the invariant: `S1`. */
  readonly invariant: string;
  /** The transaction that it is about. */
  readonly txn?: string | undefined;
  /** When it happened, in virtual milliseconds. */
  readonly at: number;
  /** What happened. */
  readonly message: string;
}

/** A simulation that is over, to be checked. */
export interface Run {
  readonly plan: Plan;
  readonly times: Times;
  readonly history: History;
  /** Answers what invariants have in common. */
  readonly timeline: Timeline;
}

/** Reports a violation. */
export type Report = (at: number, message: string, txn?: string) => void;

/** A rule over everything that happens. */
export interface Invariant {
  /** Its short name. */
  readonly name: string;
  /** The rule in words. */
  readonly text: string;
  /** Looks for what breaks it. */
  check(run: Run, report: Report): void;
}

/** A simulation that is over. */
export function runOf(plan: Plan, times: Times, history: History): Run {
  return { plan, times, history, timeline: new Timeline(plan, history) };
}

/** Checks one simulation against some rules. */
export function checkRun(run: Run, invariants: readonly Invariant[]): Violation[] {
  const violations: Violation[] = [];
  for (const { name, check } of invariants) {
    check(run, (at, message, txn) => violations.push({ invariant: name, at, message, txn }));
  }
  return violations.sort((a, b) => a.at - b.at);
}
