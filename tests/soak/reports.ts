/** What the producer's process has counted so far, and how much memory it holds. */
export interface Sample {
  type: "sample";
  /** Transactions that were begun, their numbers are 0 to this. */
  sent: number;
  /** Verdicts that a broker confirmed. */
  confirmed: number;
  /** Sends that certainly stored nothing. */
  failed: number;
  /** Sends that may have stored a half message. */
  indeterminate: number;
  /** Why sends failed or are indeterminate: how many of each kind. */
  reasons: Record<string, number>;
  checkBacks: number;
  /** Sends whose call has not settled. */
  inFlight: number;
  /** Local transactions that ran twice. */
  ranTwice: number;
  /** Promises whose rejection, and errors of timers, which nobody handled. */
  unhandled: number;
  /** Bytes on the heap after garbage was collected. */
  heap: number;
  /** Bytes of the whole process. */
  rss: number;
}

/** The numbers of transactions that ran since the last report and whose database says commit. */
export interface Commits {
  type: "commits";
  indices: number[];
}

/** What the producer's process tells, one JSON object a line. */
export type Report =
  | { type: "started" }
  | Sample
  | Commits
  | { type: "unhandled"; message: string }
  | { type: "stopped" }
  | { type: "ended" };

/** What it is told, one word a line: to send no more, to give a sample, to shut down. */
export type Order = "stop" | "sample" | "end";
