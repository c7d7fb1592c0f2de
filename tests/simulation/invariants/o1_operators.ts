import type { FactOf } from "../history.ts";
import type { Invariant, Report, Run } from "./invariant.ts";
import { indexedAt, keptCopies } from "./looks.ts";

/**
 * Operators see what is, and bring back what they meant.
 *
 * What is told is compared when nothing happens to the transaction while the brokers are asked.
 * Whether a half message that is there is still open is the broker's affair: it knows itself only
 * after its next round.
 */
export const o1: Invariant = {
  name: "O1",
  text:
    "inspect() tells how often a transaction is visible, and that it was discarded, as the brokers " +
    "have it. What resume() brings back is the transaction that was meant, on the broker that " +
    "discarded it, or nothing; when it resolves that one is back.",
  check(run, report) {
    for (const end of run.history.of("inspected")) checkInspection(run, end, report);
    checkResumption(run, report);
  },
};

/** Milliseconds that a look at the routes may take. */
const ROUTED = 13_000;

function checkInspection(run: Run, end: FactOf<"inspected">, report: Report): void {
  const { history, timeline } = run, { member, txn, state, copies, at, event } = end;
  const begin = history.of("inspecting").findLast((fact) =>
    fact.member === member && fact.txn === txn && fact.event <= event
  )!;
  // A broker that no route names at the moment is not asked.
  const { routePollInterval } = run.plan.member;
  if (state === undefined || !timeline.isCalm(begin.at - routePollInterval - ROUTED, at)) return;
  const kept = keptCopies(run, txn, begin.event);
  const changes = [
    ...history.of("visible"),
    ...history.of("stored"),
    ...history.of("givenUp"),
    ...history.of("lost"),
  ].filter((fact) => fact.txn === txn && fact.event <= event);
  const isStill = changes.every((fact) => fact.event < begin.event && indexedAt(fact) < begin.at);
  if (!isStill) return;
  const wrong = (what: string) => report(at, `${member} tells that ${txn} ${what}`, txn);
  if (copies !== kept.length) wrong(`is visible ${copies} times, and it is ${kept.length} times`);
  if ((state === "committed") !== kept.length > 0) wrong(`is ${state}`);
  const last = changes.findLast(({ type }) => type !== "lost");
  if (state === "givenUp" && !history.of("givenUp").some((fact) => fact.txn === txn)) {
    wrong("was discarded");
  }
  const isDiscarded = last?.type === "givenUp" && kept.length === 0 &&
    new Set(changes.flatMap((fact) => "broker" in fact ? fact.broker : [])).size === 1;
  if (isDiscarded && state !== "givenUp") wrong(`is ${state}, and it was discarded`);
}

/** What was put back was meant, and what was meant was put back. */
function checkResumption({ history }: Run, report: Report): void {
  const resumed = history.of("stored").filter(({ isResumed }) => isResumed);
  for (const { txn, broker, at, event } of resumed) {
    const isMeant = history.of("resuming").some((wish) =>
      wish.txn === txn && wish.broker === broker && wish.event <= event
    );
    if (!isMeant) report(at, `${broker} asks about ${txn} again, which nobody had resumed`, txn);
  }
  for (const { member, txn, error, at, event } of history.of("resumed")) {
    if (error !== undefined) continue;
    const wish = history.of("resuming").findLast((fact) =>
      fact.member === member && fact.txn === txn && fact.event <= event
    )!;
    const isBack = resumed.some((half) =>
      half.txn === txn && half.event >= wish.event && half.event <= event
    );
    if (!isBack) report(at, `${member} counts ${txn} as resumed, and it is not back`, txn);
  }
}
