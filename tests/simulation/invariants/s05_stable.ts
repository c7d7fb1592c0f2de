import type { Invariant } from "./invariant.ts";

/** A verdict never turns into its opposite. */
export const s5: Invariant = {
  name: "S5",
  text:
    "Verdicts are stable: after COMMIT was sent for T by an instance, it never sends ROLLBACK for " +
    "T, nor the reverse. In particular it never answers ROLLBACK to drop a duplicate.",
  check({ history }, report) {
    const sent = new Map<string, string>();
    for (const { member, txn, state, at } of history.of("wroteVerdict")) {
      if (state === "UNKNOWN") continue;
      const key = `${member} ${txn}`, earlier = sent.get(key);
      if (earlier !== undefined && earlier !== state) {
        report(at, `${member} sent ${state} for ${txn} after ${earlier}`, txn);
      }
      sent.set(key, state);
    }
  },
};
