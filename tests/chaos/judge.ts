import type { ChaosOptions } from "./arguments.ts";
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
  /** When the copies that the brokers' indexes know were stored, of what is visible repeatedly. */
  indexed?: Readonly<Record<string, readonly number[]>>;
  /** Transactions that brokers discarded. */
  discarded: readonly string[];
  /** What went wrong on purpose. */
  faults: readonly DoneFault[];
  /** What went wrong with the producers' processes. */
  problems: readonly string[];
}

/** What a run promises by the way it is set up. */
export interface Expectations {
  /** Whether clients can ask the brokers whether a message is visible. */
  canLookUp: boolean;
  /** Whether brokers check back only about what is undecided, as long as nothing goes wrong. */
  checksOnlyUndecided: boolean;
}

/** A copy beyond the first, and why no producer could have known of the copies before. */
export interface ExtraCopy {
  transactionId: string;
  /**
   * - `preventable`: its COMMIT left when a look-up would have found another copy.
   * - `underWay`: as many COMMITs had left before another copy could be found.
   * - `notIndexed`: the broker's index has no copy that was stored before, so no look-up finds one.
   */
  cause: "preventable" | "underWay" | "notIndexed";
}

/** The figures of a run, by the transactions that they are about. */
export interface Findings {
  /** Committed, and not visible. */
  lost: string[];
  /**
   * Committed, not visible, and the loss of the broker: a killed master had stored the half message,
   * and the slave that was promoted did not have it.
   */
  notReplicated: string[];
  /** Visible, and no listener ever said commit. */
  phantom: string[];
  /** Visible with another body, or under another key. */
  corrupt: string[];
  /** Local transactions that ran twice: those of one transaction, or of one message. */
  ranTwice: string[];
  /** Discarded though the listener had an answer, and not visible. */
  discarded: string[];
  /** Discarded and visible: operators are told that the message is lost, and it is not. */
  wronglyDiscarded: string[];
  /** Copies beyond the first, one entry for each. */
  extraCopies: ExtraCopy[];
  /** Check-backs for transactions whose verdict had been confirmed, one entry for each. */
  checkedThoughDecided: string[];
}

/** Extra copies at most of a run with kills, and at most that could have been prevented. */
export const COPIES_PER_RUN = 5;

/** Extra copies at most for each broker that freezes, or whose network does. */
export const COPIES_PER_FREEZE = 20;

/** `commitOrRollback` of a COMMIT on the wire. */
const COMMIT = 8;

/** Milliseconds after which a stored message is in the broker's index. */
const INDEX_LAG = 500;

/** What a run promises. */
export function expectationsOf(options: ChaosOptions): Expectations {
  const { cluster, interval, opBatch, localMs = 0, checkMs = 0 } = options;
  const slowest = Math.max(opBatch, localMs, checkMs);
  const isBehindProxy = cluster === "proxy";
  return {
    canLookUp: !isBehindProxy,
    // A proxy drops what it does not know; a late op message, or a commit that crosses a round, is not seen.
    checksOnlyUndecided: !isBehindProxy && slowest < interval / 2,
  };
}

/** Finds what a run has broken. */
export function findViolations(
  { rows, entries, visible, indexed = {}, discarded, faults }: Evidence,
): Findings {
  const rowOf = firstRows(rows);
  const committed = new Set<string>();
  const ran: string[] = [];
  const checkedThoughDecided: string[] = [];
  for (const entry of entries) {
    if (entry.type === "said" && entry.state === "COMMIT") committed.add(entry.transactionId);
    if (entry.type === "ran") ran.push(entry.transactionId);
    if (entry.type === "check" && entry.isDecided) checkedThoughDecided.push(entry.transactionId);
  }
  const seen = new Set(visible.map(({ transactionId }) => transactionId));
  const perMessage = [...rowOf.values()].filter((row) => !row.isFenced)
    .map(({ index }) => `message ${index}`);
  const notThere = [...rowOf.values()]
    .filter(({ truth, transactionId }) => truth === "COMMIT" && !seen.has(transactionId))
    .map(({ transactionId }) => transactionId);
  const notReplicated = findNotReplicated(faults);
  return {
    lost: notThere.filter((id) => !notReplicated.has(id)),
    notReplicated: notThere.filter((id) => notReplicated.has(id)),
    phantom: [...seen].filter((id) => !committed.has(id)),
    corrupt: visible.filter(({ transactionId, sum, key }) => {
      const row = rowOf.get(transactionId);
      return row !== undefined && (row.sum !== sum || String(row.index) !== key);
    }).map(({ transactionId }) => transactionId),
    ranTwice: repeated([...ran, ...perMessage]),
    // Every listener of this program has an answer before the last check-back.
    discarded: [...new Set(discarded)].filter((id) => !seen.has(id)),
    wronglyDiscarded: [...new Set(discarded)].filter((id) => seen.has(id)),
    extraCopies: findExtraCopies(visible, entries, indexed),
    checkedThoughDecided,
  };
}

/**
 * Half messages that a master had stored when it was killed, and its promoted slave had not. What the
 * producers say counts for nothing here: they could excuse a loss of their own with it.
 */
function findNotReplicated(faults: readonly DoneFault[]): Set<string> {
  const missing = new Set<string>();
  for (const { halves } of faults) {
    const survived = new Set(halves?.survived);
    for (const id of halves?.stored ?? []) if (!survived.has(id)) missing.add(id);
  }
  return missing;
}

/**
 * Finds the copies beyond the first of each transaction. The benefit of the doubt is the client's:
 * a copy counts as preventable only when fewer COMMITs had left than copies were stored, before the
 * first of them could be found.
 */
function findExtraCopies(
  visible: readonly Seen[],
  entries: readonly Entry[],
  indexed: Readonly<Record<string, readonly number[]>>,
): ExtraCopy[] {
  const copies = Map.groupBy(visible, ({ transactionId }) => transactionId);
  const commits = Map.groupBy(
    entries.filter((entry) => entry.type === "end")
      .filter(({ commitOrRollback }) => commitOrRollback === COMMIT),
    ({ transactionId }) => transactionId,
  );
  return [...copies].flatMap(([transactionId, all]) => {
    const stored = all.map(({ storedAt }) => storedAt).sort((a, b) => a - b);
    const left = (commits.get(transactionId) ?? []).map(({ at }) => at);
    return stored.slice(1).map((storedAt, i): ExtraCopy => {
      const found = indexed[transactionId]?.filter((at) => at < storedAt) ?? stored.slice(0, i + 1);
      if (found.length === 0) return { transactionId, cause: "notIndexed" };
      const early = left.filter((at) => at < found[0]! + INDEX_LAG).length;
      return { transactionId, cause: early > i + 1 ? "underWay" : "preventable" };
    });
  });
}

/** How many extra copies the faults of a run excuse. */
export function allowedCopies(faults: readonly DoneFault[]): number {
  const isFreeze = ({ kind, trouble }: DoneFault) => kind === "freeze" || trouble !== undefined;
  const hasKill = faults.some(({ kind, killedAt }) => kind === "kill" || killedAt !== undefined);
  return COPIES_PER_FREEZE * faults.filter(isFreeze).length + (hasKill ? COPIES_PER_RUN : 0);
}

/** Whether servers were out of reach for a while, perhaps for longer than anybody tries to send. */
export function hadOutage(faults: readonly DoneFault[]): boolean {
  return faults.some(({ kind }) => kind !== "producer" && kind !== "pause");
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
