import { RequestCode } from "../../../src/remoting/mod.ts";
import type { FactOf } from "../history.ts";
import { isDropped, isFrozen } from "./held_up.ts";
import type { Invariant, Report, Run } from "./invariant.ts";

/** Milliseconds beyond its deadline that a shutdown may take: its last words and leaves. */
const LAST_WORDS = 4_000;

/** Nothing is left behind. */
export const h1: Invariant = {
  name: "H1",
  text:
    "After quiescence: pending tables, timers, queues empty; after close(): no connection, timer or " +
    "promise left, UNREGISTER_CLIENT sent on live connections, received check-backs answered or " +
    "past the close deadline.",
  check(run, report) {
    const { times, history, timeline } = run;
    checkHeld(run, report);
    const closed = new Map(history.of("closed").map((fact) => [fact.member, fact]));
    for (const closing of history.of("closing")) {
      const { member, at, deadline = 0 } = closing, end = closed.get(member);
      const killed = history.of("killed").some((fact) => fact.member === member);
      if (!end) {
        const until = at + deadline + LAST_WORDS;
        if (!killed && until <= times.end && !isFrozen(run, member, at, until)) {
          report(until, `${member} did not end its shutdown`);
        }
        continue;
      }
      const { timers, links, held } = end;
      if (timers + links + held > 0) {
        report(
          end.at,
          `${member} was closed and holds ${timers} timers, ${links} connections, ${held} checks`,
        );
      }
      const running = history.of("localBegan").find((fact) =>
        fact.member === member && fact.at < end.at &&
        !history.of("localEnded").some(({ txn, event }) => txn === fact.txn && event <= end.event)
      );
      if (running && end.at < at + deadline) {
        report(end.at, `${member} closed while the local transaction of ${running.txn} ran`);
      }
      if (!timeline.isCalm(at, end.at)) continue;
      for (const link of registeredLinks(run, closing)) {
        const tookLeave = history.of("wroteOther").some((fact) =>
          fact.link === link && fact.code === RequestCode.UNREGISTER_CLIENT
        );
        if (!tookLeave) report(end.at, `${member} did not take leave on connection ${link}`);
      }
    }
  },
};

/** What was asked before a shutdown began is answered before it ends, while there is time. */
function checkHeld(run: Run, report: Report): void {
  const { history, timeline } = run;
  for (const { member, at, event, deadline = 0 } of history.of("closing")) {
    const end = history.of("closed").find((fact) => fact.member === member);
    if (!end || end.at >= at + deadline) continue;
    const isIts = (fact: { member: string; event: number }) =>
      fact.member === member && fact.event <= end.event;
    const last = new Map(
      history.of("gotCheck").filter(isIts).map((check) => [`${check.broker} ${check.txn}`, check]),
    );
    for (const check of last.values()) {
      if (check.event >= event || timeline.unlinkedAt(check.link) < end.at) continue;
      if (isDropped(run, check) || isFrozen(run, member, check.at, end.at)) continue;
      const isAnswered = history.of("wroteVerdict").some((verdict) =>
        isIts(verdict) && verdict.handle.logOffset === check.handle.logOffset
      );
      if (!isAnswered) {
        report(end.at, `${member} was closed and had not answered about ${check.txn}`, check.txn);
      }
    }
  }
}

/** The connections on which a broker knows a client that begins to shut down. */
function registeredLinks(
  { plan, history, timeline }: Run,
  { member, at }: FactOf<"closing">,
): number[] {
  return history.of("linked").filter(({ broker, link, member: its }) => {
    if (its !== member || broker === undefined || timeline.unlinkedAt(link) < at) return false;
    // After a promotion or with a bent route, connections may be open that nothing names any more.
    if (plan.faults.some(({ kind }) => kind === "promote" || kind === "route")) return false;
    return history.of("wroteOther").some((fact) =>
      fact.link === link && fact.code === RequestCode.HEART_BEAT &&
      (timeline.replyTo(fact)?.at ?? Infinity) < at
    );
  }).map(({ link }) => link);
}
