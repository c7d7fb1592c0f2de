import type { EndTransactionOutcome } from "./end_transaction.ts";
import type { LocalTransactionState, Verdict } from "./local_transaction_state.ts";

/** The transaction that an event is about. */
export interface TransactionFacts {
  /** Its id. */
  transactionId: string;
  /** Topic of its message. */
  topic: string;
  /** Broker that holds the half message. */
  brokerName: string;
}

/** A broker accepted the first heartbeat of a connection: check-backs can come over it. */
export interface BrokerRegisteredEvent {
  /** Tells the kinds apart. */
  type: "brokerRegistered";
  /** Name of the broker. */
  brokerName: string;
  /** `host:port` of the broker. */
  address: string;
}

/** A registered connection is over; it is made again in the background. */
export interface BrokerLostEvent {
  /** Tells the kinds apart. */
  type: "brokerLost";
  /** Name of the broker. */
  brokerName: string;
  /** `host:port` of the broker. */
  address: string;
  /** Why. */
  reason: string;
}

/** The route of a topic became known, or is another than before. */
export interface RouteChangedEvent {
  /** Tells the kinds apart. */
  type: "routeChanged";
  /** The topic. */
  topic: string;
  /** Brokers that serve it. */
  brokerNames: string[];
}

/** A half message was stored. */
export interface HalfStoredEvent extends TransactionFacts {
  /** Tells the kinds apart. */
  type: "halfStored";
}

/** A transactional send ended before its local transaction ran. */
export interface SendFailedEvent {
  /** Tells the kinds apart. */
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

/** A local transaction has ended. */
export interface LocalTransactionEndedEvent extends TransactionFacts {
  /** Tells the kinds apart. */
  type: "localTransactionEnded";
  /** What the listener returned, or `Unknown` when it threw. */
  state: LocalTransactionState;
  /** What the listener threw, or that it returned something else than a state. */
  cause?: unknown;
}

/** A verdict was sent to the broker, or could not be. */
export interface EndTransactionEvent extends TransactionFacts {
  /** Tells the kinds apart. */
  type: "endTransaction";
  /** The verdict. */
  state: LocalTransactionState;
  /** What became of the request. */
  outcome: EndTransactionOutcome;
  /** Whether it answers a check-back. */
  fromCheck: boolean;
  /** Why it failed. */
  error?: Error;
}

/** The broker asked about a transaction. */
export interface CheckBackEvent extends TransactionFacts {
  /** Tells the kinds apart. */
  type: "checkBack";
  /** How often it has asked. */
  checkTimes: number;
  /**
   * What was done with it: given to the listener, joined with an earlier one that is still being
   * answered, answered *unknown* because the local transaction still runs, held back until a
   * verdict that is on its way has arrived, answered with the verdict that is known already,
   * answered *unknown* because the broker confirmed the commit on this very connection (unless it is
   * about to give up a copy that it made when it was lost: then it is committed, too), or dropped
   * because too many wait.
   */
  handling: CheckHandling;
}

/** See {@linkcode CheckBackEvent.handling}. */
export type CheckHandling =
  | "asked"
  | "joined"
  | "stillRunning"
  | "heldBack"
  | "repeated"
  | "alreadyCommitted"
  | "dropped";

/** A check listener threw, returned something else than a state, or took too long. */
export interface CheckFailedEvent extends TransactionFacts {
  /** Tells the kinds apart. */
  type: "checkFailed";
  /** What went wrong. */
  cause: unknown;
}

/** A listener contradicted the verdict that had been sent; the new one was not sent. */
export interface ContradictionEvent extends TransactionFacts {
  /** Tells the kinds apart. */
  type: "contradiction";
  /** What had been sent. */
  sent: Verdict;
  /** What the listener says now. */
  contradictedBy: Verdict;
}

/**
 * A commit whose answer got lost was asked about, and the message was found in its topic: the
 * check-back is answered *unknown*, since another commit would store it twice.
 */
export interface CommitFoundEvent extends TransactionFacts {
  /** Tells the kinds apart. */
  type: "commitFound";
}

/** A warning: the broker asks about a local transaction that still runs. Once for each. */
export interface SlowLocalTransactionEvent extends TransactionFacts {
  /** Tells the kinds apart. */
  type: "slowLocalTransaction";
  /** How often it has asked. */
  checkTimes: number;
}

/** A warning: the broker will soon give a transaction up, see `transactionCheckMax`. */
export interface LastChecksEvent extends TransactionFacts {
  /** Tells the kinds apart. */
  type: "lastChecks";
  /** How often it has asked. */
  checkTimes: number;
  /** How often it may ask again. */
  checksLeft: number;
}

/** A warning: the `CHECK_IMMUNITY_TIME_IN_SECONDS` of a half message costs it a third of its checks, or more. */
export interface CheckImmunityEvent extends TransactionFacts {
  /** Tells the kinds apart. */
  type: "checkImmunity";
  /** Seconds for which it is not asked about. */
  seconds: number;
  /** Checks that it loses by that. */
  checksLost: number;
  /** Checks that are left for a verdict that got lost. */
  checksLeft: number;
}

/** The warnings among the events. */
export type TransactionWarningEvent =
  | SlowLocalTransactionEvent
  | LastChecksEvent
  | CheckImmunityEvent;

/** What happens in a transaction producer, one type for each kind of event. */
export type TransactionEvent =
  | BrokerRegisteredEvent
  | BrokerLostEvent
  | RouteChangedEvent
  | HalfStoredEvent
  | SendFailedEvent
  | LocalTransactionEndedEvent
  | EndTransactionEvent
  | CheckBackEvent
  | CheckFailedEvent
  | ContradictionEvent
  | CommitFoundEvent
  | TransactionWarningEvent;
