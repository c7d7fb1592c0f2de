import type { FactOf } from "../history.ts";
import { isFrozen } from "./held_up.ts";
import type { Invariant, Run } from "./invariant.ts";
import {
  indexedAt,
  isBeforeChecks,
  keptCopies,
  lookBefore,
  reasonToLook,
  type Verdict,
} from "./looks.ts";
import { SLACK, VERDICT_TIMEOUT } from "./timeline.ts";

/** Why a message became visible once more. Each kind makes one copy for each time that it happens. */
export type CopyCause =
  /** The broker lost the earlier copy with the end of its log. */
  | "lost"
  /** Another broker got the half message when a slave acted for its master. */
  | "elsewhere"
  /** Two members, or a COMMIT of unknown fate, crossed: a look could not find it yet. */
  | "crossed"
  /** A clock that a fault set had the broker check before its time, and another member committed. */
  | "clock"
  /** The broker could not be asked. */
  | "notAsked";

/**
 * Copies have a cause outside of the clients.
 *
 * A broker stores a message once more for every COMMIT that it accepts, and whoever asks its index
 * first knows of the copy that is there, whichever member of the group made it. So each copy beside
 * the first needs a cause of its own, and what a client could have asked for is none.
 */
export const d1: Invariant = {
  name: "D1",
  text:
    "A message is visible once, whichever member of the group commits it. Each copy more needs a " +
    "fault of its own: the log lost the one before; the half message went to another broker; two " +
    "commits crossed; a wrong clock had it checked before its time; or " +
    "the broker could not be asked. What a look finds is not committed again.",
  check(run, report) {
    for (const { copy, cause, why } of extraCopies(run)) {
      if (cause !== undefined) continue;
      const { txn, broker, at } = copy;
      report(at, `${txn} became visible on ${broker} again: ${why}`, txn);
    }
  },
};

/** A copy of a message that is visible already, with what caused it, or what the client did wrong. */
export interface ExtraCopy {
  readonly copy: FactOf<"visible">;
  readonly cause?: CopyCause;
  readonly why?: string;
}

/** All copies of a run beside the first one of each message. */
export function extraCopies(run: Run): ExtraCopy[] {
  return [...Map.groupBy(run.history.of("visible"), ({ txn }) => txn).values()].flatMap((copies) =>
    copies.slice(1).map((copy) => ({ copy, ...judge(run, copy) }))
  );
}

function judge(run: Run, copy: FactOf<"visible">): { cause: CopyCause } | { why: string } {
  const { txn, broker, event } = copy;
  if (keptCopies(run, txn, event).length === 0) return { cause: "lost" };
  const earlier = keptCopies(run, txn, event, broker);
  if (earlier.length === 0) {
    // With the broker's own log it goes away there, and stays on the other one.
    const wasHere = run.history.of("visible").some((other) =>
      other.txn === txn && other.broker === broker && other.event < event
    );
    if (wasHere) return { cause: "lost" };
    return isFromElsewhere(run, copy)
      ? { cause: "elsewhere" }
      : { why: "no fault brought its half message to a second broker" };
  }
  const made = commitOf(run, copy);
  return made ? judgeCommit(run, made, earlier) : { why: "nobody had sent a COMMIT for it" };
}

/** Whether one broker has the half message of another that failed. */
function isFromElsewhere({ history }: Run, { txn, event }: FactOf<"visible">): boolean {
  return history.of("stored").some((half) =>
    half.txn === txn && half.event < event && half.checks > 0 && half.of === undefined
  );
}

function judgeCommit(
  run: Run,
  made: Verdict,
  earlier: readonly FactOf<"visible">[],
): { cause: CopyCause } | { why: string } {
  const { member } = made;
  const mine = earlier.filter((copy) => commitOf(run, copy)?.member === member);
  const since = reasonToLook(run, made);
  if (since === undefined) {
    // It had left before there was anything to be found, and before anybody was asked.
    if (mine.length === 0 && earlier.every((copy) => copy.event > made.event)) {
      return { cause: "crossed" };
    }
    return mine.length === 0 && isBeforeChecks(run, made)
      ? { cause: "clock" }
      : { why: `${member} committed what was committed` };
  }
  const { look, result } = lookBefore(run, made, since);
  switch (result) {
    case "missing":
      return { why: `${member} did not look` };
    case "found":
      return { why: `${member} had found it` };
    case "cutShort":
      return { why: `${member} did not wait for the answer to its look` };
    case "refused":
    case "impossible":
      return { cause: "notAsked" };
    case "notFound": {
      if (mine.some((copy) => wasConfirmed(run, copy, made))) {
        return { why: `${member} had it confirmed on this connection` };
      }
      if (mine.some((copy) => isHasty(run, copy, made))) {
        return { why: `${member} had two commits under way at once` };
      }
      if (look!.link === made.link && earlier.some((copy) => indexedAt(copy) < look!.at)) {
        return { why: `${member} asked for it in a way that can't find it` };
      }
      const reply = run.timeline.replyTo(look!)!, roundTrip = reply.at - look!.at;
      const isStale = earlier.some((copy) => indexedAt(copy) + roundTrip + SLACK < made.at) &&
        look!.link === made.link && made.at > reply.at + roundTrip + SLACK &&
        !isFrozen(run, member, look!.at, made.at);
      return isStale ? { why: `${member} had looked too early` } : { cause: "crossed" };
    }
  }
}

/** Whether a client knew by the broker's own word, on the same connection, that a copy is there. */
function wasConfirmed(
  run: Run,
  copy: FactOf<"visible">,
  made: Verdict,
): boolean {
  const commit = commitOf(run, copy)!, reply = run.timeline.replyTo(commit);
  return reply?.code === 0 && reply.event <= made.event && commit.link === made.link &&
    reply.at - commit.at < VERDICT_TIMEOUT / 2;
}

/** Whether a commit left while another of the same client was on its way over the same connection. */
function isHasty(run: Run, copy: FactOf<"visible">, made: Verdict): boolean {
  const commit = commitOf(run, copy)!;
  return !commit.oneway && commit.link === made.link && commit.event < made.event &&
    (run.timeline.replyTo(commit)?.event ?? Infinity) > made.event &&
    made.at - commit.at < VERDICT_TIMEOUT / 2;
}

/** The COMMIT that made a copy. */
export function commitOf({ history }: Run, copy: FactOf<"visible">): Verdict | undefined {
  const { link, handle, event } = copy;
  return history.of("wroteVerdict").findLast((commit) =>
    commit.state === "COMMIT" && commit.link === link &&
    commit.handle.logOffset === handle.logOffset && commit.event <= event
  );
}
