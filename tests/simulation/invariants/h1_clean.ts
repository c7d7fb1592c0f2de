import { RequestCode } from "../../../src/remoting/mod.ts";
import type { FactOf } from "../history.ts";
import { isDropped, isFrozen, waitOf } from "./held_up.ts";
import type { Invariant, Report, Run } from "./invariant.ts";
import { looksOf } from "./looks.ts";
import { PROMPT, SLACK, VERDICT_TIMEOUT } from "./timeline.ts";

/** Milliseconds beyond its deadline that a shutdown may take: its last words and leaves. */
const LAST_WORDS = 4_000;

/** The part of its time that a shutdown leaves to what is under way, at least. */
const WORKING_PART = 1 / 2;

/** The timers of a client at rest: the next heartbeat, and the next look at the routes. */
const PERIODIC_TIMERS = 2;

/**
 * Nothing is left behind. A client whose `start()` had not resolved is not open yet: it closes its
 * connections without a word, and the broker asks the next one.
 *
 * Each listener call has a timer, and each connection one for all of its requests, which stays for as
 * long as the last of them might have taken. Beside those the two timers of the periodic work are all
 * that a client at rest may have, unless a heartbeat, a look at the routes or a repeated verdict is under
 * way. A connection to a master that moved stays until the next heartbeat. A send whose local
 * transaction outlasts the deadline settles at the end of the shutdown. Leave is taken of each broker on the connection that the client is
 * registered on; a connection to one that no route names any more is only closed.
 */
export const h1: Invariant = {
  name: "H1",
  text:
    "After quiescence: pending tables, timers, queues empty; after close(): no connection, timer or " +
    "promise left, UNREGISTER_CLIENT sent on live connections, received check-backs answered or " +
    "past the close deadline.",
  check(run, report) {
    checkRest(run, report);
    const { times, history } = run;
    const closed = new Map(history.of("closed").map((fact) => [fact.member, fact]));
    for (const closing of history.of("closing")) {
      const { member, at, deadline = 0 } = closing, end = closed.get(member);
      const killed = history.of("killed").some((fact) => fact.member === member);
      if (end) {
        checkLeft(run, closing, end, report);
        const wasOpen = history.of("started").some((fact) =>
          fact.member === member && fact.event < closing.event
        );
        if (!wasOpen) continue;
        checkAnswered(run, closing, end, report);
        checkLeave(run, closing, end, report);
        continue;
      }
      const until = at + deadline + LAST_WORDS;
      if (!killed && until <= times.end && !isFrozen(run, member, at, until)) {
        report(until, `${member} did not end its shutdown`);
      }
    }
  },
};

/** What clients hold when all is over, before they shut down. */
function checkRest(run: Run, report: Report): void {
  const { plan, history, timeline } = run;
  for (const { member, timers, links, held, inFlight, at, event } of history.of("rested")) {
    const hasBegun = [...history.of("started"), ...history.of("recovering")].some((fact) =>
      fact.member === member && fact.event < event
    );
    if (!hasBegun) continue;
    const verdicts = history.of("wroteVerdict");
    const lately = [...history.of("wroteOther"), ...verdicts].filter((fact) =>
      fact.member === member && fact.at <= at && fact.at > at - VERDICT_TIMEOUT - SLACK &&
      timeline.unlinkedAt(fact.link) >= at
    );
    const isAsking = lately.some((fact) =>
      !("oneway" in fact && fact.oneway) && (timeline.replyTo(fact)?.at ?? Infinity) > at
    );
    // Between two looks at a broker's index it is not at rest.
    const isLooking = lately.some((fact) =>
      "code" in fact && fact.code === RequestCode.QUERY_MESSAGE && fact.at > at - PROMPT
    );
    const usedLinks = new Set(lately.map(({ link }) => link)).size;
    if (!isAsking && !isLooking && timers > PERIODIC_TIMERS + usedLinks + held) {
      report(at, `${member} is at rest with ${timers} timers`);
    }
    const busy = history.of("asked").filter((fact) =>
      fact.member === member && timeline.calls(member, fact.txn).some(({ asked, endedAt }) =>
        asked === fact && asked.at <= at && endedAt >= at
      )
    ).length;
    const waiting = history.of("gotCheck").filter((fact) =>
      fact.member === member && fact.at <= at && fact.at > at - waitOf(run)
    ).length;
    if (held > busy + waiting) {
      report(at, `${member} is at rest and holds ${held} check-backs`);
    }
    const running = history.of("localBegan").filter((fact) =>
      fact.member === member && !history.of("localEnded").some(({ txn }) =>
        txn === fact.txn
      )
    ).length;
    if (inFlight > running) {
      report(at, `${member} is at rest with ${inFlight} sends under way`);
    }
    const moved = history.of("linked").filter((fact) =>
      fact.member === member && fact.broker !== undefined &&
      fact.at > at - plan.member.heartbeatInterval - SLACK
    ).length;
    if (links > plan.brokers + plan.nameServers + moved) {
      report(at, `${member} is at rest with ${links} connections`);
    }
  }
}

