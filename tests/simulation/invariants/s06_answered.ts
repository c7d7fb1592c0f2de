import { GROUP } from "../world/context.ts";
import type { FactOf } from "../history.ts";
import type { Invariant } from "./invariant.ts";
import { REFUSALS } from "./timeline.ts";

/** Each question gets one answer. */
export const s6: Invariant = {
  name: "S6",
  text: "While open, each check-back that was received and not superseded gets exactly one " +
    "END_TRANSACTION with that frame's offsets, the listener's group and fromTransactionCheck=true, " +
    "on the same connection, or if that is gone on a new one to the same broker; UNKNOWN one-way.",
  check({ history, timeline }, report) {
    const answers = Map.groupBy(
      history.of("wroteVerdict").filter(({ fromCheck }) => fromCheck),
      keyOf,
    );
    const checks = Map.groupBy(
      history.of("gotCheck"),
      ({ member, broker, txn }) => `${member} ${broker} ${txn}`,
    );
    for (const asked of checks.values()) {
      for (const [index, check] of asked.entries()) {
        const { txn, member, link, handle, at } = check;
        // A broker that lost the end of its log may ask under the same offsets once more.
        const again = asked.slice(index + 1).find((later) => keyOf(later) === keyOf(check));
        const given = (answers.get(keyOf(check)) ?? []).filter(({ event }) =>
          event >= check.event && event < (again?.event ?? Infinity)
        );
        const next = asked[index + 1]?.at ?? Infinity, until = at + timeline.answerTime;
        const name = `the question about ${txn} at ${handle.queueOffset}`;
        if (given.length === 0 && next > until && timeline.isUndisturbed(check, at, until)) {
          report(until, `${member} never answered ${name}`, txn);
        }
        const unknowns = given.filter(({ state }) => state === "UNKNOWN");
        const verdicts = given.filter(({ state }) => state !== "UNKNOWN");
        const mayFollow = wasUnderWay(history.of("called"), history.of("localEnded"), check);
        if (unknowns.length > (mayFollow ? 2 : 1)) {
          report(unknowns.at(-1)!.at, `${member} answered ${name} twice with UNKNOWN`, txn);
        }
        if (unknowns.length > 0 && verdicts.length > 0 && !mayFollow) {
          report(at, `${member} answered ${name} with UNKNOWN and a verdict`, txn);
        }
        for (const verdict of verdicts.slice(0, -1)) {
          const reply = timeline.replyTo(verdict);
          if (reply && REFUSALS.has(reply.code)) continue;
          report(verdict.at, `${member} answered ${name} again without a refusal`, txn);
        }
        for (const answer of given) {
          if (answer.link !== link && timeline.unlinkedIn(link) > answer.event) {
            report(answer.at, `${member} answered ${name} on another connection`, txn);
          }
        }
      }
    }
    for (const { txn, member, state, oneway, group, at } of history.of("wroteVerdict")) {
      if (group !== GROUP) report(at, `${member} sent ${state} for ${txn} of group ${group}`, txn);
      if (oneway !== (state === "UNKNOWN")) {
        report(at, `${member} sent ${state} for ${txn} ${oneway ? "one-way" : "two-way"}`, txn);
      }
    }
  },
};

type Check = FactOf<"gotCheck">;

function keyOf({ member, broker, txn, handle }: Omit<Check, "type" | "link">): string {
  return `${member} ${broker} ${txn} ${handle.queueOffset} ${handle.logOffset}`;
}

/** Whether the transaction was under way in the client that was asked: then the verdict follows. */
function wasUnderWay(
  calls: readonly FactOf<"called">[],
  ends: readonly FactOf<"localEnded">[],
  { member, txn, event }: Check,
): boolean {
  const isIts = (fact: { member: string; txn: string }) =>
    fact.member === member && fact.txn === txn;
  const call = calls.find(isIts), end = ends.find(isIts);
  return call !== undefined && call.event <= event && (end === undefined || event <= end.event);
}
