/** How a broker asks. */
export interface AskOrder {
  /** Transactions that it asks about. */
  checks: number;
  /** Most questions that wait for their answer. */
  window: number;
}

/** What a broker says afterwards. */
export interface AskReport {
  /** From the first question of each round to the last answer in it, all together. */
  seconds: number;
  /** How often it had to ask about what was not answered. */
  rounds: number;
  /** Questions that it asked. */
  asked: number;
  /** Answers beyond the first of their transaction. */
  answeredTwice: number;
  /** Answers that did not name the half message that was asked about last. */
  older: number;
}

/** How a producer answers. */
export interface AnswerOrder {
  /** Address of the name server. */
  nameServer: string;
  /** Milliseconds that the listener takes. */
  delay: number;
  /** Most listeners at once. */
  concurrency: number;
}

/** What a producer says afterwards. */
export interface AnswerReport {
  /** Calls of the listener. */
  calls: number;
  /** Most calls of the listener at once. */
  mostAtOnce: number;
  /** Check-backs that were dropped. */
  dropped: number;
  /** CPU time in microseconds. */
  cpu: number;
  /** The most memory that it had, in bytes. */
  peak: number;
}
