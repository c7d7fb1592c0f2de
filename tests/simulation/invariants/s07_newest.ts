import type { Invariant } from "./invariant.ts";

/**
 * Answers name the newest record, as far as the client that gives them has heard of it: a question
 * about a newer one may have gone to another client of the group.
 */
export const s7: Invariant = {
  name: "S7",
  text:
    "Superseding: for one (broker, T) only the newest offsets are answered; while a send is in " +
    "flight or the local transaction runs, check-backs are answered UNKNOWN and remembered; the " +
    "verdict then uses the newest offsets.",
  check({ history, timeline }, report) {
    const checks = Map.groupBy(
      history.of("gotCheck"),
      ({ member, broker, txn }) => `${member} ${broker} ${txn}`,
    );
    for (const answer of history.of("wroteVerdict")) {
      const { member, broker, txn, state, handle, event, at } = answer;
      const asked = checks.get(`${member} ${broker} ${txn}`) ?? [];
      // What came within the event of the answer may have come a moment before or after it.
      const before = asked.filter((check) => check.event < event);
      const newest = [before, asked.filter((check) => check.event <= event)]
        .flatMap((known) => known.slice(-1).map((check) => check.handle.logOffset));
      if (before.length > 0 && !newest.includes(handle.logOffset)) {
        const known = before.at(-1)!.handle.queueOffset;
        report(
          at,
          `${member} sent ${state} for ${txn} at ${handle.queueOffset} and knew of ${known}`,
          txn,
        );
      }
      const span = timeline.underWay(member, txn);
      if (span && state !== "UNKNOWN" && span.from <= event && event < span.to) {
        report(at, `${member} sent ${state} for ${txn} while that was under way`, txn);
      }
    }
    for (const { member, txn, event, at } of history.of("asked")) {
      const span = timeline.underWay(member, txn);
      if (!span || event < span.from || event >= span.to) continue;
      report(at, `${member} asked its listener about ${txn} while that was under way`, txn);
    }
  },
};
