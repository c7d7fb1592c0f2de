import type { Invariant } from "./invariant.ts";

/** Dead servers are not flooded. */
export const l2: Invariant = {
  name: "L2",
  text:
    "Never more than one dial in flight per address, never more than 30 dials a minute per address.",
  check({ history }, report) {
    const underWay = new Map<string, number>(), times = new Map<string, number[]>();
    for (const fact of history.facts) {
      if (fact.type !== "dialling" && fact.type !== "dialled" && fact.type !== "dialFailed") {
        continue;
      }
      const key = `${fact.member} to ${fact.address}`;
      const count = (underWay.get(key) ?? 0) + (fact.type === "dialling" ? 1 : -1);
      underWay.set(key, count);
      if (count > 1) report(fact.at, `${count} dials of ${key} were under way at once`);
      if (fact.type !== "dialling") continue;
      const recent = (times.get(key) ?? []).filter((at) => at > fact.at - 60_000);
      recent.push(fact.at);
      times.set(key, recent);
      if (recent.length > 30) report(fact.at, `${recent.length} dials of ${key} within a minute`);
    }
  },
};
