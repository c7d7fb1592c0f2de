import type { Random } from "../fuzz/random.ts";

/**
 * One thing that both libraries do. A case is drawn from its seed, described to the program in Java,
 * and judged here by what that answers.
 */
export interface Subject<Case> {
  /** The first word of a case's line. */
  name: string;
  /** Draws a case. */
  draw(random: Random): Case;
  /** The other words of its line. */
  describe(drawn: Case): string[];
  /** Throws an `AssertionError` that tells the first difference. */
  compare(drawn: Case, answer: readonly string[]): void;
}

/** How many cases of a subject there are. */
// deno-lint-ignore no-explicit-any
export type Share = readonly [subject: Subject<any>, count: number];
