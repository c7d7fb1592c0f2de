import { GROUP } from "../world/context.ts";
import type { FactOf } from "../history.ts";
import { isDropped, isFrozen, waitOf } from "./held_up.ts";
import type { Invariant, Report, Run } from "./invariant.ts";
import { isDrop, looksOf } from "./looks.ts";
import { REFUSALS, SLACK, VERDICT_TIMEOUT } from "./timeline.ts";

/**
 * Each question gets one answer.
 *
 * "Exactly one" leaves room for three things that other rules want. A question that comes while the
 * transaction is under way gets its UNKNOWN at once, and what the local transaction ends with goes
 * out under the same offsets later (S7). A verdict that the broker has refused for a passing reason
 * is given again; nothing is after any other outcome. And where the connection is gone, an answer
 * is demanded only when another is registered with the broker before the time for it is over.
 */
export const s6: Invariant = {
  name: "S6",
  text: "While open, each check-back that was received and not superseded gets exactly one " +
    "END_TRANSACTION with that frame's offsets, the listener's group and fromTransactionCheck=true, " +
    "on the same connection, or if that is gone on a new one to the same broker; UNKNOWN one-way.",
  check(run, report) {
    const { history } = run;
    const answers = Map.groupBy(history.of("wroteVerdict"), keyOf);
    const checks = Map.groupBy(
      history.of("gotCheck"),
      ({ member, broker, txn }) => `${member} ${broker} ${txn}`,
    );
    for (const asked of checks.values()) {
      for (const [index, check] of asked.entries()) {
        // A broker that lost the end of its log may ask under the same offsets once more.
        const again = asked.slice(index + 1).find((later) => keyOf(later) === keyOf(check));
        const given = (answers.get(keyOf(check)) ?? []).filter(({ event }) =>
          event >= check.event && event < (again?.event ?? Infinity)
        );
        checkGiven(run, check, given, report);
        checkInTime(run, check, given, asked[index + 1], report);
      }
    }
    for (const { txn, member, state, oneway, group, at } of history.of("wroteVerdict")) {
      if (group !== GROUP) report(at, `${member} sent ${state} for ${txn} of group ${group}`, txn);
      const isOneway = state === "UNKNOWN" || run.plan.member.endTransactionMode === "oneway";
      if (oneway !== isOneway) {
        report(at, `${member} sent ${state} for ${txn} ${oneway ? "one-way" : "two-way"}`, txn);
      }
    }
  },
};

type Check = FactOf<"gotCheck">;
type Answer = FactOf<"wroteVerdict">;

/** What was said to a question: not too much of it, and where it belongs. */
function checkGiven(
  run: Run,
  check: Check,
  given: readonly Answer[],
  report: Report,
): void {
  const { timeline } = run, { txn, member, link } = check, name = nameOf(check);
  const isLocal = isUnderWay({ timeline }, check);
  const unknowns = given.filter(({ state }) => state === "UNKNOWN");
  const verdicts = given.filter(({ state }) => state !== "UNKNOWN");
  if (unknowns.length > (isLocal ? 2 : 1)) {
    report(unknowns.at(-1)!.at, `${member} answered ${name} twice with UNKNOWN`, txn);
  }
  if (unknowns.length > 0 && verdicts.length > 0) {
    if (!isLocal || unknowns.length > 1 || unknowns[0]!.event > verdicts[0]!.event) {
      report(verdicts[0]!.at, `${member} answered ${name} with UNKNOWN and a verdict`, txn);
    }
  }
  // A surplus half message that is dropped may be one whose COMMIT was never answered.
  const said = verdicts.filter((verdict) => !isDrop(run, verdict));
  for (const [index, verdict] of said.slice(0, -1).entries()) {
    const reply = timeline.replyTo(verdict), again = said[index + 1]!;
    if (reply && REFUSALS.has(reply.code) && reply.event <= again.event) continue;
    report(again.at, `${member} answered ${name} again without a refusal`, txn);
  }
  for (const answer of given) {
    if (!answer.fromCheck) {
      report(answer.at, `${member} answered ${name} as if nobody had asked`, txn);
    }
    if (answer.link !== link && timeline.unlinkedIn(link) > answer.event) {
      report(answer.at, `${member} answered ${name} on another connection`, txn);
    }
  }
}

