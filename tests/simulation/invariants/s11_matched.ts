import { RequestCode } from "../../../src/remoting/mod.ts";
import type { FactOf } from "../history.ts";
import { isFrozen } from "./held_up.ts";
import type { Invariant, Report, Run } from "./invariant.ts";
import { VERDICT_TIMEOUT } from "./timeline.ts";

/**
 * Replies and offsets are taken for what they are: a verdict goes out under the offsets that the
 * answer to its own half message named, or a question about it; a local transaction and a confirmed
 * verdict have an answer of their own connection that came in time. A verdict also counts as
 * confirmed when a look-up found its message.
 */
export const s11: Invariant = {
  name: "S11",
  text: "A reply is matched only within its connection; a late one changes nothing.",
  check(run, report) {
    const { history, timeline } = run;
    const known = new Map<string, number>();
    const learn = (key: string, event: number) => {
      known.set(key, Math.min(event, known.get(key) ?? Infinity));
    };
    const halves = new Map(history.of("wroteHalf").map((half) => [half.txn, half]));
    for (const { broker, txn, handle, checks } of history.of("stored")) {
      const half = halves.get(txn), reply = half && timeline.replyTo(half);
      if (checks === 0 && reply?.handle?.logOffset === handle.logOffset) {
        learn(`${half!.member} ${broker} ${placeOf(txn, handle)} false`, reply.event);
      }
    }
    for (const { member, broker, txn, handle, event } of history.of("gotCheck")) {
      learn(`${member} ${broker} ${placeOf(txn, handle)} true`, event);
    }
    for (
      const { member, broker, txn, state, handle, fromCheck, event, at } of history.of(
        "wroteVerdict",
      )
    ) {
      const since = known.get(`${member} ${broker} ${placeOf(txn, handle)} ${fromCheck}`);
      if (since === undefined || since > event) {
        report(at, `${member} sent ${state} for ${txn} with offsets that are not its own`, txn);
      }
    }
    for (const { txn, timeout, at: calledAt } of history.of("called")) {
      const half = halves.get(txn), reply = half && timeline.replyTo(half);
      const began = history.of("localBegan").find((fact) => fact.txn === txn);
      const isLate = reply !== undefined && reply.at > calledAt + timeout;
      // What came in time and lay unread in a process that stood still is not late.
      if (began && isLate && !isFrozen(run, half!.member, calledAt, reply.at)) {
        report(began.at, `the local transaction of ${txn} ran after an answer that was late`, txn);
      }
    }
    checkConfirmed(run, report);
  },
};

function placeOf(txn: string, handle: { queueOffset: number; logOffset: number }): string {
  return `${txn} ${handle.queueOffset} ${handle.logOffset}`;
}

/** What counts as confirmed was. */
function checkConfirmed({ plan, history, timeline }: Run, report: Report): void {
  for (const end of history.of("settled")) {
    if (end.endTransaction !== "confirmed") continue;
    const isIts = (fact: { member: string; txn?: string; event: number }) =>
      fact.member === end.member && fact.txn === end.txn && fact.event <= end.event;
    const inTime = (request: FactOf<"wroteVerdict"> | FactOf<"wroteOther">) => {
      const reply = timeline.replyTo(request);
      return reply?.code === 0 && reply.event <= end.event &&
        (reply.at <= request.at + VERDICT_TIMEOUT ||
          isFrozen({ plan }, end.member, request.at, reply.at));
    };
    const isConfirmed = history.of("wroteVerdict").some((verdict) =>
      isIts(verdict) && inTime(verdict)
    );
    const isFound = history.of("wroteOther").some((request) =>
      request.code === RequestCode.QUERY_MESSAGE && isIts(request) && inTime(request)
    );
    if (isConfirmed || isFound) continue;
    report(
      end.at,
      `the verdict over ${end.txn} counts as confirmed and no broker said so`,
      end.txn,
    );
  }
}
