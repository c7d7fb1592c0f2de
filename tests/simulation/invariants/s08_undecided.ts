import type { Invariant } from "./invariant.ts";
import { WEAKLY_STORED } from "./timeline.ts";

/**
 * What stays undecided ends undecided.
 *
 * How often it is asked about is the broker's affair: one that was killed goes through part of its
 * half messages again, and one that acts for another copies them, so each of the copies is asked
 * about as often. Where neither happened, all questions together count.
 */
export const s8: Invariant = {
  name: "S8",
  text: "With answer UNKNOWN for ever, T is asked at most transactionCheckMax times, ends in " +
    "TRANS_CHECK_MAX_TIME_TOPIC, never visible.",
  check({ plan, times, history, timeline }, report) {
    const { maxChecks } = plan.broker;
    const stored = Map.groupBy(history.of("stored"), ({ txn }) => txn);
    const asked = Map.groupBy(history.of("gotCheck"), ({ txn }) => txn);
    const givenUp = new Set(history.of("givenUp").map(({ txn }) => txn));
    const lost = new Set(
      history.of("lost").filter(({ what }) => what === "half").map(({ txn }) => txn),
    );
    const weak = new Set(
      history.of("wroteHalf").filter((half) => WEAKLY_STORED.has(timeline.replyTo(half)?.code ?? 0))
        .map(({ txn }) => txn),
    );
    const ran = new Set(history.of("localBegan").map(({ txn }) => txn));
    const isCounted = timeline.isCalm(
      0,
      times.end,
      ...["killBroker", "powerLoss", "promote", "actingMaster"] as const,
    );
    for (const { name } of plan.transactions.filter(({ undecided }) => undecided)) {
      const visible = history.of("visible").find(({ txn }) => txn === name);
      if (visible) report(visible.at, `${name} was never decided and became visible`, name);
      // A half message that was stored weakly is rolled back, and nobody is asked.
      if (weak.has(name)) continue;
      const ended = history.of("rolledBack").find(({ txn }) => txn === name);
      // One whose caller had given up when it was stored is rolled back immediately, see S3.
      if (ended && !ran.has(name)) continue;
      if (ended) report(ended.at, `${name} was never decided and was rolled back`, name);
      const questions = asked.get(name)?.length ?? 0;
      // One that an operator had put back is asked about once more from the beginning.
      const isOnce = isCounted && !stored.get(name)?.some(({ isResumed }) => isResumed);
      if (isOnce && questions > maxChecks) {
        report(times.end, `${name} was asked about ${questions} times`, name);
      }
      const records = stored.get(name) ?? [];
      if (isCounted && records.some(({ checks }) => checks > maxChecks)) {
        report(times.end, `${name} was put back more than ${maxChecks} times`, name);
      }
      if (records.length > 0 && !givenUp.has(name) && !lost.has(name)) {
        report(times.end, `${name} was not given up`, name);
      }
    }
  },
};
