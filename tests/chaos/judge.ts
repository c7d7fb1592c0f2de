import type { DoneFault } from "./fault_injector.ts";
import type { Entry, Row } from "./journal.ts";
import type { Seen } from "./witness.ts";

/** All that is known of a run when it is over. */
export interface Evidence {
  /** What the application's database says. */
  rows: readonly Row[];
  /** What the producers wrote down. */
  entries: readonly Entry[];
  /** What a consumer gets, copies too. */
  visible: readonly Seen[];
  /** Transactions that brokers gave up. */
  givenUp: readonly string[];
  /** What went wrong on purpose. */
  faults: readonly DoneFault[];
  /** What went wrong with the producers' processes. */
  problems: readonly string[];
}

/** The figures of a run, by the transactions that they are about. */
export interface Findings {
  /** Committed, and not visible. */
  lost: string[];
  /** Visible, and no listener ever said commit. */
  phantom: string[];
  /** Visible with another body, or under another key. */
  corrupt: string[];
  /** Local transactions that ran twice: those of one transaction, or of one message. */
  ranTwice: string[];
  /** Given up by a broker without its verdict: the listener had an answer. */
  givenUp: string[];
  /** Given up by a broker after it was committed: a copy of the half message that a fault had left. */
  givenUpAfterCommit: string[];
  /** Copies beyond the first, one entry for each. */
  extraCopies: string[];
  /** Check-backs for transactions whose verdict had been confirmed, one entry for each. */
  checkedThoughDecided: string[];
}

/** Extra copies at most that one fault may make, which ends connections or forgets what a broker did. */
export const COPIES_PER_FAULT = 100;

/** Finds what a run has broken. */
export function findViolations({ rows, entries, visible, givenUp }: Evidence): Findings {
  const rowOf = firstRows(rows);
  const committed = new Set<string>();
  const ran: string[] = [];
  const checkedThoughDecided: string[] = [];
  for (const entry of entries) {
    if (entry.type === "said" && entry.state === "COMMIT") committed.add(entry.transactionId);
    if (entry.type === "ran") ran.push(entry.transactionId);
    if (entry.type === "check" && entry.isDecided) checkedThoughDecided.push(entry.transactionId);
  }
  const seen = new Set<string>(), extraCopies: string[] = [];
  for (const { transactionId } of visible) {
    if (seen.has(transactionId)) extraCopies.push(transactionId);
    seen.add(transactionId);
  }
  const isCommitted = (id: string) => seen.has(id) && rowOf.get(id)?.truth === "COMMIT";
  const perMessage = [...rowOf.values()].filter((row) => !row.isFenced)
    .map(({ index }) => `message ${index}`);
  return {
    lost: [...rowOf.values()]
      .filter(({ truth, transactionId }) => truth === "COMMIT" && !seen.has(transactionId))
      .map(({ transactionId }) => transactionId),
    phantom: [...seen].filter((id) => !committed.has(id)),
    corrupt: visible.filter(({ transactionId, sum, key }) => {
      const row = rowOf.get(transactionId);
      return row !== undefined && (row.sum !== sum || String(row.index) !== key);
    }).map(({ transactionId }) => transactionId),
    ranTwice: repeated([...ran, ...perMessage]),
    // Every listener of this program has an answer before the last check-back.
    givenUp: [...new Set(givenUp)].filter((id) => !isCommitted(id)),
    givenUpAfterCommit: [...new Set(givenUp)].filter(isCommitted),
    extraCopies,
    checkedThoughDecided,
  };
}

/** How many extra copies the faults of a run excuse. */
export function allowedCopies(faults: readonly DoneFault[]): number {
  return COPIES_PER_FAULT *
    faults.filter(({ kind, isCutting }) => isCutting || kind === "freeze").length;
}

/** The first row of each transaction: it is the one that counts. */
export function firstRows(rows: readonly Row[]): Map<string, Row> {
  const first = new Map<string, Row>();
  for (const row of rows) {
    if (!first.has(row.transactionId)) first.set(row.transactionId, row);
  }
  return first;
}

function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>(), twice = new Set<string>();
  for (const name of names) (seen.has(name) ? twice : seen).add(name);
  return [...twice];
}
