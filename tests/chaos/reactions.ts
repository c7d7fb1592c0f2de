import type { DoneFault } from "./fault_injector.ts";
import type { Entry } from "./journal.ts";
import type { Evidence } from "./judge.ts";

/** Milliseconds of sends that a frozen broker needs to be noticed for certain. */
const SENDS = 3_500;

/** What was seen of a broker that froze, in milliseconds since it did. */
export interface Reaction {
  /** Until a call that it was to answer was rejected. */
  rejectedAfter: number | undefined;
  /** Until its connection was given up. */
  lostAfter: number | undefined;
}

/** How long after a killed broker's port was open again it stored the next half message. */
export function findRecoveries({ entries, faults }: Evidence): number[] {
  const recoveries: number[] = [];
  for (const { openAt, target } of faults) {
    if (openAt === undefined) continue;
    // What came upon it meanwhile, or the end of the sends, would be measured otherwise.
    const disturbs = (it: DoneFault) => it.target === target || it.kind === "producer";
    const next = Math.min(
      Infinity,
      ...faults.filter((it) => it.from >= openAt && disturbs(it)).map(({ from }) => from),
    );
    const first = Math.min(
      ...entries.flatMap((entry) =>
        entry.type === "ran" && entry.brokerName === target && entry.at >= openAt ? [entry.at] : []
      ),
    );
    if (first < next) recoveries.push(first - openAt);
  }
  return recoveries;
}

/** What was seen of each broker that froze while there was something to send. */
export function findReactions({ entries, faults }: Evidence): Reaction[] {
  const lastSend = Math.max(
    ...entries.flatMap(({ type, at }) => type === "sent" || type === "failed" ? [at] : []),
  );
  const freezes = faults.filter(({ kind, from }) => kind === "freeze" && from + SENDS <= lastSend);
  return freezes.map(({ from, to, target }) => {
    const during = entries.filter((entry) => entry.at >= from && entry.at <= to);
    const rejected = during.find((entry) =>
      entry.type === "failed" ||
      entry.type === "verdict" && entry.outcome === "failed" && entry.brokerName === target
    );
    const lost = during.find((entry) =>
      entry.type === "connection" && !entry.isUp && entry.brokerName === target
    );
    return {
      rejectedAfter: rejected && rejected.at - from,
      lostAfter: lost && lost.at - from,
    };
  });
}

/** How fast a slave took over, in milliseconds since the kill of its master. */
export interface Failover {
  promotedAfter: number;
  /** Until a producer was registered at the new master; `Infinity` if none ever was. */
  registeredAfter: number;
  /** Until the new master had stored a half message; `Infinity` if it never did. */
  storedAfter: number;
}

/** How fast each promoted slave took over. */
export function findFailovers({ entries, faults }: Evidence): Failover[] {
  return faults.flatMap(({ killedAt, openAt, target }) => {
    if (killedAt === undefined || openAt === undefined) return [];
    const firstAfter = (isMeant: (entry: Entry) => boolean) =>
      Math.min(
        ...entries.filter((it) => it.at > killedAt && isMeant(it)).map(({ at }) => at - killedAt),
      );
    return [{
      promotedAfter: openAt - killedAt,
      registeredAfter: firstAfter((it) =>
        it.type === "connection" && it.isUp && it.brokerName === target
      ),
      storedAfter: firstAfter((it) => it.type === "ran" && it.brokerName === target),
    }];
  });
}
