import type { FactOf } from "../history.ts";
import type { Invariant, Run } from "./invariant.ts";
import { isDrop, looksOf } from "./looks.ts";
import { PROMPT } from "./timeline.ts";

/**
 * Answers name the newest record, as far as the client that gives them has heard of it: a question
 * about a newer one may have gone to another client of the group. A record is newer than another
 * when the broker has written it in its place. A broker that lost its progress, or acts for another,
 * has several half messages of one transaction, each of which has to be ended on its own.
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
      // A drop changes nothing, and neither does an unknown that had to wait for a look, or that
      // leaves when the newer one has its answer, or gets none since the client shuts down.
      const isHarmless = isDrop(run, answer) ||
        (state === "UNKNOWN" && timeline.leftAt(member) <= at) ||
        (state === "UNKNOWN" && newer !== undefined &&
          [...history.of("wroteVerdict"), ...looksOf(run, member, broker, txn)].some((other) =>
            other.event < event &&
            (other.type === "wroteOther"
              ? other.at > at - PROMPT
              : other.member === member && other.broker === broker && other.txn === txn &&
                other.handle.logOffset === newer.handle.logOffset)
          ));
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
