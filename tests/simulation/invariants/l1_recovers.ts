import type { FactOf } from "../history.ts";
import { faultsEnd, settlesLate } from "../plan.ts";
import { isFrozen } from "./held_up.ts";
import type { Invariant, Report, Run } from "./invariant.ts";
import { SLACK, VERDICT_TIMEOUT, WEAKLY_STORED } from "./timeline.ts";

/** Most milliseconds between two dials of an address: 2.5 s, and up to a third of jitter. */
const BACKOFF_CAP = 3_334;

/** Milliseconds within which a connection is back when its next dial succeeds. */
const RECONNECTED = BACKOFF_CAP + 1_000;

/** `connectTimeout`, and `requestTimeout` of a first heartbeat or a route. */
const ANSWER_TIMEOUT = 3_000;

/**
 * Everything goes on when faults are over.
 *
 * The time for a connection begins when the client can begin: one whose dial or first heartbeat was
 * swallowed waits for its timeout first, and one to a master that the name servers did not name, or
 * named elsewhere, is dialled when the route was looked at again. The rounds for a transaction begin
 * when it is decided and old enough for the broker, and all connections are back; a listener call
 * that says nothing useful uses a round up. What a send is waited for is the half message: a local
 * transaction takes its time, and its verdict has `endTransactionTimeout`.
 */
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
  // Each client with the moment at which it was there first.
  const alive = new Map(
    history.of("dialling").filter(({ at }) => at < times.quiet).reverse().map(({ member, at }) => [
      member,
      at,
    ]),
  );
  const has = (...kinds: readonly string[]) => plan.faults.some(({ kind }) => kinds.includes(kind));
  let due = faultsEnd(plan) + RECONNECTED;
  if (has("hangDial")) due += ANSWER_TIMEOUT;
  if (has("freeze", "slow", "halfOpen", "lateReplies")) due += 2 * ANSWER_TIMEOUT;
  if (has("silentNameServer", "deadNameServer")) due += plan.nameServers * ANSWER_TIMEOUT;
  if (has("route", "killBroker", "powerLoss", "promote", "actingMaster")) {
    due += plan.member.routePollInterval;
  }
  for (const [member, begun] of alive) {
    const memberDue = due + Math.max(0, begun - faultsEnd(plan));
    if (timeline.leftAt(member) < times.settled) continue;
    for (let index = 0; index < plan.brokers; index++) {
      const address = timeline.addressOf(`b${index}`, times.settled);
      const isBack = history.of("linked").some(({ member: its, address: at, link }) =>
        its === member && at === address && timeline.registeredAt(link) <= memberDue &&
        timeline.unlinkedAt(link) >= times.settled
      );
      if (!isBack) report(memberDue, `${member} has no connection to b${index}`);
    }
  }
}

function checkResolved(run: Run, report: Report): void {
  const { plan, times, history, timeline } = run, { interval, timeout } = plan.broker;
  const excused = new Set([
    ...history.of("givenUp").map(({ txn }) => txn),
    ...history.of("lost").filter(({ what }) => what !== "mark").map(({ txn }) => txn),
    ...plan.transactions.filter(({ local }) => local.ends === "never").map(({ name }) => name),
  ]);
  // A listener that once said something else than the database can't be made up for.
  const truth = new Map(history.of("recorded").map(({ txn, state }) => [txn, state]));
  for (const { txn, returned } of history.of("answered")) {
    if (returned !== truth.get(txn) && (returned === "COMMIT" || returned === "ROLLBACK")) {
      excused.add(txn);
    }
  }
  const resolved = [...history.of("visible"), ...history.of("rolledBack")];
  const stored = history.of("stored").filter(({ checks }) => checks === 0);
  const oldEnough = Math.max(0, ...stored.map(({ at }) => at)) + timeout;
  for (const { txn, state, at } of history.of("recorded")) {
    if (excused.has(txn) || !stored.some((half) => half.txn === txn)) continue;
    const { wastedUntil, listenerTime } = listenerTimeOf(run, txn);
    const from = Math.max(at, times.recovered, oldEnough, wastedUntil);
    const due = settlesLate(plan)
      ? times.settled
      : Math.min(times.settled, from + 2 * interval + listenerTime + timeline.prompt);
    const type = state === "COMMIT" ? "visible" : "rolledBack";
    const first = resolved.find((fact) => fact.txn === txn && fact.type === type);
    if (first && first.at <= due) continue;
    report(due, `${txn} was decided as ${state}, and the broker does not know`, txn);
  }
}

/**
 * Until when questions brought nothing, since too many waited or the listener said nothing useful, and
 * how long the longest call took that did.
 */
function listenerTimeOf(
  { plan, history, timeline }: Run,
  txn: string,
): { wastedUntil: number; listenerTime: number } {
  let wastedUntil = 0, listenerTime = 0;
  const asked = history.of("asked").filter((fact) => fact.txn === txn);
  const questions = plan.member.checkRequestHoldMax === undefined
    ? []
    : history.of("gotCheck").filter((fact) => fact.txn === txn);
  questions.forEach(({ member, event, at }, i) => {
    const next = questions[i + 1]?.event ?? Infinity;
    const isDropped = !asked.some((call) =>
      call.member === member && call.event >= event && call.event < next
    );
    if (isDropped) wastedUntil = Math.max(wastedUntil, at);
  });
  for (const member of new Set(history.of("asked").map((fact) => fact.member))) {
    for (const { asked, gave, endedAt } of timeline.calls(member, txn)) {
      if (gave === "COMMIT" || gave === "ROLLBACK") {
        listenerTime = Math.max(listenerTime, endedAt - asked.at);
      } else wastedUntil = Math.max(wastedUntil, endedAt);
    }
  }
  return { wastedUntil, listenerTime };
}

function checkSends(run: Run, report: Report): void {
  const { history, timeline } = run;
  const byTxn = <F extends { txn: string }>(facts: readonly F[]) =>
    new Map(facts.map((fact) => [fact.txn, fact]));
  const began = byTxn(history.of("localBegan")), ended = byTxn(history.of("localEnded"));
  const halves = byTxn(history.of("wroteHalf")), settled = byTxn(history.of("settled"));
  for (const { txn, member, timeout, at } of history.of("called")) {
    const left = timeline.leftAt(member), half = halves.get(txn);
    const weak = half && weakReply(run, half);
    const first = Math.min(
      ...[began.get(txn), weak, settled.get(txn)].map((fact) => fact?.at ?? Infinity),
    );
    const late = at + timeout + SLACK;
    if (first > late && left > late && !isFrozen(run, member, at, late)) {
      report(at + timeout, `the send of ${txn} took longer than its ${timeout} ms`, txn);
    }
    // What is left is the verdict: that of the local transaction, or the rollback of a weak half.
    const decided = ended.get(txn) ?? weak;
    if (!decided || (settled.get(txn)?.outcome ?? "sent") !== "sent") continue;
    const most = decided.at + VERDICT_TIMEOUT + SLACK;
    if (isFrozen(run, member, decided.at, most)) continue;
    if ((settled.get(txn)?.at ?? Infinity) > most && left > most) {
      report(most, `the verdict over ${txn} was still awaited ${most - decided.at} ms later`, txn);
    }
  }
}

/** The answer that a half message was stored worse than it should be: it is rolled back. */
function weakReply({ timeline }: Run, half: FactOf<"wroteHalf">): FactOf<"gotReply"> | undefined {
  const reply = timeline.replyTo(half);
  return reply && WEAKLY_STORED.has(reply.code) ? reply : undefined;
}
