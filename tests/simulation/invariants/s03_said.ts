import type { Invariant } from "./invariant.ts";
import { isDrop } from "./looks.ts";
import { WEAKLY_STORED } from "./timeline.ts";

/**
 * A client sends only verdicts that its listener gave.
 *
 * A half message whose send is over without its local transaction can't be committed by anyone who
 * knows the truth: the client that sent it may say so at once.
 */
export const s3: Invariant = {
  name: "S3",
  text: "A client sends COMMIT/ROLLBACK for T only if a listener call returned it for T; sole " +
    "exceptions: ROLLBACK after a half stored whose local transaction did not run and never will, " +
    "and ROLLBACK of a surplus half whose message was found (S5).",
  check(run, report) {
    const { history, timeline } = run;
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
      if (!reply || !(reply.code === 0 || WEAKLY_STORED.has(reply.code))) continue;
      if (ran.has(`${half.member} ${half.txn}`)) continue;
      const key = `${half.member} ${half.txn} ROLLBACK`;
      said.set(key, Math.min(reply.event, said.get(key) ?? Infinity));
    }
    for (const verdict of history.of("wroteVerdict")) {
      const { member, txn, state, event, at } = verdict;
      if (state === "UNKNOWN" || isDrop(run, verdict)) continue;
      if ((said.get(`${member} ${txn} ${state}`) ?? Infinity) > event) {
        report(at, `${member} sent ${state} for ${txn} and its listener had not said so`, txn);
      }
    }
  },
};
