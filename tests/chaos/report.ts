import type { DoneFault } from "./fault_injector.ts";
import type { Entry } from "./journal.ts";
import {
  allowedCopies,
  COPIES_PER_RUN,
  type Evidence,
  type Expectations,
  type ExtraCopy,
  findViolations,
  firstRows,
  hadOutage,
} from "./judge.ts";
import {
  type Failover,
  findFailovers,
  findReactions,
  findRecoveries,
  type Reaction,
} from "./reactions.ts";

/** Milliseconds that a call may outlive its deadline, beyond what the machine's own lag explains. */
export const DEADLINE_TOLERANCE = 100;

/** The figures of a run. Times are milliseconds. */
export interface Report {
  /** Messages whose half message was stored and whose call came back. */
  sent: number;
  /** Messages that could not be sent, however often they were tried. */
  notSent: number;
  /** Calls that failed; their messages were sent again as new transactions. */
  failedCalls: number;
  /** Different transactions that a consumer gets. */
  visible: number;
  /** Transactions that were committed. */
  expected: number;
  lost: number;
  /** Transactions that a broker lost because its slave lagged behind when it was promoted. */
  notReplicated: string[];
  phantom: number;
  corrupt: number;
  ranTwice: number;
  /** Transactions that a broker discarded though the listener had an answer. */
  discarded: number;
  /** Transactions that a broker discarded though their messages are visible. */
  wronglyDiscarded: number;
  extraCopies: number;
  /** The same by what could have prevented them. */
  extraCopyCauses: Record<ExtraCopy["cause"], number>;
  /** What the faults of the run excuse. */
  allowedCopies: number;
  checkBacks: number;
  checkBacksOfDecided: number;
  /** From the last send until the last first copy was stored. */
  settledAfter: number;
  /** From the opening of a broker's port after a kill to the first half message that it stored. */
  recovery: { median: number; worst: number; count: number } | undefined;
  /** From the kill of a master to the promotion of its slave, and to the first half message there. */
  failovers: Failover[];
  /** What was seen of each broker that froze. */
  frozen: Reaction[];
  /** The longest that a call outlived its deadline, without what the machine's own lag explains. */
  longestOverrun: number;
  /** Calls that did so by more than 100 ms. */
  lateCalls: number;
  faults: Record<string, number>;
  /** What must not be, in words; empty when all is well. */
  violations: string[];
}

/** Sums a run up. */
export function createReport(
  evidence: Evidence,
  { canLookUp, checksOnlyUndecided }: Expectations = { canLookUp: true, checksOnlyUndecided: true },
): Report {
  const { entries, visible, faults, problems, rows } = evidence;
  const findings = findViolations(evidence);
  const overruns = ofType(entries, "late").map(({ by, lag }) => Math.max(0, by - lag));
  const lateCalls = overruns.filter((overrun) => overrun > DEADLINE_TOLERANCE).length;
  const allowed = allowedCopies(faults);
  const violations = [...problems];
  const notSent = ofType(entries, "notSent").length;
  if (notSent > 0 && !hadOutage(faults)) violations.push(`not sent ${notSent}`);
  for (const name of ["lost", "phantom", "corrupt", "ranTwice", "discarded"] as const) {
    const found = findings[name];
    if (found.length > 0) violations.push(`${name} ${found.length}: ${some(found)}`);
  }
  const { extraCopies, wronglyDiscarded } = findings;
  const extra = extraCopies.map(({ transactionId }) => transactionId);
  const causes = { preventable: 0, underWay: 0, notIndexed: 0 };
  for (const { cause } of extraCopies) causes[cause]++;
  // What can't be looked up can't be prevented.
  if (canLookUp && extra.length > allowed) {
    violations.push(`extra copies ${extra.length}, not ${allowed}: ${some(extra)}`);
  } else if (canLookUp && causes.preventable > COPIES_PER_RUN) {
    violations.push(`preventable copies ${causes.preventable}, not ${COPIES_PER_RUN}`);
  }
  if (canLookUp && wronglyDiscarded.length > 0) {
    violations.push(`wronglyDiscarded ${wronglyDiscarded.length}: ${some(wronglyDiscarded)}`);
  }
  if (checksOnlyUndecided && faults.length === 0 && findings.checkedThoughDecided.length > 0) {
    const { checkedThoughDecided: asked } = findings;
    violations.push(`checked back about decided messages without a fault: ${some(asked)}`);
  }
  if (lateCalls > 0) violations.push(`calls beyond their deadline: ${lateCalls}`);
  return {
    sent: ofType(entries, "sent").length,
    notSent,
    failedCalls: ofType(entries, "failed").length,
    visible: new Set(visible.map(({ transactionId }) => transactionId)).size,
    expected: [...firstRows(rows).values()].filter(({ truth }) => truth === "COMMIT").length,
    lost: findings.lost.length,
    notReplicated: findings.notReplicated,
    phantom: findings.phantom.length,
    corrupt: findings.corrupt.length,
    ranTwice: findings.ranTwice.length,
    discarded: findings.discarded.length,
    wronglyDiscarded: wronglyDiscarded.length,
    extraCopies: extra.length,
    extraCopyCauses: causes,
    allowedCopies: allowed,
    checkBacks: ofType(entries, "check").length,
    checkBacksOfDecided: findings.checkedThoughDecided.length,
    settledAfter: settledAfter(evidence),
    recovery: summarise(findRecoveries(evidence)),
    failovers: findFailovers(evidence),
    frozen: findReactions(evidence),
    longestOverrun: Math.round(Math.max(0, ...overruns)),
    lateCalls,
    faults: countFaults(faults),
    violations,
  };
}

