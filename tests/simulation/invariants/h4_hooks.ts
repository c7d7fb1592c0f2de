import type { Invariant } from "./invariant.ts";

/** What begins around a send or a verdict ends, too. */
export const h4: Invariant = {
  name: "H4",
  text:
    "Each `before` of a hook has one `after`, which comes later, whatever became of the send or " +
    "verdict; when shutdown() has resolved none is missing.",
  check({ history }, report) {
    const open = new Map<string, Map<string, number>>();
    for (const fact of history.facts) {
      if (fact.type === "hook") {
        const { member, around, step, id, at } = fact, key = `${around} ${id}`;
        const counts = open.get(member) ?? new Map<string, number>();
        open.set(member, counts);
        const count = (counts.get(key) ?? 0) + (step === "before" ? 1 : -1);
        counts.set(key, count);
        if (count < 0) report(at, `${member} ended ${key} for a hook, and had not begun it`);
      } else if (fact.type === "closed") {
        for (const [key, count] of open.get(fact.member) ?? []) {
          if (count > 0) {
            report(fact.at, `${fact.member} closed and had not ended ${key} for a hook`);
          }
        }
      }
    }
  },
};
