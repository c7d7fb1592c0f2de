import type { Invariant } from "./invariant.ts";
import { WEAKLY_STORED } from "./timeline.ts";

/** A client sends only verdicts that its listener gave. */
export const s3: Invariant = {
  name: "S3",
  text: "A client sends COMMIT/ROLLBACK for T only if a listener call returned it for T; sole " +
    "exceptions: ROLLBACK after a half stored with status 10/11/12, where the local transaction " +
    "did not run.",
  check({ history, timeline }, report) {
    const said = new Map<string, number>();
    for (const type of ["localEnded", "answered"] as const) {
      for (const { member, txn, returned, event } of history.of(type)) {
        const key = `${member} ${txn} ${returned}`;
        if (!said.has(key)) said.set(key, event);
      }
    }
    const ran = new Set(history.of("localBegan").map(({ member, txn }) => `${member} ${txn}`));
    for (const half of history.of("wroteHalf")) {
      const reply = timeline.replyTo(half);
      if (!reply || !WEAKLY_STORED.has(reply.code)) continue;
      if (ran.has(`${half.member} ${half.txn}`)) continue;
      const key = `${half.member} ${half.txn} ROLLBACK`;
      said.set(key, Math.min(reply.event, said.get(key) ?? Infinity));
    }
    for (const { member, txn, state, event, at } of history.of("wroteVerdict")) {
      if (state === "UNKNOWN") continue;
      if ((said.get(`${member} ${txn} ${state}`) ?? Infinity) > event) {
        report(at, `${member} sent ${state} for ${txn} and its listener had not said so`, txn);
      }
    }
  },
};
