import { RequestCode } from "../../../src/remoting/mod.ts";
import { bodyOf } from "../body.ts";
import type { FactOf } from "../history.ts";
import type { Invariant, Report, Run } from "./invariant.ts";

/** One timer stands for the deadlines of many check-backs: it may take one a millisecond early. */
const TIMER_SLACK = 1;

/** What a client holds is bounded. */
export const h3: Invariant = {
  name: "H3",
  text:
    "Never more check-backs wait than checkRequestHoldMax, and never more are worked on at once than " +
    "checkConcurrency; one is dropped only when so many wait. Never more sends await the answer of " +
    "a broker than maxSendsInFlight, never more look-ups than may be at once, and check-backs hold no " +
    "more bytes than checkRequestHoldBytes.",
  check(run, report) {
    const { checkRequestHoldMax, checkConcurrency, maxSendsInFlight } = run.plan.member;
    const { checkRequestHoldBytes } = run.plan.member, { maxQueries } = run.plan.capacities ?? {};
    if (checkRequestHoldBytes !== undefined) checkBytes(run, checkRequestHoldBytes, report);
    if (maxQueries !== undefined) checkQueries(run, maxQueries, report);
    if (maxSendsInFlight !== undefined) checkSending(run, maxSendsInFlight, report);
    if (checkRequestHoldMax !== undefined) checkWaiting(run, checkRequestHoldMax, report);
    if (checkConcurrency !== undefined && run.plan.answers === "listener") {
      checkRunning(run, checkConcurrency, report);
    }
  },
};

function checkWaiting(run: Run, most: number, report: Report): void {
  const { plan, history, timeline } = run, { checkRequestHoldBytes } = plan.member;
  for (const fact of history.of("queued")) {
    const { member, txn, handling, waiting, running, at } = fact;
    if (waiting > most) report(at, `${member} lets ${waiting} check-backs wait`, txn);
    // One that waited may have been taken since. A client that shuts down takes no more.
    if (handling !== "dropped" || waiting + running >= most || timeline.leftAt(member) <= at) {
      continue;
    }
    if (checkRequestHoldBytes !== undefined) {
      if (plan.answers !== "listener") continue;
      const bytes = bytesHeld(run, fact, "perhaps");
      if (bytes > 0 && bytes + sizeOf(run, txn) > checkRequestHoldBytes) continue;
    }
    report(at, `${member} dropped a check-back when ${waiting} waited`, txn);
  }
}

/** Counts the calls of each client's listener that are under way whenever one begins. */
function checkRunning({ history, timeline }: Run, most: number, report: Report): void {
  for (const [member, all] of Map.groupBy(history.of("asked"), ({ member }) => member)) {
    const endOf = ({ txn, call }: FactOf<"asked">) =>
      timeline.calls(member, txn).find(({ asked }) => asked.call === call)!;
    for (const { txn, at, event } of all) {
      const underWay = all.filter((other) => {
        const { endedAt, endedIn } = endOf(other);
        const hasTime = endedAt - at > (endedIn === Infinity ? TIMER_SLACK : 0);
        return other.event < event && hasTime && endedIn > event;
      });
      if (underWay.length < most) continue;
      report(at, `${member} asked its listener while ${underWay.length} calls were under way`, txn);
    }
  }
}

/** Counts the sends of each client that await the answer of a broker whenever one is written. */
function checkSending({ history, timeline }: Run, most: number, report: Report): void {
  const settled = new Map([
    ...history.of("settled").map((fact) => [fact.txn, fact.event] as const),
    ...history.of("plainSettled").map((fact) => [fact.name, fact.event] as const),
  ]);
  const written = [...history.of("wroteHalf"), ...history.of("wrotePlain")].filter((fact) =>
    !("oneway" in fact && fact.oneway)
  );
  const nameOf = (fact: typeof written[number]) => "txn" in fact ? fact.txn : fact.name;
  for (const [member, all] of Map.groupBy(written, ({ member }) => member)) {
    for (const write of all) {
      const underWay = new Set(
        all.filter((other) =>
          other.event <= write.event && nameOf(other) !== nameOf(write) &&
          (timeline.replyTo(other)?.event ?? Infinity) > write.event &&
          (settled.get(nameOf(other)) ?? Infinity) > write.event &&
          timeline.unlinkedIn(other.link) > write.event
        ).map(nameOf),
      ).size;
      if (underWay < most) continue;
      report(write.at, `${member} sends while ${underWay} sends are under way`);
    }
  }
}

/** Counts the bytes of the check-backs that a client holds whenever it takes one in. */
function checkBytes(run: Run, most: number, report: Report): void {
  if (run.plan.answers !== "listener") return;
  for (const fact of run.history.of("queued")) {
    if (fact.handling !== "asked") continue;
    const size = sizeOf(run, fact.txn), bytes = bytesHeld(run, fact, "surely");
    // A single one is taken, whatever its size.
    if (bytes === 0 || bytes + size <= most) continue;
    report(fact.at, `${fact.member} holds check-backs of ${bytes + size} bytes`, fact.txn);
  }
}

/**
 * The bytes of the check-backs that a client has taken in when one comes and that its listener has not
 * answered: those that it surely holds, or all that it may hold, with those of the same moment.
 */
function bytesHeld(run: Run, fact: FactOf<"queued">, which: "surely" | "perhaps"): number {
  const { history, timeline } = run, { member, event, at } = fact;
  const isHeld = (other: FactOf<"queued">) => {
    const call = timeline.calls(member, other.txn).find(({ asked }) => asked.event >= other.event);
    if (which === "perhaps") {
      return other.event <= event && other !== fact &&
        (!call || call.endedAt >= at - TIMER_SLACK);
    }
    return other.event < event &&
      (!call || (call.endedAt > at + TIMER_SLACK && call.endedIn > event));
  };
  return history.of("queued").filter((other) =>
    other.member === member && other.handling === "asked" && isHeld(other)
  ).reduce((sum, { txn }) => sum + sizeOf(run, txn), 0);
}

/** The size of the body of a transaction, in bytes. */
function sizeOf({ plan }: Run, txn: string): number {
  return bodyOf(txn, plan.transactions.find(({ name }) => name === txn)!.bodySize).length;
}

/**
 * Milliseconds within which an answer counts as one that was waited for: a look that leaves when less is left
 * of its time is in vain, and the broker works on it beside the next one.
 */
const QUICK = 100;

/**
 * Counts the looks of each client that await an answer whenever one is written. A look whose answer takes
 * long may have been given up, which nobody sees; that of a client that shuts down may end at any moment.
 */
function checkQueries({ history, timeline }: Run, most: number, report: Report): void {
  const looks = history.of("wroteOther").filter(({ code }) => code === RequestCode.QUERY_MESSAGE);
  for (const [member, all] of Map.groupBy(looks, ({ member }) => member)) {
    for (const [index, look] of all.entries()) {
      if (timeline.leftAt(member) <= look.at) break;
      const underWay = all.slice(0, index).filter((earlier) => {
        const reply = timeline.replyTo(earlier);
        return reply !== undefined && reply.at - earlier.at < QUICK && reply.event > look.event;
      });
      if (underWay.length < most) continue;
      report(look.at, `${member} looks while ${underWay.length} looks are under way`);
    }
  }
}
