import type { Invariant } from "./invariant.ts";

/** Nothing becomes visible that was not decided. */
export const s2: Invariant = {
  name: "S2",
  text: "If no listener call ever returned COMMIT for T, T is never visible.",
  check({ history }, report) {
    const committed = new Map<string, number>();
    for (const type of ["localEnded", "answered"] as const) {
      for (const { txn, returned, event } of history.of(type)) {
        if (returned !== "COMMIT") continue;
        committed.set(txn, Math.min(event, committed.get(txn) ?? Infinity));
      }
    }
    for (const { txn, event, at } of history.of("visible")) {
      if ((committed.get(txn) ?? Infinity) > event) {
        report(at, `${txn} became visible and no listener had said COMMIT`, txn);
      }
    }
  },
};