/** The report as people read it. */
export function formatReport(report: Report): string {
  const { recovery, frozen, failovers, notReplicated } = report;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const noticed = frozen.map(({ rejectedAfter, lostAfter }) =>
    [rejectedAfter, lostAfter].map((ms) => ms === undefined ? "never" : seconds(ms)).join(" / ")
  );
  const faults = Object.entries(report.faults).map(([name, count]) => `${name} ${count}`);
  return [
    `faults                  ${faults.join(", ") || "none"}`,
    `sent                    ${report.sent}, given up ${report.notSent}, failed calls ${report.failedCalls}`,
    `visible / expected      ${report.visible} / ${report.expected}`,
    `lost                    ${report.lost}`,
    ...notReplicated.length > 0
      ? [
        `not replicated          ${notReplicated.length}, the broker's loss: ${
          some(notReplicated)
        } (--json names all)`,
      ]
      : [],
    `phantom                 ${report.phantom}`,
    `corrupt                 ${report.corrupt}`,
    `local transaction twice ${report.ranTwice}`,
    `discarded undecided     ${report.discarded}`,
    `wronglyDiscarded        ${report.wronglyDiscarded} (visible, and in TRANS_CHECK_MAX_TIME_TOPIC)`,
    `extra copies            ${report.extraCopies} (at most ${report.allowedCopies}): ${
      describe(report)
    }`,
    `check-backs             ${report.checkBacks}, of decided messages ${report.checkBacksOfDecided}`,
    `first copies settled    ${seconds(report.settledAfter)} after the last send`,
    ...recovery
      ? [
        `first good send         median ${seconds(recovery.median)}, worst ${
          seconds(recovery.worst)
        } ` +
        `after the port of a killed broker was open again (${recovery.count} times)`,
      ]
      : [],
    ...failovers.map(({ promotedAfter, registeredAfter, storedAfter }) =>
      `slave promoted          ${
        seconds(promotedAfter)
      } after the kill of its master, registered ` +
      `there after ${seconds(registeredAfter)}, first half message after ${seconds(storedAfter)}`
    ),
    ...noticed.length > 0
      ? [
        `frozen broker noticed   ${noticed.join(", ")} (first call rejected / connection given up)`,
      ]
      : [],
    `longest overrun         ${report.longestOverrun} ms beyond a call's deadline, without the machine's own lag`,
    ...report.violations.map((violation) => `VIOLATION: ${violation}`),
  ].join("\n");
}

function describe({ extraCopyCauses: { preventable, underWay, notIndexed } }: Report): string {
  return `${preventable} a look-up would have prevented, ${underWay} were under way when the first ` +
    `was stored, ${notIndexed} the broker's index does not know`;
}

function settledAfter({ entries, visible, rows }: Evidence): number {
  const expected = firstRows(rows);
  const first = new Map<string, number>();
  for (const { transactionId, storedAt } of visible) {
    if (!expected.has(transactionId)) continue;
    first.set(transactionId, Math.min(storedAt, first.get(transactionId) ?? Infinity));
  }
  const lastSend = Math.max(...ofType(entries, "ran").map(({ at }) => at));
  return Math.max(0, ...[...first.values()].map((at) => at - lastSend));
}

function summarise(values: number[]): Report["recovery"] {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const { length } = sorted;
  const median = (sorted[(length - 1) >> 1]! + sorted[length >> 1]!) / 2;
  return { median, worst: sorted[length - 1]!, count: length };
}

function countFaults(faults: readonly DoneFault[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, trouble } of faults) {
    const name = trouble ? `${kind} ${trouble}` : kind;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function some(names: readonly string[]): string {
  return names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");
}

function ofType<T extends Entry["type"]>(entries: readonly Entry[], type: T) {
  return entries.filter((entry): entry is Extract<Entry, { type: T }> => entry.type === type);
}
