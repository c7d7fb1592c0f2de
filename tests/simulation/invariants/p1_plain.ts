import { isFrozen } from "./held_up.ts";
import type { Invariant, Run } from "./invariant.ts";
import { SLACK, WEAKLY_STORED } from "./timeline.ts";

/** Writes of one plain send: the first, and two more on other brokers. */
const MOST_WRITES = 3;

/** Plain sends keep to their own rules beside transactions. */
export const p1: Invariant = {
  name: "P1",
  text: "A plain send settles once and within its timeout + 100 ms; one that counts as sent was " +
    "stored; it is written three times at most, and not again after a broker has confirmed it.",
  check(run, report) {
    const { times, history, timeline } = run;
    for (const { member, name, how, timeout, at } of history.of("plainCalled")) {
      const ends = history.of("plainSettled").filter((fact) => fact.name === name);
      const late = at + timeout + SLACK, left = timeline.leftAt(member);
      const wrong = (when: number, what: string) =>
        report(when, `the plain send of ${name} ${what}`);
      if (ends.length > 1) wrong(ends[1]!.at, "settled twice");
      const end = ends[0];
      if ((end?.at ?? Infinity) > late && left > late && late < times.end) {
        if (!isFrozen(run, member, at, late)) wrong(late, "took longer than its timeout");
      }
      const written = history.of("wrotePlain").filter((fact) => fact.name === name);
      if (written.length > MOST_WRITES) wrong(written.at(-1)!.at, "was written too often");
      const confirmed = written.filter((write) => isConfirmed(run, write));
      // An answer that comes when the time of its try is over is none.
      const first = written[0] && confirmed.includes(written[0])
        ? timeline.replyTo(written[0])!
        : undefined;
      const isInTime = first !== undefined && first.at < at + timeout / MOST_WRITES - SLACK;
      if (isInTime && written.some(({ event }) => event > first.event)) {
        wrong(first.at, "was written again after a broker had stored it");
      }
      if (written.some(({ oneway }) => oneway !== (how === "oneway"))) {
        wrong(at, `was not written as ${how}`);
      }
      if (end?.outcome !== "sent") continue;
      if (written.length === 0) wrong(end.at, "counts as sent and was not written");
      const isStored = how === "oneway" ||
        confirmed.some((write) => timeline.replyTo(write)!.event <= end.event);
      if (!isStored) wrong(end.at, "counts as sent and no broker had stored it");
    }
  },
};

/** Whether a broker said that it stored what was written. */
function isConfirmed({ timeline }: Run, write: { link: number; opaque: number }): boolean {
  const code = timeline.replyTo(write)?.code;
  return code === 0 || (code !== undefined && WEAKLY_STORED.has(code));
}
