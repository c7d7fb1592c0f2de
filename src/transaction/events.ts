import type { OtherEvent, ProducerEvent, ProducerStats } from "../producer/mod.ts";
import type { EndTransactionOutcome, LocalTransactionState, Verdict } from "./states.ts";

/** Names the transaction that an event is about. */
export interface TransactionFacts {
  /** Its id. */
  transactionId: string;
  /** Topic of its message. */
  topic: string;
  /** Broker that holds the half message. */
  brokerName: string;
}

/** A half message was stored. */
export interface HalfStoredEvent extends TransactionFacts {
  /** The kind of event. */
  type: "halfStored";
}

/** A transactional send ended before its local transaction ran. */
export interface SendFailedEvent {
  /** The kind of event. */
  type: "sendFailed";
  /** The id of the transaction. */
  transactionId: string;
  /** Topic of the message. */
  topic: string;
  /** Whether a half message may exist. */
  outcome: "failed" | "indeterminate";
  /** Why. */
  error: Error;
}

/** Reports that a local transaction has ended. */
export interface LocalTransactionEndedEvent extends TransactionFacts {
  /** The kind of event. */
  type: "localTransactionEnded";
  /** What the listener returned, or `Unknown` when it threw. */
  state: LocalTransactionState;
  /** What the listener threw, or that it returned something else than a state. */
  cause?: unknown;
}

/** Reports that END_TRANSACTION was sent to the broker, or could not be. */
export interface EndTransactionEvent extends TransactionFacts {
  /** The kind of event. */
  type: "endTransaction";
  /** The state that it told. */
  state: LocalTransactionState;
  /** What became of the request. */
  outcome: EndTransactionOutcome;
  /** Whether it answers a check-back. */
  fromCheck: boolean;
  /** Why it failed. */
  error?: Error;
}

/** Reports a check-back of the broker. */
export interface CheckBackEvent extends TransactionFacts {
  /** The kind of event. */
  type: "checkBack";
  /** How often the broker has checked. */
  checkTimes: number;
  /** What was done with it. */
  handling: CheckHandling;
}

/**
 * What is done with a check-back.
 *
 * - `asked`: it is given to the listener.
 * - `joined`: an earlier one of the transaction is being answered; it gets the same answer.
 * - `stillRunning`: it is answered *unknown*, because the local transaction still runs.
 * - `heldBack`: an END_TRANSACTION is under way; it is answered after that.
 * - `repeated`: it is answered with the commit or rollback that could not be delivered before.
 * - `dropped`: too many wait. The broker checks again.
 */
export type CheckHandling =
  | "asked"
  | "joined"
  | "stillRunning"
  | "heldBack"
  | "repeated"
  | "dropped";

/** A check listener threw, returned something else than a state, or took too long. */
export interface CheckFailedEvent extends TransactionFacts {
  /** The kind of event. */
  type: "checkFailed";
  /** What went wrong. */
  cause: unknown;
}

/** Reports a listener that contradicts what had been sent before; the new state is not sent. */
export interface ContradictionEvent extends TransactionFacts {
  /** The kind of event. */
  type: "contradiction";
  /** What had been sent. */
  sent: Verdict;
  /** What the listener says now. */
  contradictedBy: Verdict;
}

/**
 * Reports that a check-back was to be answered with commit, and the message was found visible: this
 * producer or another member of the group had committed it. Instead of a second COMMIT, which would
 * store it twice, the broker is told to drop the surplus half message.
 */
export interface CommitFoundEvent extends TransactionFacts {
  /** The kind of event. */
  type: "commitFound";
}

/** Warns that the broker checks a local transaction that still runs. Once for each. */
export interface SlowLocalTransactionEvent extends TransactionFacts {
  /** The kind of event. */
  type: "slowLocalTransaction";
  /** How often the broker has checked. */
  checkTimes: number;
}

/**
 * Warns that the broker will soon discard a message that is still open, see `transactionCheckMax`. A
 * message that is visible already is looked for first, and not warned of.
 */
export interface LastChecksEvent extends TransactionFacts {
  /** The kind of event. */
  type: "lastChecks";
  /** How often the broker has checked. */
  checkTimes: number;
  /** How often it may check again. */
  checksLeft: number;
}

/**
 * Warns that the `CHECK_IMMUNITY_TIME_IN_SECONDS` of a half message costs it a third of its checks, or
 * more, at a broker's default interval of 30 s.
 */
