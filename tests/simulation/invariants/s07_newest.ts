import type { Invariant } from "./invariant.ts";

/** Verdicts name the newest record. */
export const s7: Invariant = {
  name: "S7",
  text:
    "Superseding: for one (broker, T) only the newest offsets are answered; while a send is in " +
    "flight or the local transaction runs, check-backs are answered UNKNOWN and remembered; the " +
    "verdict then uses the newest offsets.",
  check({ history }, report) {
    const checks = Map.groupBy(
      history.of("gotCheck"),
      ({ member, broker, txn }) => `${member} ${broker} ${txn}`,
    );
    for (const verdict of history.of("wroteVerdict")) {
      const { member, broker, txn, state, handle, event, at } = verdict;
      if (state === "UNKNOWN") continue;
      const asked = checks.get(`${member} ${broker} ${txn}`) ?? [];
      // What came within the event of the verdict may have come a moment before or after it.
      const before = asked.filter((check) => check.event < event);
      const newest = [before, asked.filter((check) => check.event <= event)]
        .flatMap((known) => known.slice(-1).map((check) => check.handle.queueOffset));
      if (before.length === 0 || newest.includes(handle.queueOffset)) continue;
      const lastCame = newest[0];
      report(
        at,
        `${member} sent ${state} for ${txn} at ${handle.queueOffset} and knew of ${lastCame}`,
        txn,
      );
    }
    const called = new Map(
      history.of("called").map((fact) => [`${fact.member} ${fact.txn}`, fact]),
    );
    const over = new Map<string, number>();
    for (const type of ["localEnded", "settled"] as const) {
      for (const { member, txn, event } of history.of(type)) {
        const key = `${member} ${txn}`;
        over.set(key, Math.min(event, over.get(key) ?? Infinity));
      }
    }
    for (const { member, txn, event, at } of history.of("asked")) {
      const key = `${member} ${txn}`, call = called.get(key);
      if (!call || event < call.event || event >= (over.get(key) ?? Infinity)) continue;
      report(at, `${member} asked its listener about ${txn} while that was under way`, txn);
    }
  },
};
