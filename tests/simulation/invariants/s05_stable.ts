import { mayBeForgotten } from "./held_up.ts";
import type { Invariant } from "./invariant.ts";
import { isDrop, type Verdict } from "./looks.ts";

/**
 * A verdict never turns into its opposite.
 *
 * An application that contradicts itself after the broker has confirmed the first verdict is another
 * matter: then the transaction is over for the client, which asks the listener like any other instance and
 * says what it is told (S3). The listener has to have said so in its time and since then: an answer that
 * came late, or one from before, excuses nothing.
 */
export const s5: Invariant = {
  name: "S5",
  text:
    "Verdicts are stable: after COMMIT was sent for T by an instance, it never sends ROLLBACK for " +
    "T, nor the reverse. It never answers ROLLBACK to drop a duplicate, with one exception: a " +
    "surplus half whose message was just found visible on this very connection may be dropped by " +
    "ROLLBACK of that half on that connection.",
  check(run, report) {
    const { history, timeline } = run, sent = new Map<string, Verdict>();
    for (const verdict of history.of("wroteVerdict")) {
      const { member, txn, state, at, event } = verdict;
      if (state === "UNKNOWN" || isDrop(run, verdict)) continue;
      const key = `${member} ${txn}`, earlier = sent.get(key);
      sent.set(key, verdict);
      if (earlier === undefined || earlier.state === state) continue;
      const reply = timeline.replyTo(earlier);
      const isOver = earlier.oneway || (reply?.code === 0 && reply.event <= event);
      const isSaid = timeline.calls(member, txn).some(({ gave, endedIn }) =>
        gave === state && endedIn > earlier.event && endedIn <= event
      );
      if ((isOver || mayBeForgotten(run, verdict, earlier.event)) && isSaid) continue;
      report(at, `${member} sent ${state} for ${txn} after ${earlier.state}`, txn);
    }
  },
};
