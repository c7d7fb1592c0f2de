/** How a call of the local transaction goes. */
export interface LocalBehaviour {
  /** What the application decides. */
  decision: "COMMIT" | "ROLLBACK";
  /** Milliseconds that it takes. */
  takes: number;
  /** The part of that time, 0 to 1, after which the database has the decision. */
  recordedAfter: number;
  /**
   * How it ends: with the decision, with *unknown* or a throw although it was recorded, with a throw
   * before anything was recorded, with something that is not a state, or never.
   */
  ends: "decision" | "unknown" | "throws" | "throwsEarly" | "garbage" | "never";
}

/** How one call of the check listener goes. */
export interface CheckBehaviour {
  /** Milliseconds that it takes. */
  takes: number;
  /** The truth from the database, one of the ways to say nothing useful, or the wrong thing. */
  gives: "truth" | "opposite" | "unknown" | "throwsSync" | "throwsAsync" | "garbage" | "never";
}

/** One transaction that the application wants. */
export interface PlannedTransaction {
  /** Its name: `t3`. */
  name: string;
  /** When it is sent, in virtual milliseconds. */
  at: number;
  /** Which client sends it, by slot. */
  slot: number;
  /** Milliseconds for the send; the client's default when absent. */
  timeout: number;
  /** The local transaction. */
  local: LocalBehaviour;
  /** The first calls of the check listener; later ones give the truth at once. */
  checks: CheckBehaviour[];
  /** The check listener answers *unknown* for ever. */
  undecided: boolean;
}

/** Where in a frame a connection breaks. */
export type BreakPoint = "before" | "within" | "after" | "reply";

/** A fault: when it begins, in virtual milliseconds, what it is, and what it hits. */
export type PlannedFault =
  & { at: number }
  & (
    | { kind: "refuse" | "hangDial"; lasts: number; server: string }
    | { kind: "reset"; slot: number; server: string }
    | { kind: "breakFrame"; lasts: number; slot: number; code: number; where: BreakPoint }
    | { kind: "halfOpen"; lasts: number; slot: number; server: string; heals: boolean }
    | { kind: "slow"; lasts: number; slot: number; server: string; latency: number }
    | { kind: "killBroker" | "freeze" | "actingMaster"; lasts: number; broker: number }
    | { kind: "powerLoss" | "promote"; lasts: number; broker: number; window: number }
    | { kind: "busy"; lasts: number; broker: number; requests: "half" | "verdict" | "both" }
    | { kind: "weakStore"; lasts: number; broker: number; code: number }
    | { kind: "lateReplies"; lasts: number; broker: number; delay: number }
    | { kind: "lostChecks"; lasts: number; broker: number }
    | {
      kind: "route";
      lasts: number;
      shape: "stale" | "empty" | "unknown" | "slaveOnly" | "flapping";
    }
    | { kind: "deadNameServer" | "silentNameServer"; lasts: number; nameServer: number }
    | { kind: "wallJump"; slot: number; by: number }
    | { kind: "killClient"; slot: number; lasts: number }
    | { kind: "closeClient"; slot: number; lasts: number; timeout: number }
  );

/** The kinds of faults. */
export type FaultKind = PlannedFault["kind"];

/** How brokers are set up, in milliseconds. */
export interface BrokerSettings {
  /** `transactionTimeout` */
  timeout: number;
  /** `transactionCheckInterval` */
  interval: number;
  /** `transactionCheckMax` */
  maxChecks: number;
  /** `transactionOpBatchInterval` */
  markInterval: number;
}

/** How clients are set up, in milliseconds. */
export interface MemberSettings {
  /** `checkTimeout` */
  checkTimeout: number;
  /** `heartbeatInterval` */
  heartbeatInterval: number;
  /** `routePollInterval` */
  routePollInterval: number;
}

/** A whole simulation as data: everything that happens follows from it. */
export interface Plan {
  /** What chance is drawn from while it runs. */
  seed: number;
  /** Number of name servers. */
  nameServers: number;
  /** Number of brokers; each has a slave that can take its place. */
  brokers: number;
  /** Number of clients of the group. */
  slots: number;
  broker: BrokerSettings;
  member: MemberSettings;
  /** In the order of their times. */
  transactions: PlannedTransaction[];
  /** In the order of their times. */
  faults: PlannedFault[];
}

/** When the last fault is over. */
export function faultsEnd({ faults }: Plan): number {
  return Math.max(
    0,
    ...faults.map((fault) => fault.at + ("lasts" in fault ? fault.lasts : 0)),
  );
}

/** When the last transaction was sent and its local transaction is over. */
export function workEnds({ transactions }: Plan): number {
  return Math.max(0, ...transactions.map(({ at, timeout, local }) => at + timeout + local.takes));
}
