import type { FactOf } from "../history.ts";
import { isDropped, isFrozen, mayBeForgotten, waitOf } from "./held_up.ts";
import type { Invariant, Report, Run } from "./invariant.ts";
import { hasArrived } from "./looks.ts";
import { HALF_REFUSALS, SLACK, VERDICT_TIMEOUT, WEAKLY_STORED } from "./timeline.ts";

/**
 * Every send ends as one of three things, and keeps to it.
 *
 * *Sent* also is the end of a send whose half message was stored with status 10, 11 or 12: its local
 * transaction did not run, and it was rolled back (S3). What another instance answers is up to the
 * application's listener and its database; it is only checked that this instance says it does not
 * know whether the local transaction ran.
 */
export const s9: Invariant = {
  name: "S9",
  text:
    "Every send call settles as: sent (half stored, local transaction ran, verdict acknowledged " +
    "yes/no), failed (certainly no half of this call can become visible), or indeterminate (a half " +
    "may exist; local transaction has not run and never will). For failed and indeterminate the id " +
    "is fenced: a later check-back reaches the listener with localTransactionRan: false; another " +
    "instance answers from the database.",
  check(run, report) {
    const { plan, times, history, timeline } = run;
    const settled = Map.groupBy(history.of("settled"), ({ txn }) => txn);
    const ran = new Map(history.of("localBegan").map((fact) => [fact.txn, fact]));
    for (const called of history.of("called")) {
      const { txn, member, at } = called, ends = settled.get(txn) ?? [];
      const isEndless = plan.transactions.find(({ name }) => name === txn)?.local.ends === "never";
      if (ends.length > 1) report(ends[1]!.at, `the send of ${txn} settled twice`, txn);
      if (ends[0]) checkEnd(run, called, ends[0], report);
      else if (!(isEndless && ran.has(txn)) && timeline.leftAt(member) >= times.settled) {
        report(times.end, `the send of ${txn}, called at ${at}, never settled`, txn);
      }
    }
    for (const fact of history.of("asked")) {
      const { txn, member, ran: told, event, at } = fact;
      const end = settled.get(txn)?.find((fact) => fact.member === member);
      const began = ran.get(txn);
      const truth = began?.member === member && began.event <= event
        ? true
        : end && end.event < event
        ? false
        : undefined;
      // What ended well is forgotten: then the database is asked, as another instance would. What was
      // forgotten does not come back, and each time when that shows first is looked at here.
      const wasForgotten = end !== undefined &&
        history.of("asked").some((earlier) =>
          earlier.txn === txn && earlier.member === member && earlier.ran === undefined &&
          earlier.event > end.event && earlier.event < event
        );
      const isForgotten = told === undefined &&
        (truth === true && !isOpenEnd(run, fact) || wasForgotten ||
          mayBeForgotten(run, fact, lastEnding(run, fact)));
      if (told !== truth && !isForgotten) {
        report(at, `${member} told its listener of ${txn} that localTransactionRan=${told}`, txn);
      }
    }
    for (const [end] of settled.values()) checkFence(run, end!, report);
  },
};

/** Whether the local transaction left open what became of it, or the broker has not heard of it. */
function isOpenEnd(run: Run, asked: FactOf<"asked">): boolean {
  if (hasArrived(run, asked)) return false;
  const { history } = run;
  const isIts = (fact: { member: string; txn: string; event: number }) =>
    fact.member === asked.member && fact.txn === asked.txn && fact.event < asked.event;
  const ended = history.of("localEnded").find(isIts), settled = history.of("settled").find(isIts);
  const isDecided = ended?.returned === "COMMIT" || ended?.returned === "ROLLBACK";
  return !isDecided || settled === undefined || settled.endTransaction === "failed";
}

/**
 * The last event before a question in which a client had a transaction end. One whose local transaction
 * left it open has ended with that: its broker is only told that nothing is decided.
 */
