import { RequestCode, ResponseCode } from "../../../src/remoting/mod.ts";
import type { FactOf } from "../history.ts";
import { INDEX_DELAY } from "../world/broker_requests.ts";
import { TOPIC } from "../world/context.ts";
import { isFrozen, slotOf } from "./held_up.ts";
import type { Run } from "./invariant.ts";

/** A COMMIT or ROLLBACK as it left. */
export type Verdict = FactOf<"wroteVerdict">;

/** A question to a broker's message index whether a transaction is visible there. */
export type Look = FactOf<"wroteOther">;

/** What the last look before a COMMIT came to. */
export interface LookBefore {
  /** The look, if there was one. */
  readonly look?: Look;
  /**
   * - `missing`: nobody looked.
   * - `found`, `notFound`: the broker said so before the COMMIT left.
   * - `refused`: the broker does not tell.
   * - `impossible`: a fault, or the end of the connection, kept the answer away.
   * - `cutShort`: the answer was on its way, and was not waited for.
   */
  readonly result: "missing" | "found" | "notFound" | "refused" | "impossible" | "cutShort";
}

/** Milliseconds that the answer to a look has to be waited for, even when none comes. */
const PATIENCE = 1_000;

/** The looks of a client at whether a transaction is visible on a broker. */
export function looksOf({ history }: Run, member: string, broker: string, txn: string): Look[] {
  const links = new Set(
    history.of("linked").filter((link) => link.broker === broker && link.member === member)
      .map(({ link }) => link),
  );
  return history.of("wroteOther").filter((look) =>
    look.code === RequestCode.QUERY_MESSAGE && look.txn === txn && links.has(look.link) &&
    (look.topic ?? TOPIC) === TOPIC
  );
}

/**
 * The event since which a client has a reason to look before a COMMIT: the check-back that brought
 * its offsets, or an earlier COMMIT that the broker may have carried out. Once another member was asked,
 * the one that sent the half message has a reason, too, unless {@linkcode isBeforeChecks}. Undefined before.
 */
export function reasonToLook(run: Run, commit: Verdict): number | undefined {
  const { history, timeline } = run;
  const { member, broker, txn, event, handle } = commit;
  const isIts = (fact: { member: string; broker: string; txn: string; event: number }) =>
    fact.member === member && fact.broker === broker && fact.txn === txn && fact.event <= event;
  const asked = history.of("gotCheck").findLast((check) =>
    isIts(check) && check.handle.logOffset === handle.logOffset
  );
  const earlier = history.of("wroteVerdict").findLast((fact) =>
    isIts(fact) && fact !== commit && fact.state === "COMMIT" && fact.event <= event &&
    !timeline.isRefused(fact, event)
  );
  if (!asked && !earlier) {
    const isCheckedElsewhere = history.of("gotCheck").some((check) =>
      check.txn === txn && check.broker === broker && check.event <= event
    );
    return commit.fromCheck || (isCheckedElsewhere && !isBeforeChecks(run, commit)) ? 0 : undefined;
  }
  return Math.max(asked?.event ?? 0, earlier?.event ?? 0);
}

/**
 * Whether a sender's own COMMIT leaves before the half message is old enough to be checked, and only a clock
 * that a fault set has a broker check it already: it tells the age by the time that the sender's clock gave.
 */
export function isBeforeChecks({ plan, history }: Run, { txn, member, at }: Verdict): boolean {
  const half = history.of("wroteHalf").find((fact) => fact.txn === txn && fact.member === member);
  const { immunity } = plan.transactions.find(({ name }) => name === txn) ?? {};
  const age = immunity === undefined ? plan.broker.timeout : immunity * 1_000;
  return half !== undefined && at < half.at + age &&
    plan.faults.some((fault) =>
      fault.kind === "wallJump" && fault.slot === slotOf(member) && fault.at <= half.at
    );
}

