import type { Invariant } from "./invariant.ts";

/** Replies and offsets are taken for what they are. */
export const s11: Invariant = {
  name: "S11",
  text: "A reply is matched only within its connection; a late one changes nothing.",
  check({ history, timeline }, report) {
    const stored = new Set<string>(), asked = new Set<string>();
    for (const { broker, txn, handle, checks } of history.of("stored")) {
      if (checks === 0) stored.add(`${broker} ${txn} ${handle.queueOffset} ${handle.logOffset}`);
    }
    for (const { member, broker, txn, handle } of history.of("gotCheck")) {
      asked.add(`${member} ${broker} ${txn} ${handle.queueOffset} ${handle.logOffset}`);
    }
    const confirmed = new Map<string, number>();
    for (const verdict of history.of("wroteVerdict")) {
      const { member, broker, txn, state, handle, fromCheck, at } = verdict;
      const place = `${broker} ${txn} ${handle.queueOffset} ${handle.logOffset}`;
      if (!(fromCheck ? asked.has(`${member} ${place}`) : stored.has(place))) {
        report(at, `${member} sent ${state} for ${txn} with offsets that are not its own`, txn);
      }
      const reply = timeline.replyTo(verdict);
      const key = `${member} ${txn}`;
      if (reply?.code === 0) {
        confirmed.set(key, Math.min(reply.event, confirmed.get(key) ?? Infinity));
      }
    }
    // A commit whose answer got lost counts, too, when a check-back had its message looked for and found.
    const visible = new Map<string, number>(), checked = new Map<string, number>();
    for (const { txn, event } of history.of("visible")) {
      visible.set(txn, Math.min(event, visible.get(txn) ?? Infinity));
    }
    for (const { member, txn, event } of history.of("gotCheck")) {
      const key = `${member} ${txn}`;
      checked.set(key, Math.min(event, checked.get(key) ?? Infinity));
    }
    for (const { member, txn, endTransaction, event, at } of history.of("settled")) {
      if (endTransaction !== "confirmed") continue;
      const key = `${member} ${txn}`;
      const found = Math.max(visible.get(txn) ?? Infinity, checked.get(key) ?? Infinity);
      const since = Math.min(confirmed.get(key) ?? Infinity, found);
      if (since > event) {
        report(at, `the verdict over ${txn} counts as confirmed and no broker said so`, txn);
      }
    }
  },
};
