import type { FactOf } from "../history.ts";
import { queueTime } from "../plan.ts";
import type { Run } from "./invariant.ts";

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

/** Whether a client had more transactions than it may remember endings of. */
export function isBeyondMemory(
  { plan, history }: Pick<Run, "plan" | "history">,
  member: string,
): boolean {
  const { maxTroubled = Infinity } = plan.capacities ?? {};
  return history.of("called").filter((fact) => fact.member === member).length > maxTroubled;
}

/** Milliseconds that a question may wait for the application, which works on so many at once. */
export function waitOf({ plan }: Pick<Run, "plan">): number {
  return queueTime(plan);
}

/** Slot of a client. */
export function slotOf(member: string): number {
  return Number(member.slice(1, member.indexOf(".")));
}
