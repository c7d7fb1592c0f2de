import type { Mutant } from "./draw.ts";

/** A change of a line that changes nothing that anybody could see. */
export interface Equivalent {
  /** The file, from the root of the package. */
  readonly file: string;
  /** The line as it is, without its indentation. */
  readonly old: string;
  /** The line as it would be. */
  readonly new: string;
  /** Why nobody can see it. */
  readonly reason: string;
}

/** Changes that no test can find. Each has to say why; those that only no test does find are none. */
export const EQUIVALENT: readonly Equivalent[] = [];

/** Whether a change is on the list. */
export function isEquivalent(mutant: Mutant): boolean {
  return EQUIVALENT.some((known) =>
    known.file === mutant.file && known.old === mutant.old.trim() && known.new === mutant.new.trim()
  );
}
