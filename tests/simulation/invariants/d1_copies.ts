import type { FactOf } from "../history.ts";
import type { Invariant, Run } from "./invariant.ts";

/** Copies have a cause outside of the client. */
export const d1: Invariant = {
  name: "D1",
  text:
    "visible(T) - 1 <= number of faults that hit T after its final copy was written (lost op batch, " +
    "kill, promotion, lost put-back answer); with none of these exactly 1.",
  check(run, report) {
    const commits = Map.groupBy(
      run.history.of("wroteVerdict").filter(({ state }) => state === "COMMIT"),
      ({ txn }) => txn,
    );
    for (const [txn, copies] of Map.groupBy(run.history.of("visible"), ({ txn }) => txn)) {
      const written = commits.get(txn) ?? [];
      const causeless = copies.slice(1).filter((copy) => !hasCause(run, copy, written));
      if (causeless.length > 0) {
        report(causeless[0]!.at, `${txn} became visible again without a cause`, txn);
      }
    }
  },
};

/**
 * Whether the client that made a copy could not know of the one before: another client had made it,
 * or another broker had, which holds a half message of its own; the answer to it was lost, or the connection on which it was confirmed is gone, as it is after
 * each fault of a broker that can lose the message itself.
 */
function hasCause(
  run: Run,
  copy: FactOf<"visible">,
  commits: readonly FactOf<"wroteVerdict">[],
): boolean {
  const { timeline } = run;
  const made = commits.find(({ link, handle, event }) =>
    link === copy.link && handle.queueOffset === copy.handle.queueOffset && event <= copy.event
  );
  if (!made) return false;
  return commits.every((earlier) => {
    if (earlier.event >= made.event || earlier.member !== made.member) return true;
    if (earlier.broker !== made.broker) return true;
    const reply = timeline.replyTo(earlier);
    // An answer that came too late is none: it changes nothing (S11).
    if (
      reply && reply.event <= made.event && reply.at - decidedAt(run, earlier) < VERDICT_TIMEOUT
    ) {
      return reply.code !== 0 || earlier.link !== made.link;
    }
    // No answer: it must have been waited for, or the connection must be gone.
    return timeline.unlinkedIn(earlier.link) <= made.event ||
      made.at - decidedAt(run, earlier) >= VERDICT_TIMEOUT;
  });
}

/** When the time for a verdict began, at the earliest: it may have waited for a connection. */
function decidedAt({ history }: Run, commit: FactOf<"wroteVerdict">): number {
  const { member, txn, event, handle } = commit;
  const causes = [
    ...history.of("localEnded"),
    ...history.of("answered"),
    ...history.of("gotCheck").filter((f) => f.handle.queueOffset === handle.queueOffset),
  ].filter((fact) => fact.txn === txn && fact.member === member && fact.event <= event);
  return Math.max(...causes.map(({ at }) => at));
}

/** `endTransactionTimeout`, less the millisecond in which a timer may fire early. */
const VERDICT_TIMEOUT = 2_990;
