/** How a transaction stands. `notFound` is only said by a cluster that was asked. */
export type InspectedState =
  | "open"
  | "visible"
  | "rolledBack"
  | "givenUp"
  | "notSent"
  | "notFound";

/** Who told of a step. */
export type StepOrigin = "broker" | "producer" | "cluster";

/** How a step is to be taken, for its mark: it went on, it ended well, ended, or somebody should look. */
export type StepTone = "plain" | "good" | "end" | "warn";

/** Something that happened to a transaction. */
export interface InspectedStep {
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** Who told of it. */
  readonly origin: StepOrigin;
  /** What, in a few words. */
  readonly title: string;
  /** The rest of it. */
  readonly detail: string;
  /** How it is to be taken. */
  readonly tone: StepTone;
  /** Whether it follows from what else happened at the same time. */
  readonly isEffect: boolean;
  /** On which side of the first verdict it is, whenever it is heard of. */
  readonly side?: "beforeVerdict" | "verdict";
}

/** What a list says of a transaction. */
export interface TransactionSummary {
  /** Its id. */
  readonly id: string;
  /** Number of its last change: it grows over all transactions. */
  readonly change: number;
  /** How it stands. */
  readonly state: InspectedState;
  /** Topic of its message. */
  readonly topic: string;
  /** Group of its producer, empty when it is not known. */
  readonly group: string;
  /** Broker that holds it, empty when it is not known. */
  readonly broker: string;
  /** Business keys of its message. */
  readonly keys: readonly string[];
  /** How often it was asked about. */
  readonly checks: number;
  /** How often its message is visible. */
  readonly copies: number;
  /** When its first step was, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Whether that was when its half message was stored; else it began earlier. */
  readonly isWhole: boolean;
  /** When it was settled, in milliseconds since 1970; absent while it is open, or not known. */
  readonly endedAt?: number;
}

/** What is known of a transaction. */
export interface TransactionDetail extends TransactionSummary {
  /** What happened to it, in the order of time. */
  readonly steps: readonly InspectedStep[];
  /** Steps that were left out after the first ones, since there were too many. */
  readonly droppedSteps: number;
}

/** What a step says of its transaction beside itself. */
export interface StepFacts {
  /** The id of the transaction. */
  id: string;
  /** The state that it has from this step on. */
  state?: InspectedState;
  /** The topic of its message. */
  topic?: string;
  /** The group of its producer. */
  group?: string;
  /** The broker that holds it. */
  broker?: string;
  /** The keys of its message. */
  keys?: readonly string[];
  /** How often it was asked about, this time included. */
  checks?: number;
  /** Messages that became visible by this step. */
  newCopies?: number;
  /** How many there are. */
  copies?: number;
  /** The half message was stored at this step: time runs from here. */
  begins?: boolean;
  /** It is settled since some earlier time that nobody knows. */
  endsEarlier?: boolean;
  /** The step; none when only the facts are told. */
  step?: InspectedStep;
}

/** Whether nothing more is expected of a transaction. */
export function isSettled(state: InspectedState): boolean {
  return state !== "open" && state !== "notFound";
}
