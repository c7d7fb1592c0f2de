import { slotOf } from "./held_up.ts";
import type { Invariant, Run } from "./invariant.ts";

/** A recovery leaves nothing open that could be settled. */
export const l3: Invariant = {
  name: "L3",
  text:
    "When recoverTransactions() ends by itself and nothing disturbed it, every T of the client that " +
    "crashed is resolved or given up, unless it is undecided for ever, and its counts are those of " +
    "the answers it gave.",
  check(run, report) {
    const { plan, history, timeline } = run;
    for (const { member, committed, rolledBack, event, at } of history.of("recovered")) {
      const written = history.of("wroteVerdict").filter((fact) => fact.member === member);
      for (const [state, count] of [["COMMIT", committed], ["ROLLBACK", rolledBack]] as const) {
        // A commit on a dead connection was said to nobody; when it is asked again, what another member
        // has made visible meanwhile is found, and counted.
        const asked = history.of("asked").filter((fact) => fact.member === member);
        const found = history.of("visible").filter((fact) =>
          state === "COMMIT" && fact.event < event && asked.some(({ txn }) => txn === fact.txn)
        );
        const said = new Set(
          [...written.filter((fact) => fact.state === state), ...found].map((fact) =>
            `${fact.broker} ${fact.txn}`
          ),
        );
        if (count > said.size) {
          report(at, `${member} counts ${count} as ${state} and said so of ${said.size}`);
        }
      }
      const begun = history.of("recovering").find((fact) => fact.member === member)!.at;
      if (plan.slots > 1 || !timeline.isCalm(begun - CALM, at)) continue;
      for (const txn of openOnes(run, member, event)) {
        report(at, `${member} ended and ${txn} is still open`, txn);
      }
    }
  },
};

/** Milliseconds without a fault, but the crash itself, after which a recovery is undisturbed. */
const CALM = -1;

/** What was sent from the slot before, was stored, and is neither resolved nor given up. */
function openOnes({ plan, history }: Run, member: string, event: number): string[] {
  const isBefore = (fact: { event: number }) => fact.event <= event;
  const over = new Set(
    [...history.of("visible"), ...history.of("rolledBack"), ...history.of("givenUp")]
      .filter(isBefore).map(({ txn }) => txn),
  );
  const gone = new Set(
    history.of("lost").filter(({ what }) => what !== "mark").map(({ txn }) => txn),
  );
  const stored = new Set(history.of("stored").filter(isBefore).map(({ txn }) => txn));
  for (const { name, undecided } of plan.transactions) if (undecided) stored.delete(name);
  const sent = new Set(
    history.of("called").filter((fact) => slotOf(fact.member) === slotOf(member) && isBefore(fact))
      .map(({ txn }) => txn),
  );
  // A wall clock that was ahead puts the end of an immunity off.
  const isLate = plan.faults.some(({ kind }) => kind === "wallJump");
  return [...stored].filter((txn) =>
    sent.has(txn) && !over.has(txn) && !gone.has(txn) &&
    !(isLate && plan.transactions.some(({ name, immunity }) => name === txn && immunity))
  );
}
