import type { Invariant, Report, Run } from "./invariant.ts";

/** Nothing that was decided is lost. */
export const s1: Invariant = {
  name: "S1",
  text:
    "If truth(T)=COMMIT, the listener answers COMMIT whenever asked, and during at least one check " +
    "round before the counter reaches transactionCheckMax a client of the group is connected and " +
    "gets the frame, then T is visible at least once, provided the log kept H.",
  check(run, report) {
    const { plan, history, timeline } = run;
    const visible = new Set(history.of("visible").map(({ txn }) => txn));
    const lost = new Set(
      history.of("lost").filter(({ what }) => what !== "mark").map((f) => f.txn),
    );
    const answers = new Map(history.of("answered").map((f) => [`${f.txn} ${f.call}`, f]));
    const unclear = new Set(
      history.of("asked").filter(({ txn, call, takes }) =>
        takes >= plan.member.checkTimeout || answers.get(`${txn} ${call}`)?.returned !== "COMMIT"
      ).map(({ txn }) => txn),
    );
    for (const { txn, state } of history.of("recorded")) {
      if (state !== "COMMIT" || visible.has(txn) || lost.has(txn) || unclear.has(txn)) continue;
      const isLocalOver = history.of("localEnded").find((fact) => fact.txn === txn);
      const got = history.of("gotCheck").find((fact) =>
        fact.txn === txn && isLocalOver && fact.event > isLocalOver.event &&
        timeline.isUndisturbed(fact, fact.at, fact.at + timeline.answerTime)
      );
      if (got) {
        report(
          got.at,
          `${txn} was committed, ${got.member} was asked about it and nothing disturbed it, ` +
            `and it never became visible`,
          txn,
        );
      }
    }
    checkReach(run, report);
  },
};

/** Milliseconds after which a new connection must be registered. */
const REGISTERED = 1_500;

/** Whom a broker can reach gets its questions: a connection without a heartbeat does not count. */
function checkReach({ plan, times, history, timeline }: Run, report: Report): void {
  const reached = new Set(
    history.of("gotCheck").map(({ broker, txn, handle }) =>
      `${broker} ${txn} ${handle.queueOffset}`
    ),
  );
  const started = new Map(history.of("started").map(({ member, at }) => [member, at]));
  for (const { broker, txn, handle, checks, at } of history.of("stored")) {
    if (
      checks === 0 || at > times.settled || reached.has(`${broker} ${txn} ${handle.queueOffset}`)
    ) {
      continue;
    }
    if (!timeline.isCalm(at - plan.member.heartbeatInterval, at + REGISTERED)) continue;
    const links = history.of("linked").filter((fact) =>
      fact.broker === broker && timeline.unlinkedAt(fact.link) > at + REGISTERED
    );
    const reachable = links.find(({ member, at: since }) =>
      Math.max(since, started.get(member) ?? Infinity) + REGISTERED < at &&
      timeline.leftAt(member) > at + REGISTERED
    );
    if (!reachable || links.length > 1) continue;
    report(at, `${broker} asked about ${txn} and ${reachable.member} could not be reached`, txn);
  }
}