/** What was said to a question was said in time, unless a newer question took its place before. */
function checkInTime(
  run: Run,
  check: Check,
  given: readonly Answer[],
  next: Check | undefined,
  report: Report,
): void {
  const { timeline, times } = run, { txn, member } = check;
  const { from, at, isVerdict } = dueOf(run, check);
  const until = timeline.unlinkedAt(check.link) > at + SLACK
    ? at + SLACK
    : hasOtherPlace(run, check, from, at)
    ? at + VERDICT_TIMEOUT + SLACK
    : Infinity;
  if (given.some((answer) => answer.at <= until)) return;
  if (at < openSince(run, member) && timeline.unlinkedAt(check.link) <= at) return;
  if (until > times.settled || timeline.leftAt(member) <= until) return;
  if (next && next.at <= until) return;
  if (isDropped(run, check) || isFrozen(run, member, check.at, until)) return;
  // A broker that lost part of its log may have something else in the place of the question.
  const isHeldUp = timeline.isHeldUp(member, check.broker, check.at, until) ||
    !timeline.isCalm(check.at, until, "powerLoss", "promote");
  if (isVerdict && isHeldUp) return;
  report(until, `${member} did not answer ${nameOf(check)} by ${Math.round(until)} ms`, txn);
}

/** An answer, as it is due. */
interface Due {
  /** When it is known, in milliseconds. */
  readonly from: number;
  /** When it must have left. */
  readonly at: number;
  /** Whether it is a verdict, or waits for a look: it takes a moment. */
  readonly isVerdict: boolean;
}

function dueOf(run: Run, check: Check): Due {
  const { timeline } = run;
  const { at } = check;
  if (isUnderWay({ timeline }, check)) return { from: at, at, isVerdict: false };
  const call = timeline.callFor(check);
  // Without a call it repeats a verdict that it knows.
  if (!call) return { from: at, at: at + waitOf(run) + timeline.prompt, isVerdict: true };
  const from = call.endedAt;
  // Before it leaves one open for the last time, a client may look whether its message is visible.
  const isVerdict = call.gave === "COMMIT" || call.gave === "ROLLBACK" ||
    run.plan.capacities?.maxQueries !== undefined ||
    looksOf(run, check.member, check.broker, check.txn).some((look) =>
      look.event >= check.event && look.at <= from + timeline.prompt
    );
  return { from, at: from + (isVerdict ? timeline.prompt : 0), isVerdict };
}

/**
 * Whether another connection to the same broker is there for an answer that is due: the client is
 * registered on it soon enough, and it lives until the time for the answer is over.
 */
function hasOtherPlace(
  { history, timeline }: Run,
  check: Check,
  from: number,
  due: number,
): boolean {
  const { member, broker, link } = check;
  return history.of("linked").some((other) => {
    if (other.member !== member || other.broker !== broker || other.link === link) return false;
    return timeline.registeredAt(other.link) <= from + LONGEST_PAUSE &&
      other.address === timeline.addressOf(broker, due) &&
      timeline.unlinkedAt(other.link) > due + VERDICT_TIMEOUT + SLACK;
  });
}

/** When a client was open, in milliseconds: a start that failed leaves nobody to answer. */
function openSince({ history }: Run, member: string): number {
  return history.of("started").find((fact) => fact.member === member)?.at ?? Infinity;
}

/** Milliseconds between two tries of an answer that finds no connection, of the three seconds that it has. */
const LONGEST_PAUSE = 1_000;

function keyOf({ member, broker, txn, handle }: Omit<Check, "type" | "link">): string {
  return `${member} ${broker} ${txn} ${handle.queueOffset} ${handle.logOffset}`;
}

function nameOf({ txn, handle }: Check): string {
  return `the question about ${txn} at ${handle.queueOffset}`;
}

/** Whether the transaction was under way in the client that was asked. */
function isUnderWay({ timeline }: Pick<Run, "timeline">, { member, txn, event }: Check): boolean {
  const span = timeline.underWay(member, txn);
  return span !== undefined && span.from <= event && event <= span.to;
}
