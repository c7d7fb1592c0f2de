import type { Capacities } from "../../src/transaction/mod.ts";

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

/** `sendMessageInTransaction()`, `transaction()` or `begin()`. */
export type Way = "listener" | "callback" | "begin";

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
  /** How the application hands it over. @default {"listener"} */
  way?: Way;
  /** Seconds of `CHECK_IMMUNITY_TIME_IN_SECONDS`, if it has any. */
  immunity?: number;
  /** Bytes of the body; a few when absent. */
  bodySize?: number;
}

/** A plain message, or several, that the application sends on the producer of its transactions. */
export interface PlannedSend {
  /** Its name: `p3`. */
  name: string;
  /** When it is sent, in virtual milliseconds. */
  at: number;
  /** Which client sends it, by slot. */
  slot: number;
  /** `send()`, `sendOneway()` or `sendBatch()`. */
  how: "single" | "oneway" | "batch";
}

/** An operator looks what became of a transaction, and has a discarded one put back. */
export interface PlannedOperation {
  /** Name of the transaction. */
  txn: string;
  /** The part of the time between the last fault and the end, 0 to 1, after which he looks. */
  after: number;
  /** Which client he uses, by slot. */
  slot: number;
  /** Whether he resumes what was discarded. */
  resumes: boolean;
}

/** What an instance of the application is about to end at: the kind of a fact that is told of it. */
export type Moment =
  | "called"
  | "wroteHalf"
  | "gotReply"
  | "localBegan"
  | "localEnded"
  | "wroteVerdict"
  | "gotCheck"
  | "asked"
  | "answered"
  | "settled";

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
    | LaterFault
  );

/** Faults that are drawn after the others, so that those stay as they are for each seed. */
export type LaterFault =
  /** One direction of a connection is slow and narrow; bytes in a millisecond. */
  | {
    kind: "narrow";
    lasts: number;
    slot: number;
    server: string;
    direction: "toServer" | "toClient";
    latency: number;
    bandwidth: number;
  }
  /** The client's process stands still; servers go on, and forget it after a while. */
  | { kind: "freezeClient"; slot: number; lasts: number }
  /** The client is killed, or shut down, at the n-th event of a kind, and a new one is started. */
  | {
    kind: "leaveAt";
    slot: number;
    moment: Moment;
    nth: number;
    how: "kill" | "close";
    lasts: number;
    timeout: number;
  }
  /** The client is killed, and `recoverTransactions()` runs before a new one is started. */
  | { kind: "recover"; slot: number; lasts: number }
  /** A broker confirms verdicts and forgets them, as a proxy does. */
  | { kind: "untrueSuccess"; lasts: number; broker: number };

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
  /** Records are of one size, so that brokers have theirs in the same places. */
  hasEvenRecords?: boolean;
  /** Ids of records name addresses that clients do not know, as behind a NAT. */
  isBehindNat?: boolean;
}

/** How clients are set up, in milliseconds. */
export interface MemberSettings {
  /** `checkTimeout` */
  checkTimeout: number;
  /** `heartbeatInterval` */
  heartbeatInterval: number;
  /** `routePollInterval` */
  routePollInterval: number;
  /** `endTransactionMode` */
  endTransactionMode?: "confirm" | "oneway";
  /** `checkRequestHoldMax` */
  checkRequestHoldMax?: number;
  /** `checkConcurrency` */
  checkConcurrency?: number;
  /** `compression` */
  compression?: "ZLIB" | "LZ4" | "ZSTD" | "NONE";
  /** `checkRequestHoldBytes` */
  checkRequestHoldBytes?: number;
  /** `maxSendsInFlight` */
  maxSendsInFlight?: number;
  /** `maxSendsWaiting` */
  maxSendsWaiting?: number;
}

/** Who answers check-backs: a listener, or a loop over `checkBacks()`, one by one or all at once. */
export type Answers = "listener" | "loop" | "parallelLoop";

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
  /** Who answers check-backs. */
  answers: Answers;
  /** Servers take only what is signed, and clients sign. */
  signs: boolean;
  /** In the order of their times. */
  transactions: PlannedTransaction[];
  /** In the order of their times. */
  sends: PlannedSend[];
  /** In the order of their times. */
  faults: PlannedFault[];
  /** Bounds inside of clients that no option sets, small enough to be reached. */
  capacities?: Capacities;
  /** Hooks are called around sends and verdicts. */
  hasHooks?: boolean;
  /** What operators do when all faults are over. */
  operations?: PlannedOperation[];
}

/** When the last fault is over. */
export function faultsEnd({ faults }: Plan): number {
  return Math.max(
    0,
    ...faults.map((fault) => fault.at + ("lasts" in fault ? fault.lasts : 0) + aftermath(fault)),
  );
}

/** Milliseconds that what is on its way may still take after a fault. */
export function aftermath(fault: PlannedFault): number {
  return fault.kind === "narrow" ? 20_000 : 0;
}

/** When the last transaction was sent and its local transaction is over. */
export function workEnds({ transactions }: Plan): number {
  return Math.max(0, ...transactions.map(({ at, timeout, local }) => at + timeout + local.takes));
}

/** When the last half message may be asked about. */
export function immunityEnds({ transactions }: Plan): number {
  return Math.max(0, ...transactions.map(({ at, immunity = 0 }) => at + immunity * 1_000));
}

/** Whether questions may wait for others, or not be asked at first: all of them, in the worst case. */
export function settlesLate(plan: Plan): boolean {
  return queueTime(plan) > 0 || plan.transactions.some(({ immunity }) => immunity !== undefined);
}

/**
 * Milliseconds that a check-back may wait until the application takes it, because the application
 * works on so many at once and no more.
 */
export function queueTime({ answers, member, transactions, brokers }: Plan): number {
  const { checkConcurrency = 64, checkRequestHoldMax = 2_000, checkTimeout } = member;
  if (answers === "parallelLoop") return 0;
  const atOnce = answers === "loop" ? 1 : checkConcurrency;
  const most = transactions.length * brokers;
  if (most <= atOnce) return 0;
  // A loop may wait for what became of its verdict before it goes on.
  const each = checkTimeout + (answers === "loop" ? LONGEST_VERDICT : 0);
  return (Math.ceil(Math.min(checkRequestHoldMax, most) / atOnce) + 1) * each;
}

/** Milliseconds within which a verdict that was given has an outcome: its own time, and for a look. */
const LONGEST_VERDICT = 6_000;
