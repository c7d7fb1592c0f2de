import type { Invariant } from "./invariant.ts";

/** The local transaction runs when it may, and once. */
export const s4: Invariant = {
  name: "S4",
  text:
    "The local transaction runs at most once per send call, only after a SEND_OK reply that carries " +
    "a usable handle, never after that send call has settled, never after close() resolved.",
  check({ history, timeline }, report) {
    const halves = new Map(history.of("wroteHalf").map((fact) => [fact.txn, fact]));
    const settled = new Map(history.of("settled").map((fact) => [fact.txn, fact]));
    const closed = new Map(history.of("closed").map((fact) => [fact.member, fact]));
    const seen = new Set<string>();
    for (const { txn, member, event, at } of history.of("localBegan")) {
      const half = halves.get(txn), reply = half && timeline.replyTo(half);
      if (seen.has(txn)) report(at, `the local transaction of ${txn} ran twice`, txn);
      seen.add(txn);
      if (!reply || reply.code !== 0 || reply.event > event) {
        report(at, `the local transaction of ${txn} ran without a SEND_OK`, txn);
      } else if (!reply.handle) {
        report(at, `the local transaction of ${txn} ran without a handle for its verdict`, txn);
      }
      if ((settled.get(txn)?.event ?? Infinity) < event) {
        report(at, `the local transaction of ${txn} ran after its send had settled`, txn);
      }
      if ((closed.get(member)?.event ?? Infinity) < event) {
        report(at, `the local transaction of ${txn} ran after ${member} was closed`, txn);
      }
    }
  },
};
