import { isFrozen } from "./held_up.ts";
import type { Invariant, Report, Run } from "./invariant.ts";

/** Milliseconds for an END_TRANSACTION: `endTransactionTimeout`. */
const VERDICT_TIMEOUT = 3_000;

/** Milliseconds that anything may come late. */
const SLACK = 100;

/** Everything goes on when faults are over. */
export const l1: Invariant = {
  name: "L1",
  text:
    "After faults stop: every connection is back within backoff cap + 1 s; every decided T resolved " +
    "within 2 check rounds + listener time; every send settles within its timeout + 100 ms.",
  check(run, report) {
    checkConnections(run, report);
    checkResolved(run, report);
    checkSends(run, report);
  },
};

function checkConnections({ plan, times, history, timeline }: Run, report: Report): void {
  const alive = new Set(
    ["linked", "dialling"].flatMap((type) =>
      history.of(type as "linked").filter(({ at }) => at < times.quiet).map(({ member }) => member)
    ),
  );
  for (const member of alive) {
    if (timeline.leftAt(member) < times.settled) continue;
    for (let index = 0; index < plan.brokers; index++) {
      const moves = plan.faults.filter((f) => f.kind === "promote" && f.broker === index).length;
      const address = `10.0.${1 + moves % 2}.${index + 1}:10911`;
      const isBack = history.of("linked").some((fact) =>
        fact.member === member && fact.address === address && fact.at <= times.recovered &&
        timeline.unlinkedAt(fact.link) >= times.settled
      );
      if (!isBack) report(times.recovered, `${member} has no connection to b${index}`);
    }
  }
}

function checkResolved({ plan, times, history }: Run, report: Report): void {
  const resolved = new Set(
    [...history.of("visible"), ...history.of("rolledBack")].map(({ type, txn }) =>
      `${txn} ${type}`
    ),
  );
  const truth = new Map(history.of("recorded").map(({ txn, state }) => [txn, state]));
  const excused = new Set([
    ...history.of("givenUp").map(({ txn }) => txn),
    ...history.of("lost").filter(({ what }) => what !== "mark").map(({ txn }) => txn),
    ...plan.transactions.filter(({ local }) => local.ends === "never").map(({ name }) => name),
  ]);
  // A listener that once said something else than the database can't be made up for.
  for (const { txn, returned } of history.of("answered")) {
    if (returned !== truth.get(txn) && (returned === "COMMIT" || returned === "ROLLBACK")) {
      excused.add(txn);
    }
  }
  const stored = new Set(history.of("stored").map(({ txn }) => txn));
  for (const { txn, state } of history.of("recorded")) {
    if (excused.has(txn) || !stored.has(txn)) continue;
    if (!resolved.has(`${txn} ${state === "COMMIT" ? "visible" : "rolledBack"}`)) {
      report(times.settled, `${txn} was decided as ${state}, and the broker does not know`, txn);
    }
  }
}

function checkSends(run: Run, report: Report): void {
  const { plan, history, timeline } = run;
  const began = new Map(history.of("localBegan").map((fact) => [fact.txn, fact]));
  const halves = new Map(history.of("wroteHalf").map((fact) => [fact.txn, fact]));
  const ended = new Map(history.of("localEnded").map((fact) => [fact.txn, fact]));
  const settled = new Map(history.of("settled").map((fact) => [fact.txn, fact]));
  for (const { txn, member, timeout, at } of history.of("called")) {
    const left = timeline.leftAt(member);
    // A half that was stored weakly is rolled back, and that takes time of its own.
    const half = halves.get(txn), reply = half && timeline.replyTo(half);
    const first = Math.min(
      ...[began.get(txn), reply, settled.get(txn)].map((fact) => fact?.at ?? Infinity),
    );
    const late = at + timeout + SLACK;
    if (first > late && left > late && !isFrozen(run, member, at, late)) {
      report(at + timeout, `the send of ${txn} took longer than its ${timeout} ms`, txn);
    }
    const end = ended.get(txn);
    if (!end) continue;
    // The verdict may wait for the next check round, and be given again when one came meanwhile.
    const most = end.at + 3 * (VERDICT_TIMEOUT + plan.broker.interval + 1_000) + SLACK;
    if (isFrozen(run, member, end.at, most)) continue;
    if ((settled.get(txn)?.at ?? Infinity) > most && left > most) {
      report(most, `the verdict over ${txn} was still awaited ${most - end.at} ms later`, txn);
    }
  }
}
