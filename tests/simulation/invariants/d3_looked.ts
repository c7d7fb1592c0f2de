import type { Invariant } from "./invariant.ts";
import { lookBefore, reasonToLook } from "./looks.ts";

/** Nobody commits what may be committed already without asking the broker. */
export const d3: Invariant = {
  name: "D3",
  text:
    "Before a COMMIT on offsets that a check-back brought, and before one that follows another of " +
    "the same client, the broker's index is asked for the message: a member of the group, or an " +
    "earlier process, may have committed it.",
  check(run, report) {
    for (const commit of run.history.of("wroteVerdict")) {
      if (commit.state !== "COMMIT") continue;
      const since = reasonToLook(run, commit);
      if (since === undefined) continue;
      const { member, txn, at } = commit;
      const { result } = lookBefore(run, commit, since);
      if (result === "missing") report(at, `${member} sent COMMIT for ${txn} without a look`, txn);
      if (result === "found") report(at, `${member} sent COMMIT for ${txn}, which it found`, txn);
      if (result === "cutShort") {
        report(at, `${member} sent COMMIT for ${txn} before its look was answered`, txn);
      }
    }
  },
};
