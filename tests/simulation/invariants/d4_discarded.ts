import type { FactOf } from "../history.ts";
import { isDropped, isFrozen, waitOf } from "./held_up.ts";
import type { Invariant, Run } from "./invariant.ts";
import { indexedAt, keptCopies } from "./looks.ts";

/**
 * What is visible is not discarded.
 *
 * A half message that a broker discards although its message is visible there looks to an operator
 * like a lost one. A client can prevent it whenever it gets one of the check-backs about it, over a
 * connection that lives until it is answered: it finds the message and has the half message dropped.
 */
export const d4: Invariant = {
  name: "D4",
  text:
    "No half message ends in TRANS_CHECK_MAX_TIME_TOPIC while its message is visible on that broker, " +
    "if after that a client that knows the verdict got a check-back about it and could ask the broker.",
  check(run, report) {
    for (const { discarded, check } of wronglyDiscarded(run)) {
      if (!check) continue;
      const { txn, broker, at } = discarded;
      report(
        at,
        `${broker} discarded ${txn}, which is visible there; ${check.member} was asked about it at ` +
          `${check.handle.queueOffset} and could have it dropped`,
        txn,
      );
    }
  },
};

/** A half message that was discarded while visible, with a check-back that could have prevented it. */
export interface Discarded {
  readonly discarded: FactOf<"givenUp">;
  readonly check?: FactOf<"gotCheck">;
}

/** All half messages that were discarded although their message was visible on the broker. */
export function wronglyDiscarded(run: Run): Discarded[] {
  return run.history.of("givenUp").flatMap((discarded) => {
    const { txn, broker, event, handle } = discarded;
    const copies = keptCopies(run, txn, event, broker);
    if (copies.length === 0 || handle === undefined) return [];
    const visibleAt = Math.min(...copies.map(indexedAt));
    const records = new Set(recordsOf(run, discarded));
    const check = run.history.of("gotCheck").find((fact) =>
      fact.txn === txn && fact.broker === broker && fact.event < event &&
      records.has(fact.handle.logOffset) && mustDrop(run, fact, visibleAt, discarded)
    );
    return [{ discarded, ...(check ? { check } : {}) }];
  });
}

/** Places of the record that was discarded, and of those that it was put back from. */
function recordsOf({ history }: Run, { broker, txn, handle, event }: FactOf<"givenUp">): number[] {
  const places: number[] = [];
  let place: number | undefined = handle!.logOffset, before = event;
  while (place !== undefined) {
    places.push(place);
    const record: FactOf<"stored"> | undefined = history.of("stored").findLast((half) =>
      half.broker === broker && half.txn === txn && half.event <= before &&
      half.handle.logOffset === place
    );
    place = record?.of;
    before = record?.event ?? before;
  }
  return places;
}

/** Whether a check-back must have led to the end of its half message. */
function mustDrop(
  run: Run,
  check: FactOf<"gotCheck">,
  visibleAt: number,
  discarded: FactOf<"givenUp">,
): boolean {
  const { history, timeline } = run, { member, broker, txn, handle, event } = check;
  if (isDropped(run, check)) return false;
  const span = timeline.underWay(member, txn);
  const call = timeline.callFor(check);
  const known = call
    ? call.gave === "COMMIT"
    : history.of("wroteVerdict").some((fact) =>
      fact.member === member && fact.txn === txn && fact.state === "COMMIT" && fact.event < event
    );
  if (!known || (span && span.from <= event && event <= span.to)) return false;
  const from = Math.max(check.at, call?.endedAt ?? 0), until = from + waitOf(run) + timeline.prompt;
  if (from < visibleAt || until >= discarded.at) return false;
  if (!timeline.isUndisturbed(check, check.at, until)) return false;
  if (isFrozen(run, member, check.at, until)) return false;
  // A check-back about the next record takes the place of this one.
  const isSuperseded = history.of("stored").some((half) =>
    half.broker === broker && half.txn === txn && half.of === handle.logOffset &&
    half.event > event && half.at <= until
  );
  const isEnded = history.of("wroteVerdict").some((fact) =>
    fact.txn === txn && fact.broker === broker && fact.state !== "UNKNOWN" &&
    fact.handle.logOffset === handle.logOffset && fact.event >= event && fact.at <= until
  );
  return !isSuperseded && !isEnded;
}
