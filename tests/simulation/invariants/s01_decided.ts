import type { FactOf } from "../history.ts";
import { isDropped, mayBeForgotten } from "./held_up.ts";
import type { Invariant, Report, Run } from "./invariant.ts";
import { hasArrived } from "./looks.ts";
import { SLACK } from "./timeline.ts";

/**
 * Nothing that was decided is lost.
 *
 * "Gets the frame" is taken as: gets it over a connection that then lives until the verdict must
 * have gone over it, while the broker works. What went lost with a power failure must be made
 * visible again by the next question. A COMMIT that the broker confirmed and threw away is the broker's. A listener call that gives something else, or nothing in
 * time, excuses only the question that led to it; one that ever said ROLLBACK excuses all. It excuses
 * nothing where the client had been told COMMIT before and had no sign that it arrived: that it must
 * know. What it had delivered as far as it can tell, an untrue answer or a one-way request, it forgets,
 * and depends on the listener as any other instance does.
 */
export const s1: Invariant = {
  name: "S1",
  text:
    "If truth(T)=COMMIT, the listener answers COMMIT whenever asked, and during at least one check " +
    "round before the counter reaches transactionCheckMax a client of the group is connected and " +
    "gets the frame, then T is visible at least once, provided the log kept H.",
  check(run, report) {
    const { history } = run;
    const visible = Map.groupBy(history.of("visible"), ({ txn }) => txn);
    const lost = Map.groupBy(
      history.of("lost").filter(({ what }) => what === "visible"),
      ({ txn }) => txn,
    );
    const rolledBack = new Set(
      [...history.of("answered"), ...history.of("localEnded")]
        .filter(({ returned }) => returned === "ROLLBACK").map(({ txn }) => txn),
    );
    const frames = Map.groupBy(history.of("gotCheck"), ({ txn }) => txn);
    for (const { txn, state } of history.of("recorded")) {
      if (state !== "COMMIT" || rolledBack.has(txn)) continue;
      const gone = lost.get(txn) ?? [];
      if ((visible.get(txn) ?? []).length > gone.length) continue;
      const got = frames.get(txn)?.find((frame) =>
        frame.event > (gone.at(-1)?.event ?? -1) && mustSuffice(run, frame)
      );
      if (!got) continue;
      report(
        got.at,
        `${txn} was committed, ${got.member} was asked about it and nothing disturbed it, ` +
          `and it is not visible`,
        txn,
      );
    }
    checkDropped(run, report);
    checkReach(run, report);
  },
};

/** No half message is dropped for the sake of a visible message that is lost later. */
function checkDropped({ history }: Run, report: Report): void {
  const said = new Set(
    [...history.of("answered"), ...history.of("localEnded")]
      .filter(({ returned }) => returned === "ROLLBACK").map(({ txn }) => txn),
  );
  const dropped = history.of("rolledBack").filter(({ txn }) => !said.has(txn));
  for (const txn of new Set(dropped.map((fact) => fact.txn))) {
    const isIts = (fact: { txn: string }) => fact.txn === txn;
    const lost = history.of("lost").filter((fact) => isIts(fact) && fact.what === "visible");
    const last = lost.at(-1);
    if (!last || history.of("visible").filter(isIts).length > lost.length) continue;
    // What went lost together with the message would not have brought it back.
    const isKept = dropped.filter(isIts).some(({ broker, handle }) =>
      !history.of("lost").some((loss) =>
        isIts(loss) && loss.what === "half" && loss.broker === broker &&
        loss.logOffset === handle.logOffset
      )
    );
    if (!isKept) continue;
    // What was put aside is there for an operator, and what is asked about can still be committed.
    const isThere = [...history.of("givenUp"), ...history.of("stored")].some((fact) =>
      isIts(fact) && fact.event > last.event
    );
    if (!isThere) report(last.at, `${txn} was dropped as a duplicate, and lost then`, txn);
  }
}

/** Whether a question that reached a client must have brought the commit about. */
function mustSuffice(run: Run, frame: FactOf<"gotCheck">): boolean {
  if (isDropped(run, frame)) return false;
  const { times, history, timeline } = run;
  const { member, txn, event, handle } = frame;
  const isKept = !history.of("lost").some((fact) =>
    fact.what === "half" && fact.broker === frame.broker &&
    fact.logOffset === handle.logOffset && fact.event > event
  );
  if (!isKept) return false;
  let from = frame.at;
  const span = timeline.underWay(member, txn);
  const end = history.of("localEnded").find((fact) => fact.txn === txn && fact.member === member);
  if (span && span.from <= event && event <= span.to) {
    // It is answered with UNKNOWN, and the verdict follows when the local transaction gives one.
    if (end?.returned !== "COMMIT") return false;
    from = end.at;
  } else {
    const call = timeline.callFor(frame);
    if (call && call.gave !== "COMMIT" && !isKnown(run, frame)) return false;
  }
  const until = from + timeline.answerTime;
  if (isSwallowed(run, frame, until)) return false;
  return until <= times.settled && timeline.isUndisturbed(frame, frame.at, until);
}

