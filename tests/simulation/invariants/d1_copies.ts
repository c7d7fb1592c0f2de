import { RequestCode } from "../../../src/remoting/mod.ts";
import type { FactOf } from "../history.ts";
import type { Invariant, Run } from "./invariant.ts";
import { SLACK, VERDICT_TIMEOUT } from "./timeline.ts";

/**
 * Copies have a cause outside of the client.
 *
 * A broker makes a copy for each COMMIT that it accepts, so what counts is how often a half message
 * is open again. Each fault in the text shows as a record: a lost op batch, a kill or a promotion as
 * one that was put back although the one before was ended or put back already (with several clients
 * also a mark that was still in memory), an acting master as one that came from another broker. A
 * lost put-back answer, or a question that went to another client, shows as a commit of a record
 * that was put back before, which the client that sent it had not heard of.
 *
 * Beyond the count, a client is held to what it could know. It gives a commit again only when the
 * broker may have lost the first: after the end of the connection on which that was confirmed, or
 * when no answer came; and in that case only after a look that did not find the message. Only what
 * a broker that was lost in between is about to give up is committed whatever is known.
 */
export const d1: Invariant = {
  name: "D1",
  text:
    "visible(T) - 1 <= number of faults that hit T after its final copy was written (lost op batch, " +
    "kill, promotion, lost put-back answer); with none of these exactly 1.",
  check(run, report) {
    const commits = Map.groupBy(
      run.history.of("wroteVerdict").filter(({ state }) => state === "COMMIT"),
      ({ txn }) => txn,
    );
    for (const [txn, copies] of Map.groupBy(run.history.of("visible"), ({ txn }) => txn)) {
      if (copies.length === 1) continue;
      const written = commits.get(txn) ?? [];
      const hits = countHits(run, txn, copies, written);
      if (copies.length - 1 > hits) {
        const times = `${copies.length} times`;
        report(copies.at(-1)!.at, `${txn} became visible ${times}, and ${hits} faults hit it`, txn);
      }
      for (const copy of copies.slice(1)) {
        const made = commitOf(copy, written);
        if (made && isLastOfLost(run, copy, made)) continue;
        const known = made && written.find((earlier) => couldKnow(run, earlier, made));
        if (made && !known) continue;
        report(copy.at, `${txn} became visible again, which ${made?.member} could know`, txn);
      }
    }
  },
};

/** The commit that made a copy. */
function commitOf(
  { link, handle, event }: FactOf<"visible">,
  commits: readonly FactOf<"wroteVerdict">[],
): FactOf<"wroteVerdict"> | undefined {
  return commits.find((commit) =>
    commit.link === link && commit.handle.logOffset === handle.logOffset && commit.event <= event
  );
}

/**
 * Whether a copy is of a record that the broker was about to give up, and the client had lost the
 * connection on which it heard of the half message first.
 */
function isLastOfLost(
  { history }: Run,
  { txn, broker, handle: { logOffset } }: FactOf<"visible">,
  made: FactOf<"wroteVerdict">,
): boolean {
  const isIts = (fact: { txn: string; event: number }) =>
    fact.txn === txn && fact.event <= made.event;
  const record = history.of("stored").findLast((fact) =>
    isIts(fact) && fact.broker === broker && fact.handle.logOffset === logOffset
  );
  if (!record || record.checks < LAST_CHECKS) return false;
  const heard = [...history.of("wroteHalf"), ...history.of("gotCheck")].filter((fact) =>
    isIts(fact) && fact.member === made.member
  );
  return heard.some(({ link }) => link !== made.link);
}

/** How often a half message was open once more than the client could see to. */
function countHits(
  { history }: Run,
  txn: string,
  copies: readonly FactOf<"visible">[],
  commits: readonly FactOf<"wroteVerdict">[],
): number {
  const isIts = (fact: { txn: string }) => fact.txn === txn;
  const records = history.of("stored").filter(isIts);
  const ends = [...copies, ...history.of("rolledBack").filter(isIts)];
  const reopened = records.filter(({ broker, checks, of, event }) => {
    if (checks === 0) return false;
    if (of === undefined) return true;
    // A broker that lost the end of its log writes other records in the same place.
    const since = records.findLast((record) =>
      record.broker === broker && record.handle.logOffset === of && record.event < event
    )?.event ?? 0;
    const isSince = (fact: { broker: string; event: number }) =>
      fact.broker === broker && fact.event >= since && fact.event < event;
    return ends.some((end) =>
      isSince(end) && end.handle.logOffset === of
    ) ||
      records.some((other) => isSince(other) && other.of === of);
  });
  const outdated = copies.filter((copy) => {
    const { broker, handle: { logOffset }, event } = copy;
    const isPutBack = records.some((record) =>
      record.broker === broker && record.of === logOffset && record.event < event
    );
    const made = isPutBack ? commitOf(copy, commits) : undefined;
    if (!made) return false;
    const heard = history.of("gotCheck").filter((check) =>
      isIts(check) && check.member === made.member && check.broker === broker &&
      check.event <= made.event
    ).at(-1);
    return heard === undefined || heard.handle.logOffset === logOffset;
  });
  return reopened.length + outdated.length;
}

