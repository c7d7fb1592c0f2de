import type { Invariant } from "./invariant.ts";

/** No error escapes. */
export const h2: Invariant = {
  name: "H2",
  text: "No unhandled rejection, no exception out of a timer, ever.",
  check({ history }, report) {
    for (const { error, member, at } of history.of("unhandled")) {
      report(at, `an error of ${member} was caught by nobody: ${error}`);
    }
  },
};