/** Whether a broker said that it carried out the COMMIT in answer to a question, and did not. */
function isSwallowed(
  { plan, history }: Run,
  { member, txn, broker, event }: FactOf<"gotCheck">,
  until: number,
): boolean {
  const lies = plan.faults.filter((fault) =>
    fault.kind === "untrueSuccess" && `b${fault.broker}` === broker
  );
  return history.of("wroteVerdict").some((commit) =>
    commit.member === member && commit.txn === txn && commit.broker === broker &&
    commit.state === "COMMIT" && commit.event > event && commit.at <= until &&
    lies.some((fault) =>
      "lasts" in fault && fault.at <= commit.at + SLACK && commit.at <= fault.at + fault.lasts
    )
  );
}

/**
 * Whether a client needs no listener to answer a question with COMMIT: it was told so before, and has had no
 * sign that its COMMIT arrived.
 */
function isKnown(run: Run, frame: FactOf<"gotCheck">): boolean {
  const { history, timeline } = run, { member, txn, event } = frame;
  const told = [
    ...history.of("localEnded").filter((fact) =>
      fact.member === member && fact.txn === txn && fact.returned === "COMMIT"
    ).map((fact) => fact.event),
    ...timeline.calls(member, txn).filter(({ gave }) => gave === "COMMIT").map(({ endedIn }) =>
      endedIn
    ),
  ].filter((since) => since < event);
  return told.length > 0 && !hasArrived(run, frame) &&
    !mayBeForgotten(run, frame, Math.max(...told));
}

/** Milliseconds after which a new connection must be registered. */
const REGISTERED = 1_500;

/** Faults that show in the route of a broker. */
const UNROUTED = ["route", "killBroker", "powerLoss", "promote", "actingMaster"] as const;

/** Milliseconds that bytes take at most on a connection that a fault makes slow. */
const LAST_BYTES = 4_100;

/** Whom a broker can reach gets its questions: a connection without a heartbeat does not count. */
function checkReach({ plan, times, history, timeline }: Run, report: Report): void {
  const reached = new Map(
    history.of("gotCheck").map(({ broker, txn, handle, event }) => [
      `${broker} ${txn} ${handle.logOffset}`,
      event,
    ]),
  );
  const started = new Map(history.of("started").map(({ member, at }) => [member, at]));
  for (const { broker, txn, handle, checks, isImmune, at, event } of history.of("stored")) {
    const got = reached.get(`${broker} ${txn} ${handle.logOffset}`) ?? -1;
    if (checks === 0 || isImmune || at > times.settled || got >= event) continue;
    const until = at + REGISTERED, since = at - plan.member.heartbeatInterval;
    const address = timeline.addressOf(broker, at);
    const links = history.of("linked").filter((fact) =>
      fact.address === address && fact.at <= at && timeline.unlinkedAt(fact.link) >= at
    );
    const allWork = timeline.isCalm(at, at, "lostChecks") &&
      links.every(({ link, member }) =>
        timeline.isUndisturbed({ link, member, broker }, since, until)
      );
    // A broker hears of the end of a connection only when its last bytes have arrived.
    const isEnding = history.of("unlinked").some(({ by, member, at: end }) =>
      (by === "client" || timeline.leftAt(member) === end) && end <= at && end > at - LAST_BYTES
    );
    if (!allWork || isEnding) continue;
    // A client is not registered with a broker while the name servers tell it of no such master.
    const isRouted = timeline.isCalm(
      at - plan.member.routePollInterval - 2 * REGISTERED,
      at,
      ...UNROUTED,
    );
    const reachable = links.find(({ link, member, at: linkedAt }) =>
      Math.max(linkedAt, started.get(member) ?? Infinity) + REGISTERED < at &&
      (isRouted || timeline.registeredAt(link) < at)
    );
    if (reachable) {
      report(at, `${broker} asked about ${txn} and ${reachable.member} could not be reached`, txn);
    }
  }
}