function lastEnding(
  { history, timeline }: Run,
  { member, txn, event }: FactOf<"asked">,
): number {
  const isIts = (fact: { member: string; txn: string; event: number }) =>
    fact.member === member && fact.txn === txn && fact.event < event;
  const leftOpen = history.of("localEnded").find((fact) =>
    isIts(fact) && fact.returned !== "COMMIT" && fact.returned !== "ROLLBACK"
  );
  const endings = [
    ...(leftOpen ? [leftOpen] : history.of("settled").filter(isIts)),
    ...history.of("wroteVerdict").filter((fact) => isIts(fact) && fact.state !== "UNKNOWN"),
  ].map((fact) => fact.event);
  const calls = timeline.calls(member, txn).filter(({ gave, endedIn }) =>
    (gave === "COMMIT" || gave === "ROLLBACK") && endedIn < event
  ).map(({ endedIn }) => endedIn);
  return Math.max(0, ...endings, ...calls);
}

/** What a send says of itself is so. */
function checkEnd(
  { plan, history, timeline }: Run,
  { member, txn, timeout, at, way }: FactOf<"called">,
  end: FactOf<"settled">,
  report: Report,
): void {
  const half = history.of("wroteHalf").findLast((fact) => fact.txn === txn);
  const reply = half && timeline.replyTo(half);
  // What came too late changes nothing (S11), but a process that stood still when its time was over takes
  // what came meanwhile first.
  const isInTime = reply !== undefined && reply.event <= end.event &&
    (reply.at < at + timeout || isFrozen({ plan }, member, at + timeout, at + timeout));
  const code = isInTime ? reply.code : undefined;
  const isWeak = code !== undefined && WEAKLY_STORED.has(code);
  const isByListener = way !== "begin" && way !== "callback";
  const isStored = history.of("stored").some((fact) => fact.txn === txn);
  const began = history.of("localBegan").some((fact) => fact.txn === txn);
  const ended = history.of("localEnded").find((fact) => fact.txn === txn);
  const wrong = (what: string) => report(end.at, `the send of ${txn} ${what}`, txn);
  switch (end.outcome) {
    case "sent":
      if (!isStored || !(code === 0 || isWeak)) {
        wrong("counts as sent and its half was not acknowledged");
      } else if (code === 0 && !(ended && ended.event <= end.event)) {
        // A local transaction that never ends is given up at the end of the shutdown.
        const isCutOff = began && end.endTransaction === "failed" &&
          timeline.leftAt(member) <= end.at;
        if (isCutOff) return;
        wrong("counts as sent and its local transaction did not run to its end");
      }
      checkAcknowledged({ plan, history, timeline }, end, report);
      return;
    case "failed":
      // Where no listener runs, one that was stored weakly rejects: it was rolled back.
      if (isWeak && !began && !isByListener && hasRolledBack({ history, timeline }, end)) return;
      // One that was stored and rolled back before its local transaction ran can't become visible.
      if (!began && !isWeak && hasRolledBack({ history, timeline }, end)) return;
      if (isStored) wrong("failed for certain and its half was stored");
      if (half && !(code !== undefined && code !== 0 && !isWeak)) {
        wrong("failed for certain, and its half was written and not refused");
      }
      if (began) wrong("failed and its local transaction ran");
      return;
    case "indeterminate":
      if (!half) wrong("is indeterminate and nothing of it was written");
      if (code !== undefined && HALF_REFUSALS.has(code)) {
        wrong("is indeterminate and its half was refused");
      }
      if (isWeak && (isByListener || hasRolledBack({ history, timeline }, end))) {
        wrong("is indeterminate and its half was stored");
      }
      if (began) wrong("is indeterminate and its local transaction ran");
      return;
    case "refused":
      if (end.reason === "InvalidStateError" && !half && timeline.leftAt(member) <= end.at) return;
      wrong(`ended with ${end.reason}, which says nothing of its half`);
  }
}

