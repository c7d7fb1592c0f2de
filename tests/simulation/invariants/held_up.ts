import { RequestCode } from "../../../src/remoting/mod.ts";
import type { FactOf } from "../history.ts";
import { queueTime } from "../plan.ts";
import type { Run } from "./invariant.ts";
import { SLACK, VERDICT_TIMEOUT } from "./timeline.ts";

/** Whether the process of a client stood still at any moment of a time. */
export function isFrozen(
  { plan }: Pick<Run, "plan">,
  member: string,
  from: number,
  to: number,
): boolean {
  const slot = slotOf(member);
  return plan.faults.some((fault) =>
    fault.kind === "freezeClient" && fault.slot === slot && fault.at <= to &&
    fault.at + fault.lasts >= from
  );
}

/**
 * Whether a client dropped a question because too many waited; H3 looks at whether they did. What a
 * recovery drops can't be seen.
 */
export function isDropped(
  { plan, history }: Pick<Run, "plan" | "history">,
  check: FactOf<"gotCheck">,
): boolean {
  if (plan.member.checkRequestHoldMax === undefined) return false;
  const isRecovery = history.of("recovering").some(({ member }) => member === check.member);
  return isRecovery ||
    history.of("queued").some((fact) =>
      fact.handling === "dropped" && fact.at === check.at && fact.event >= check.event &&
      fact.txn === check.txn &&
      fact.member === check.member && fact.broker === check.broker
    );
}

/**
 * Whether a client may have forgotten by an event what it knew of a transaction since another one: it keeps the
 * newest `maxTroubled` endings that had trouble, and as many others may have had some in between. A send has
 * when it does not end as decided and delivered, or when a look shows that another member has committed it. A
 * transaction that a broker checks, or whose commit or rollback no broker confirms, may have trouble until the
 * time for that is over, also after its send has settled.
 */
export function mayBeForgotten(
  { plan, history, timeline }: Pick<Run, "plan" | "history" | "timeline">,
  { member, txn, event }: { member: string; txn: string; event: number },
  since: number,
): boolean {
  const { maxTroubled } = plan.capacities ?? {};
  if (maxTroubled === undefined) return false;
  const sinceAt = history.facts.findLast((fact) => fact.event <= since)?.at ?? 0;
  type Fact = { member: string; txn?: string; event: number; at: number };
  const isOthers = (fact: Fact) => fact.member === member && fact.txn !== txn && fact.event < event;
  const isBetween = (fact: Fact) => isOthers(fact) && fact.event >= since;
  const mayEnd = (fact: Fact) => isOthers(fact) && fact.at + VERDICT_TIMEOUT + SLACK >= sinceAt;
  const isFound = (look: FactOf<"wroteOther">) => {
    const reply = look.code === RequestCode.QUERY_MESSAGE ? timeline.replyTo(look) : undefined;
    return reply?.code === 0 && isBetween({ ...look, event: reply.event });
  };
  const isUnconfirmed = (end: FactOf<"wroteVerdict">) => {
    if (end.state === "UNKNOWN" || end.oneway || !mayEnd(end)) return false;
    const reply = timeline.replyTo(end);
    return !(reply?.code === 0 && reply.event < event);
  };
  const isDecided = ({ returned }: FactOf<"localEnded">) =>
    returned === "COMMIT" || returned === "ROLLBACK";
  const decided = new Set(history.of("localEnded").filter(isDecided).map((fact) => fact.txn));
  const troubled = [
    ...history.of("gotCheck").filter(mayEnd),
    ...history.of("answered").filter(mayEnd),
    ...history.of("wroteVerdict").filter((fact) => fact.fromCheck && mayEnd(fact)),
    ...history.of("wroteVerdict").filter(isUnconfirmed),
    ...history.of("wroteOther").filter(isFound),
    ...history.of("localEnded").filter((fact) => isBetween(fact) && !isDecided(fact)),
    ...history.of("settled").filter((fact) =>
      isBetween(fact) &&
      !(fact.outcome === "sent" && fact.endTransaction !== "failed" && decided.has(fact.txn))
    ),
  ];
  return new Set(troubled.map((fact) => fact.txn)).size >= maxTroubled;
}

/** Milliseconds that a question may wait for the application, which works on so many at once. */
export function waitOf({ plan }: Pick<Run, "plan">): number {
  return queueTime(plan);
}

/** Slot of a client. */
export function slotOf(member: string): number {
  return Number(member.slice(1, member.indexOf(".")));
}
