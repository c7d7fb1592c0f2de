import type { Invariant } from "./invariant.ts";

/** What stays undecided ends undecided. */
export const s8: Invariant = {
  name: "S8",
  text: "With answer UNKNOWN for ever, T is asked at most transactionCheckMax times, ends in " +
    "TRANS_CHECK_MAX_TIME_TOPIC, never visible.",
  check({ plan, times, history, timeline }, report) {
    const isCalm = timeline.isCalm(0, times.end);
    const stored = new Set(history.of("stored").map(({ txn }) => txn));
    const givenUp = new Set(history.of("givenUp").map(({ txn }) => txn));
    for (const { name } of plan.transactions.filter(({ undecided }) => undecided)) {
      const visible = history.of("visible").find(({ txn }) => txn === name);
      if (visible) report(visible.at, `${name} was never decided and became visible`, name);
      const ended = history.of("rolledBack").find(({ txn }) => txn === name);
      if (ended && isCalm) report(ended.at, `${name} was never decided and was rolled back`, name);
      if (!isCalm || !stored.has(name)) continue;
      const asked = history.of("gotCheck").filter(({ txn }) => txn === name).length;
      if (asked > plan.broker.maxChecks) {
        report(times.end, `${name} was asked about ${asked} times`);
      }
      if (!givenUp.has(name)) report(times.end, `${name} was not given up`, name);
    }
  },
};
