import type { FactOf } from "../history.ts";
import type { Invariant, Run } from "./invariant.ts";
import { isDrop, looksOf, type Verdict } from "./looks.ts";
import { VERDICT_TIMEOUT } from "./timeline.ts";

/**
 * Answers name the newest record, as far as the client that gives them has heard of it: a question
 * about a newer one may have gone to another client of the group. A record is newer than another
 * when the broker has written it in its place. A broker that lost its progress, or acts for another,
 * has several half messages of one transaction, each of which has to be ended on its own.
 *
 * To drop a surplus half message by its own offsets is no answer to anything, see S5. An unknown changes nothing
 * at the broker, whatever it names: under old offsets it may leave late, when it left late for a reason.
 */
export const s7: Invariant = {
  name: "S7",
  text:
    "Superseding: for one (broker, T) only the newest offsets are answered; while a send is in " +
    "flight or the local transaction runs, check-backs are answered UNKNOWN and remembered; the " +
    "verdict then uses the newest offsets.",
  check(run, report) {
    const { history, timeline } = run;
    const checks = Map.groupBy(
      history.of("gotCheck"),
      ({ member, broker, txn }) => `${member} ${broker} ${txn}`,
    );
    for (const answer of history.of("wroteVerdict")) {
      const { member, broker, txn, state, handle, event, at } = answer;
      const asked = checks.get(`${member} ${broker} ${txn}`) ?? [];
      const newer = asked.findLast((check) =>
        check.event < event && followsOn(run, check, handle.logOffset)
      );
      const isHarmless = isDrop(run, answer) ||
        (state === "UNKNOWN" && newer !== undefined && isDelayed(run, answer, newer));
      if (newer && !isHarmless) {
        const known = newer.handle.queueOffset;
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

/**
 * Whether an unknown under old offsets had to wait: for a look, in the time of an END_TRANSACTION, or until the
 * newer question had its answer, or for the end of the client. A commit or rollback may never.
 */
function isDelayed(run: Run, answer: Verdict, newer: FactOf<"gotCheck">): boolean {
  const { history, timeline } = run, { member, broker, txn, event, at } = answer;
  const isAnswered = history.of("wroteVerdict").some((other) =>
    other.member === member && other.broker === broker && other.txn === txn &&
    other.event < event && other.handle.logOffset === newer.handle.logOffset
  );
  return isAnswered || timeline.leftAt(member) <= at ||
    looksOf(run, member, broker, txn).some((look) =>
      look.event < event && look.at >= at - VERDICT_TIMEOUT
    );
}

/** Whether a check-back is about a record that was written in the place of another one. */
function followsOn(
  { history }: Pick<Run, "history">,
  { broker, txn, handle, event }: FactOf<"gotCheck">,
  logOffset: number,
): boolean {
  let place: number | undefined = handle.logOffset, before = event;
  for (;;) {
    const record: FactOf<"stored"> | undefined = history.of("stored").findLast((half) =>
      half.broker === broker && half.txn === txn && half.event < before &&
      half.handle.logOffset === place
    );
    if (record?.of === undefined) return false;
    if (record.of === logOffset) return true;
    place = record.of;
    before = record.event;
  }
}
