import type { Invariant } from "./invariant.ts";

/** Who is asked gets what was sent. */
export const d2: Invariant = {
  name: "D2",
  text:
    "A listener that is asked gets the message as the application had sent it, its body plain, " +
    "however it travelled.",
  check({ history }, report) {
    for (const { member, txn, isAltered, at } of history.of("asked")) {
      if (isAltered) report(at, `${member} asked its listener with an altered message`, txn);
    }
  },
};