export interface CheckImmunityEvent extends TransactionFacts {
  /** The kind of event. */
  type: "checkImmunity";
  /** Seconds for which it is not checked. */
  seconds: number;
  /** Checks that it loses by that. */
  checksLost: number;
  /** Checks that are left for a commit or rollback that got lost. */
  checksLeft: number;
}

/** The warnings among the events. */
export type TransactionWarningEvent =
  | SlowLocalTransactionEvent
  | LastChecksEvent
  | CheckImmunityEvent;

/** What happens in a transaction producer, one type for each kind of event. */
export type TransactionEvent =
  | Exclude<ProducerEvent, OtherEvent>
  | HalfStoredEvent
  | SendFailedEvent
  | LocalTransactionEndedEvent
  | EndTransactionEvent
  | CheckBackEvent
  | CheckFailedEvent
  | ContradictionEvent
  | CommitFoundEvent
  | TransactionWarningEvent;

/** What a transaction producer has counted since it was made, and how much it holds now. */
export interface TransactionProducerStats extends TransactionCounters, ProducerStats {
  /** Transactional sends that are under way. */
  transactionsInFlight: number;
  /** Check-backs that wait for the listener. */
  waitingChecks: number;
  /** Check-backs that the listener works on. */
  runningChecks: number;
}

/** The counters of {@linkcode TransactionProducerStats}; they only grow. */
export interface TransactionCounters {
  /** Calls of `sendMessageInTransaction` that passed the checks of their arguments. */
  transactions: number;
  /** Half messages that were stored. */
  halfMessages: number;
  /** Sends that certainly left no half message. */
  failedSends: number;
  /** Sends that may have left a half message. */
  indeterminateSends: number;
  /** Local transactions that ended with each state. */
  localCommits: number;
  /** See {@linkcode TransactionCounters.localCommits}. */
  localRollbacks: number;
  /** See {@linkcode TransactionCounters.localCommits}; those that threw, too. */
  localUnknowns: number;
  /** END_TRANSACTION requests that the broker confirmed, and commits whose message was found visible. */
  confirmedVerdicts: number;
  /** END_TRANSACTION requests that were sent without an answer that confirms them. */
  sentVerdicts: number;
  /** END_TRANSACTION requests that failed. */
  failedVerdicts: number;
  /** Surplus half messages whose message was found visible, and that were dropped instead of committed. */
  foundCommits: number;
  /** Check-backs that came. */
  checkBacks: number;
  /** Check-backs by what was done with them: see `CheckBackEvent.handling`. */
  askedChecks: number;
  /** See {@linkcode TransactionCounters.askedChecks}. */
  joinedChecks: number;
  /** See {@linkcode TransactionCounters.askedChecks}. */
  stillRunningChecks: number;
  /** See {@linkcode TransactionCounters.askedChecks}. */
  heldBackChecks: number;
  /** See {@linkcode TransactionCounters.askedChecks}. */
  repeatedChecks: number;
  /** See {@linkcode TransactionCounters.askedChecks}. */
  droppedChecks: number;
  /** Check-backs that the listener, or its time limit, answered. */
  answeredChecks: number;
  /** Check-backs that could not be read, or whose listener threw, gave garbage or took too long. */
  failedChecks: number;
  /** Local transactions that still ran when their broker checked back. */
  slowLocalTransactions: number;
  /** Check-backs after which a transaction stayed open though few are left, see `lastChecks` events. */
  lastChecks: number;
  /**
   * Transactions that stayed open at the last check-back, as far as `transactionCheckMax` is right: their
   * brokers discard them. `inspect()` finds such a message, and `resume()` brings it back.
   */
  discardedTransactions: number;
}

/** Counters at their start. */
export function newCounters(): TransactionCounters {
  return {
    transactions: 0,
    halfMessages: 0,
    failedSends: 0,
    indeterminateSends: 0,
    localCommits: 0,
    localRollbacks: 0,
    localUnknowns: 0,
    confirmedVerdicts: 0,
    sentVerdicts: 0,
    failedVerdicts: 0,
    foundCommits: 0,
    checkBacks: 0,
    askedChecks: 0,
    joinedChecks: 0,
    stillRunningChecks: 0,
    heldBackChecks: 0,
    repeatedChecks: 0,
    droppedChecks: 0,
    answeredChecks: 0,
    failedChecks: 0,
    slowLocalTransactions: 0,
    lastChecks: 0,
    discardedTransactions: 0,
  };
}
