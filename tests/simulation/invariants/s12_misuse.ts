import type { Invariant } from "./invariant.ts";

/** What is no state decides nothing. */
export const s12: Invariant = {
  name: "S12",
  text: "An answer to a check-back that is no state is refused with InvalidArgumentError before " +
    "anything is recorded, and the check-back can still be answered.",
  check({ history }, report) {
    for (const { member, txn, refusal, isAnswered, at } of history.of("misused")) {
      if (refusal !== "InvalidArgumentError") {
        report(at, `${member} took what is no state for ${txn}: ${refusal ?? "no error"}`, txn);
      } else if (isAnswered) {
        report(at, `${member} refused what is no state for ${txn}, and takes nothing else`, txn);
      }
    }
  },
};
