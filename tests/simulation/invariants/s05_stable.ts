import type { Invariant } from "./invariant.ts";
import { isDrop } from "./looks.ts";

/** A verdict never turns into its opposite. */
export const s5: Invariant = {
  name: "S5",
  text:
    "Verdicts are stable: after COMMIT was sent for T by an instance, it never sends ROLLBACK for " +
    "T, nor the reverse. It never answers ROLLBACK to drop a duplicate, with one exception: a " +
    "surplus half whose message was just found visible on this very connection may be dropped by " +
    "ROLLBACK of that half on that connection.",
  check(run, report) {
    const sent = new Map<string, string>();
    for (const verdict of run.history.of("wroteVerdict")) {
      const { member, txn, state, at } = verdict;
      if (state === "UNKNOWN" || isDrop(run, verdict)) continue;
      const key = `${member} ${txn}`, earlier = sent.get(key);
      if (earlier !== undefined && earlier !== state) {
        report(at, `${member} sent ${state} for ${txn} after ${earlier}`, txn);
      }
      sent.set(key, state);
    }
  },
};