/** What is left after a shutdown. */
function checkLeft(
  { history }: Run,
  { member, at, deadline = 0 }: FactOf<"closing">,
  end: FactOf<"closed">,
  report: Report,
): void {
  const { timers, links, held } = end;
  if (timers + links + held > 0) {
    report(
      end.at,
      `${member} was closed and holds ${timers} timers, ${links} connections, ${held} checks`,
    );
  }
  const isBefore = (fact: { member: string; event: number }) =>
    fact.member === member && fact.event <= end.event;
  for (const { txn, way } of history.of("called").filter(isBefore)) {
    const isOf = (fact: { txn: string; member: string; event: number }) =>
      fact.txn === txn && isBefore(fact);
    const runs = history.of("localBegan").some(isOf) && !history.of("localEnded").some(isOf);
    // One that was begun is in the hands of its application.
    const isBegun = way === "begin" && runs;
    if (!history.of("settled").some(isOf) && !isBegun) {
      report(end.at, `${member} closed and the send of ${txn} has not settled`, txn);
    } else if (runs && end.at < at + deadline * WORKING_PART) {
      report(end.at, `${member} closed while the local transaction of ${txn} ran`, txn);
    }
  }
}

/** The questions that came before a shutdown are answered by its end, or its time was over. */
function checkAnswered(
  run: Run,
  closing: FactOf<"closing">,
  end: FactOf<"closed">,
  report: Report,
): void {
  const { history, timeline } = run, { member, at, deadline = 0 } = closing;
  // When its time was over it leaves what waits to others, and says so of what its listener works on.
  const isOver = end.at >= at + deadline * WORKING_PART;
  for (const check of history.of("gotCheck")) {
    const { txn, broker, handle, link, event } = check;
    if (check.member !== member || event >= closing.event) continue;
    if (isOver && !isCutOff(run, check, end)) continue;
    const isSuperseded = history.of("gotCheck").some((later) =>
      later.member === member && later.txn === txn && later.broker === broker &&
      later.event > event && later.event <= end.event
    );
    const isAnswered = history.of("wroteVerdict").some((answer) =>
      answer.member === member && answer.txn === txn && answer.broker === broker &&
      answer.handle.logOffset === handle.logOffset && answer.event <= end.event
    );
    // Without the connection an answer may find no other in its time.
    if (isDropped(run, check) || isFrozen(run, member, check.at, end.at)) continue;
    if (isSuperseded || isAnswered || timeline.unlinkedAt(link) < end.at - SLACK) continue;
    report(end.at, `${member} closed and had not answered the question about ${txn}`, txn);
  }
}

/** Whether a listener works on a question until the end of a shutdown, and nothing holds the answer up. */
function isCutOff(run: Run, check: FactOf<"gotCheck">, end: FactOf<"closed">): boolean {
  const { plan, timeline } = run, { member, txn, broker, event, at } = check;
  const isAsked = plan.answers === "listener" &&
    timeline.calls(member, txn).some(({ asked, endedIn, endedAt }) =>
      asked.event >= event && asked.event < end.event && endedIn > end.event &&
      endedAt > end.at
    );
  // Before an answer that may be the last one it looks at the index, which takes what time there is.
  return isAsked && !timeline.isHeldUp(member, broker, at, end.at) &&
    looksOf(run, member, broker, txn).every((look) => look.event < event);
}

/** Whether leave was taken on the connections on which a broker knows the client. */
function checkLeave(
  { plan, history, timeline }: Run,
  { member, at, event }: FactOf<"closing">,
  end: FactOf<"closed">,
  report: Report,
): void {
  const isRouted = timeline.isCalm(0, at, "promote", "route") && timeline.isCalm(
    at - plan.member.routePollInterval - LAST_WORDS,
    end.at,
    ...["killBroker", "powerLoss", "actingMaster"] as const,
  );
  for (const { link, broker, member: its } of history.of("linked")) {
    if (its !== member || broker === undefined || timeline.registeredAt(link) >= at) continue;
    const wasLive = timeline.unlinkedAt(link) >= end.at - SLACK &&
      !history.of("unlinked").some((fact) => fact.link === link && fact.by === "fault");
    // A connection that is held up is given up when nothing comes in answer to the leave.
    const isHeldUp = timeline.isHeldUp(member, broker, at - LAST_WORDS, end.at);
    if (!isRouted || !wasLive || isHeldUp) continue;
    const tookLeave = history.of("wroteOther").some((fact) =>
      fact.link === link && fact.code === RequestCode.UNREGISTER_CLIENT && fact.event >= event
    );
    if (!tookLeave) report(end.at, `${member} did not take leave on connection ${link}`);
  }
}