/** Whether the broker had confirmed by the end of a send that it rolled its half message back. */
function hasRolledBack(
  { history, timeline }: Pick<Run, "history" | "timeline">,
  { member, txn, event }: FactOf<"settled">,
): boolean {
  return history.of("wroteVerdict").some((verdict) => {
    if (verdict.member !== member || verdict.txn !== txn || verdict.state !== "ROLLBACK") {
      return false;
    }
    const reply = timeline.replyTo(verdict);
    return reply?.code === 0 && reply.event <= event;
  });
}

/** The verdicts that a broker answers. */
const AWAITED = { COMMIT: true, ROLLBACK: true };

/** What a send says of its verdict is so: S11 looks at those that count as confirmed. */
function checkAcknowledged(
  { plan, history, timeline }: Pick<Run, "plan" | "history" | "timeline">,
  { member, txn, endTransaction, event, at }: FactOf<"settled">,
  report: Report,
): void {
  const ended = history.of("localEnded").find((fact) => fact.txn === txn);
  // Another broker may hold a copy of the half message, with a verdict of its own.
  const isIts = (fact: { txn: string }) => fact.txn === txn;
  const home =
    history.of("gotCheck").findLast((fact) =>
      isIts(fact) && fact.member === member && fact.event < (ended?.event ?? 0)
    ) ?? history.of("stored").find(isIts);
  const last = history.of("wroteVerdict").findLast((fact) =>
    isIts(fact) && fact.member === member && fact.broker === home?.broker && !fact.oneway &&
    fact.event >= (ended?.event ?? 0) && fact.event <= event
  );
  const reply = last && timeline.replyTo(last);
  const isOneway = plan.member.endTransactionMode === "oneway";
  const isAwaited = (ended?.returned ?? "ROLLBACK") in AWAITED;
  if (endTransaction === "sent" && !isOneway && isAwaited) {
    report(at, `the verdict over ${txn} counts as sent and an answer is awaited`, txn);
  }
  const wasAnswered = reply?.code === 0 && reply.event < event && isAwaited;
  // The time may have begun before the verdict was written: it waited for a connection.
  if (
    endTransaction === "failed" && wasAnswered && at - last!.at < VERDICT_TIMEOUT - SLACK &&
    timeline.unlinkedIn(last!.link) > reply.event
  ) {
    report(at, `the verdict over ${txn} counts as failed and a broker confirmed it`, txn);
  }
}

/** Whether the client has a verdict over a half message of its own: it was stored in vain. */
function wasRolledBack({ history, timeline }: Run, { member, txn }: FactOf<"settled">): boolean {
  const isIts = (fact: { member: string; txn: string }) =>
    fact.member === member && fact.txn === txn;
  const isGivenUp = history.of("wroteVerdict").some((verdict) =>
    isIts(verdict) && verdict.state === "ROLLBACK" &&
    !history.of("answered").some((fact) => isIts(fact) && fact.event <= verdict.event)
  );
  if (isGivenUp && !history.of("localBegan").some(isIts)) return true;
  const half = history.of("wroteHalf").findLast((fact) => fact.txn === txn);
  return half !== undefined && WEAKLY_STORED.has(timeline.replyTo(half)?.code ?? 0);
}

/** The first question after a send that did not end well is put to the listener. */
function checkFence(run: Run, end: FactOf<"settled">, report: Report): void {
  const { member, txn, outcome, event } = end;
  if (outcome === "sent" || wasRolledBack(run, end)) return;
  const { times, history, timeline } = run;
  const question = history.of("gotCheck").find((fact) =>
    fact.member === member && fact.txn === txn && fact.event > event
  );
  if (!question || isDropped(run, question)) return;
  const until = question.at + waitOf(run) + SLACK;
  if (isFrozen(run, member, question.at, until)) return;
  if (timeline.leftAt(member) <= until || until > times.settled) return;
  const isAsked = timeline.calls(member, txn).some(({ asked }) =>
    asked.event >= question.event && asked.at <= until
  );
  if (isAsked) return;
  report(until, `${member} did not ask its listener about ${txn}, whose send ${outcome}`, txn);
}
