import type { Invariant } from "./invariant.ts";
import { HALF_REFUSALS, REFUSALS } from "./timeline.ts";

/**
 * Nothing that may have arrived is sent again.
 *
 * The client never makes a new id for a half message, so none is written twice, unless the broker
 * has said that it did not store it. A COMMIT in answer
 * to another question is no resend: S6 demands it, and D1 says when a second copy may come of it.
 */
export const s10: Invariant = {
  name: "S10",
  text:
    "No automatic resend of a half after a byte of it was written, unless under a new id with the " +
    "old one fenced. No resend of a COMMIT whose write may have arrived.",
  check({ history, timeline }, report) {
    for (const [txn, halves] of Map.groupBy(history.of("wroteHalf"), ({ txn }) => txn)) {
      for (const [index, half] of halves.slice(0, -1).entries()) {
        const again = halves[index + 1]!, reply = timeline.replyTo(half);
        if (reply && reply.event <= again.event && HALF_REFUSALS.has(reply.code)) continue;
        report(again.at, `the half of ${txn} was written again, and the first may be there`, txn);
      }
    }
    const commits = Map.groupBy(
      history.of("wroteVerdict").filter(({ state }) => state === "COMMIT"),
      ({ member, broker, txn, handle }) => `${member} ${broker} ${txn} ${handle.logOffset}`,
    );
    for (const written of commits.values()) {
      for (const [index, commit] of written.slice(0, -1).entries()) {
        const { member, txn } = commit, again = written[index + 1]!;
        const reply = timeline.replyTo(commit);
        if (reply && reply.event <= again.event && REFUSALS.has(reply.code)) continue;
        // A broker that lost the end of its log may ask about another record in the same place.
        const wasAsked = history.of("gotCheck").some((check) =>
          check.txn === txn && check.member === member && check.broker === commit.broker &&
          check.handle.logOffset === commit.handle.logOffset &&
          check.event > commit.event && check.event <= again.event
        );
        if (wasAsked) continue;
        report(again.at, `${member} sent COMMIT for ${txn} again, and it may have arrived`, txn);
      }
    }
  },
};
