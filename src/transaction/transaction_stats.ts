import type { ProducerStats } from "../producer/mod.ts";

/** What a transaction producer has counted since it was made, and how much it holds now. */
export interface TransactionProducerStats extends TransactionCounters, ProducerStats {
  /** Transactional sends that are under way. */
  transactionsInFlight: number;
  /** Check-backs that wait for the listener. */
  waitingChecks: number;
  /** Check-backs that the listener works on. */
  runningChecks: number;
  /** Events that slow iterations over `events()` lost. */
  droppedEvents: number;
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
  /** Verdicts that the broker confirmed. */
  confirmedVerdicts: number;
  /** Verdicts that were sent without awaiting an answer. */
  sentVerdicts: number;
  /** Verdicts that failed. */
  failedVerdicts: number;
  /** Commits whose answer got lost, and that were found in their topic instead of being given again. */
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
  alreadyCommittedChecks: number;
  /** See {@linkcode TransactionCounters.askedChecks}. */
  droppedChecks: number;
  /** Check-backs that the listener, or its time limit, answered. */
  answeredChecks: number;
  /** Check-backs that could not be read, or whose listener threw, gave garbage or took too long. */
  failedChecks: number;
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
    alreadyCommittedChecks: 0,
    droppedChecks: 0,
    answeredChecks: 0,
    failedChecks: 0,
  };
}
