import { aftermath, type PlannedFault } from "../plan.ts";

/** Tells which faults hold up what a client and a broker say to each other. */
export class Disturbances {
  readonly #faults: readonly PlannedFault[];

  constructor(faults: readonly PlannedFault[]) {
    this.#faults = faults;
  }

  /** Whether no fault of some kinds, or of any, is at work at any moment of a time. */
  isCalm(from: number, to: number, kinds: readonly PlannedFault["kind"][]): boolean {
    return this.#faults.every((fault) =>
      (kinds.length > 0 && !kinds.includes(fault.kind)) || fault.at > to || endOf(fault) < from
    );
  }

  /**
   * Whether a fault holds up a connection that lives between a client and a broker: it is slow or
   * lets nothing through, the broker stands still, or it refuses verdicts. Faults that end the
   * connection show there.
   */
  hits(member: string, broker: string, from: number, to: number): boolean {
    const slot = Number(member.slice(1, member.indexOf(".")));
    return this.#faults.some((fault) => {
      if (fault.at > to || endOf(fault) < from) return false;
      switch (fault.kind) {
        case "freezeClient":
          return fault.slot === slot;
        case "slow":
        case "narrow":
        case "halfOpen":
          return fault.slot === slot && fault.server === broker;
        case "freeze":
        case "lateReplies":
          return `b${fault.broker}` === broker;
        case "busy":
          return `b${fault.broker}` === broker && fault.requests !== "half";
        default:
          return false;
      }
    });
  }
}

/** When the last of what a fault held up has come through. */
function endOf(fault: PlannedFault): number {
  const end = fault.at + ("lasts" in fault ? fault.lasts : 0);
  return end + aftermath(fault) +
    (fault.kind === "slow" ? 3 * fault.latency : fault.kind === "lateReplies" ? fault.delay : 0);
}
