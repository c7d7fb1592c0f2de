import type { Plant } from "./plant.ts";

const CHECK_BACKS = "src/transaction/check_backs.ts";
const END_TRANSACTION = "src/transaction/end_transaction.ts";

/** Known faults in how things end: answers, sends, connections and whole clients. */
export const OUTCOME_PLANTS: readonly Plant[] = [
  {
    name: "no-answer-after-a-throw",
    file: CHECK_BACKS,
    old: `    cause = error ?? new Error("the listener threw nothing");
  }
  await check.answer(`,
    new: `    return;
  }
  await check.answer(`,
    foundBy: ["S6"],
  },
  {
    name: "no-answer-to-garbage",
    file: CHECK_BACKS,
    old:
      "      cause = new TypeError(`Cannot use what checkLocalTransaction returned: ${notAState(state)}`);",
    new: "      return;",
    foundBy: ["S6"],
  },
  {
    name: "first-throw-ends-the-questions",
    file: CHECK_BACKS,
    old: `  for await (const check of checks) {
    callListener(check, listener).catch((error) => {`,
    new: `  let threw = false;
  const guarded: CheckListener = async (...question) => {
    try {
      return await listener(...question);
    } catch (error) {
      threw = true;
      throw error;
    }
  };
  for await (const check of checks) {
    if (threw) return;
    callListener(check, guarded).catch((error) => {`,
    foundBy: ["S6"],
  },
  {
    name: "stranger-told-that-it-did-not-run",
    file: "src/transaction/live.ts",
    old: "    this.#localTransactionRan = known?.localTransactionRan;",
    new: "    this.#localTransactionRan = known?.localTransactionRan ?? false;",
    foundBy: ["S9"],
  },
  {
    name: "failed-send-rolled-back-unasked",
    file: "src/transaction/send.ts",
    old: `    book.leaveTroubled(live);
    throw reported(report, sendFailure(live, error));`,
    new: `    live.end("ROLLBACK");
    book.leaveTroubled(live);
    throw reported(report, sendFailure(live, error));`,
    foundBy: ["S3", "S9"],
  },
  {
    name: "lost-answer-counts-as-confirmed",
    file: END_TRANSACTION,
    old: `        } else return failed(error, connection);
        if (isSuperseded())`,
    new: `        } else return { outcome: "confirmed" };
        if (isSuperseded())`,
    foundBy: ["S11"],
  },
  {
    name: "commit-given-again-without-a-look",
    file: END_TRANSACTION,
    old: '      const looks = verdict === "COMMIT" && mayBeChecked(live, half, now);',
    new: `      const looks = verdict === "COMMIT" && (!half.fromCheck || !live.isRepeated) &&
        mayBeChecked(live, half, now);`,
    foundBy: ["D1", "D3"],
  },
  {
    name: "found-commit-trusted-on-the-lost-connection",
    file: END_TRANSACTION,
    old: "    const mayDrop = visibleOn === half.connection && half.checkTimes > 0;",
    new: "    const mayDrop = half.checkTimes > 0;",
    foundBy: ["S5", "S3", "S1"],
  },
  {
    name: "reply-just-after-the-deadline-counts",
    file: "src/transport/pending_requests.ts",
    old: "this.deadline = now + timeout;",
    new: "this.deadline = now + timeout + 150;",
    foundBy: ["S11", "L1"],
  },
  {
    name: "requests-outlive-their-connection",
    file: "src/transport/connection.ts",
    old: "this.#pending.failAll(end.reason, end.cause);",
    new: "void end;",
    foundBy: ["H1", "L1"],
  },
  {
    name: "ended-work-still-counted",
    file: "src/transaction/live.ts",
    old: "    if (--this.#count > 0 ||",
    new: "    if (this.#count > 0 ||",
    foundBy: ["H1"],
  },
  {
    name: "answered-questions-still-held",
    file: CHECK_BACKS,
    old: `    this.#running.delete(pending);
    if (this.#running.size`,
    new: "    if (this.#running.size",
    foundBy: ["H1", "S6"],
  },
  {
    name: "shutdown-leaves-questions-open",
    file: "src/transaction/transaction_producer.ts",
    old: "    const drained = Promise.all([this.#sends.wait(), this.#checks.drained()])",
    new: "    const drained = Promise.all([this.#sends.wait()])",
    foundBy: ["H1"],
  },
  {
    name: "long-pauses-between-dials",
    file: "src/client/connection_pool.ts",
    old: "const MAX_BACKOFF = 5_000;",
    new: "const MAX_BACKOFF = 60_000;",
    foundBy: ["L1"],
  },
];