/** Whether the client that sent a commit knew that an earlier one of its own had been carried out. */
function couldKnow(
  run: Run,
  earlier: FactOf<"wroteVerdict">,
  made: FactOf<"wroteVerdict">,
): boolean {
  const { timeline } = run;
  if (earlier.oneway && earlier.broker === made.broker && earlier.event < made.event) {
    // It is never answered, and looked for before it is given again.
    return earlier.member === made.member && !wasLookedFor(run, earlier, made);
  }
  const isOther = earlier.event >= made.event || earlier.member !== made.member ||
    // Another broker has a half message of its own.
    earlier.broker !== made.broker;
  if (isOther) return false;
  const reply = timeline.replyTo(earlier);
  // An answer that came too late is none: it changes nothing (S11).
  if (reply && reply.event <= made.event && reply.at - earlier.at < VERDICT_TIMEOUT) {
    const isKnown = reply.code === 0 && earlier.link === made.link;
    const isInTime = reply.at - decidedAt(run, earlier) < ALMOST_TIMEOUT;
    // Part of its time may have been over when it was written.
    return isKnown && (isInTime || !wasLookedFor(run, earlier, made));
  }
  // One after it that was confirmed says more.
  const isOvertaken = run.history.of("wroteVerdict").some((later) =>
    later.txn === made.txn && later.member === made.member && later.broker === made.broker &&
    later.state === "COMMIT" && later.event > earlier.event && later.event < made.event &&
    timeline.replyTo(later)?.code === 0
  );
  if (isOvertaken) return false;
  // No answer: it must have been waited for, or the connection must be gone.
  const isOver = timeline.unlinkedIn(earlier.link) <= made.event ||
    made.at - decidedAt(run, earlier) >= ALMOST_TIMEOUT;
  return !isOver || !wasLookedFor(run, earlier, made);
}

/**
 * Whether a client looked for the message of an earlier commit before it gave it again, and did not
 * find it on the same connection: what was found on one that is gone may be lost.
 */
function wasLookedFor(
  { history, timeline }: Run,
  earlier: FactOf<"wroteVerdict">,
  made: FactOf<"wroteVerdict">,
): boolean {
  const looks = history.of("wroteOther").filter((look) =>
    look.code === RequestCode.QUERY_MESSAGE && look.txn === made.txn &&
    look.member === made.member && look.event >= earlier.event && look.event <= made.event
  );
  // No look can be had without a connection, and then the commit is given with the next one.
  if (timeline.registeredAt(made.link) >= made.at - 10 * SLACK) return true;
  return looks.length > 0 && looks.every((look) => {
    const reply = timeline.replyTo(look);
    return reply?.code !== 0 || reply.event > made.event || look.link !== made.link ||
      reply.at - look.at >= VERDICT_TIMEOUT / 2;
  });
}

/** When the time for a verdict began, at the earliest: it may have waited for a connection. */
function decidedAt({ history }: Run, commit: FactOf<"wroteVerdict">): number {
  const { member, txn, event, handle } = commit;
  const causes = [
    ...history.of("localEnded"),
    ...history.of("answered"),
    ...history.of("gotCheck").filter((fact) => fact.handle.logOffset === handle.logOffset),
  ].filter((fact) => fact.txn === txn && fact.member === member && fact.event <= event);
  return Math.max(...causes.map(({ at }) => at));
}

/** `endTransactionTimeout`, less a little, in which a timer may fire early. */
const ALMOST_TIMEOUT = VERDICT_TIMEOUT - 10;

/** The check from which a client takes a half message for one that is given up soon; its `transactionCheckMax` is 15. */
const LAST_CHECKS = 14;