/** What the last look was that a client had between a reason for it and a COMMIT. */
export function lookBefore(run: Run, commit: Verdict, since: number): LookBefore {
  const { timeline } = run, { member, broker, txn } = commit;
  const look = looksOf(run, member, broker, txn).findLast((fact) =>
    fact.event >= since && isBefore(fact, commit)
  );
  // With few look-ups at once, one waits until those of others have an answer.
  const isInLine = run.plan.capacities?.maxQueries !== undefined &&
    run.history.of("wroteOther").some((other) =>
      other.code === RequestCode.QUERY_MESSAGE && other.member === member &&
      other.txn !== txn && other.event <= commit.event &&
      (timeline.replyTo(other)?.event ?? Infinity) > since
    );
  if (!look) return { result: isInLine ? "impossible" : "missing" };
  const reply = timeline.replyTo(look);
  if (reply && reply.event <= commit.event) {
    if (reply.code === 0) {
      // What was found on a connection that is gone may have been lost with it.
      return { look, result: look.link === commit.link ? "found" : "notFound" };
    }
    return { look, result: reply.code === ResponseCode.QUERY_NOT_FOUND ? "notFound" : "refused" };
  }
  const isKeptAway = isInLine || timeline.unlinkedIn(look.link) <= commit.event ||
    commit.at - look.at >= PATIENCE || timeline.isHeldUp(member, broker, look.at, commit.at) ||
    isFrozen(run, member, look.at, commit.at) || timeline.leftAt(member) <= commit.at;
  return { look, result: isKeptAway ? "impossible" : "cutShort" };
}

/** Whether a request left before another, in the same event, too, as far as the numbers tell. */
function isBefore(look: Look, commit: Verdict): boolean {
  if (look.event !== commit.event) return look.event < commit.event;
  return look.link !== commit.link || look.opaque < commit.opaque;
}

/**
 * Whether a client has had a sign by an event that its COMMIT or ROLLBACK arrived: the broker's answer, a look
 * that found the message, or that it left in a mode in which no answer comes.
 */
export function hasArrived(
  run: Run,
  { member, txn, event }: { member: string; txn: string; event: number },
): boolean {
  const { history, timeline } = run;
  const isYes = (request: { link: number; opaque: number }) => {
    const reply = timeline.replyTo(request);
    return reply?.code === 0 && reply.event < event;
  };
  return history.of("wroteVerdict").some((verdict) =>
    verdict.member === member && verdict.txn === txn && verdict.event < event &&
    verdict.state !== "UNKNOWN" && (verdict.oneway || isYes(verdict))
  ) || history.of("wroteOther").some((look) =>
    look.member === member && look.txn === txn && look.code === RequestCode.QUERY_MESSAGE &&
    look.topic === TOPIC && isYes(look)
  );
}

/** Copies of a message that a broker has at the moment of an event, with the losses taken off. */
export function keptCopies(
  { history }: Run,
  txn: string,
  event: number,
  broker?: string,
): FactOf<"visible">[] {
  const isIts = (fact: { txn: string; broker: string; event: number }) =>
    fact.txn === txn && (broker === undefined || fact.broker === broker) && fact.event < event;
  const kept = history.of("visible").filter(isIts);
  for (const loss of history.of("lost").filter((fact) => fact.what === "visible" && isIts(fact))) {
    const index = kept.findIndex((copy) =>
      copy.broker === loss.broker && copy.event <= loss.event &&
      copy.handle.logOffset === loss.logOffset
    );
    if (index >= 0) kept.splice(index, 1);
  }
  return kept;
}

/** When what was stored is found by its key, in milliseconds. */
export function indexedAt({ at }: { at: number }): number {
  return at + INDEX_DELAY;
}

/**
 * Whether a ROLLBACK has a broker drop a surplus half message: its message was just found visible on
 * the very connection that the half message was named on, and that the ROLLBACK leaves on.
 */
export function isDrop(run: Run, rollback: Verdict): boolean {
  const { history, timeline } = run, { member, broker, txn, link, handle, event } = rollback;
  if (rollback.state !== "ROLLBACK") return false;
  const isIts = (fact: { member: string; txn: string; link: number; event: number }) =>
    fact.member === member && fact.txn === txn && fact.link === link && fact.event <= event;
  const named =
    history.of("gotCheck").findLast((check) =>
      isIts(check) && check.handle.logOffset === handle.logOffset
    ) ?? (rollback.fromCheck ? undefined : history.of("wroteHalf").find(isIts));
  if (!named) return false;
  return looksOf(run, member, broker, txn).some((look) => {
    const reply = look.link === link ? timeline.replyTo(look) : undefined;
    return reply?.code === 0 && reply.event >= named.event && reply.event <= event;
  });
}
