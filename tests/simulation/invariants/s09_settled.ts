import type { Invariant } from "./invariant.ts";

/** Every send ends as one of three things, and keeps to it. */
export const s9: Invariant = {
  name: "S9",
  text:
    "Every send call settles as: sent (half stored, local transaction ran, verdict acknowledged " +
    "yes/no), failed (certainly no half of this call can become visible), or indeterminate (a half " +
    "may exist; local transaction has not run and never will). For failed and indeterminate the id " +
    "is fenced: a later check-back reaches the listener with localTransactionRan: false; another " +
    "instance answers from the database.",
  check({ plan, times, history, timeline }, report) {
    const settled = Map.groupBy(history.of("settled"), ({ txn }) => txn);
    const stored = new Map(history.of("stored").map((fact) => [fact.txn, fact]));
    const ran = new Map(history.of("localBegan").map((fact) => [fact.txn, fact]));
    const halves = new Map(history.of("wroteHalf").map((fact) => [fact.txn, fact]));
    for (const { txn, member, at } of history.of("called")) {
      const ends = settled.get(txn) ?? [];
      const isEndless = plan.transactions.find(({ name }) => name === txn)?.local.ends === "never";
      if (ends.length > 1) report(ends[1]!.at, `the send of ${txn} settled twice`, txn);
      const end = ends[0];
      if (!end) {
        if (isEndless && ran.has(txn)) continue;
        if (timeline.leftAt(member) < times.settled) continue;
        report(times.end, `the send of ${txn}, called at ${at}, never settled`, txn);
        continue;
      }
      const half = halves.get(txn), code = half && timeline.replyTo(half)?.code;
      if (end.outcome === "failed" && stored.has(txn)) {
        report(end.at, `the send of ${txn} failed for certain and its half was stored`, txn);
      }
      if ((end.outcome === "failed" || end.outcome === "indeterminate") && ran.has(txn)) {
        report(end.at, `${txn} counts as ${end.outcome} and its local transaction ran`, txn);
      }
      if (end.outcome === "indeterminate" && !half) {
        report(end.at, `the send of ${txn} is indeterminate and nothing of it was written`, txn);
      }
      if (
        end.outcome === "sent" && !(code === 0 && ran.has(txn)) && ![10, 11, 12].includes(code!)
      ) {
        report(end.at, `${txn} counts as sent and its half was not acknowledged`, txn);
      }
    }
    for (const { txn, member, ran: told, event, at } of history.of("asked")) {
      const end = settled.get(txn)?.find((fact) => fact.member === member);
      const began = ran.get(txn);
      const truth = began?.member === member && began.event <= event
        ? true
        : end && end.event < event
        ? false
        : undefined;
      if (truth !== undefined && told !== truth) {
        report(at, `${member} told its listener of ${txn} that localTransactionRan=${told}`, txn);
      }
    }
  },
};
