import type { Plant } from "./plant.ts";

const CHECK_PUMP = "src/transaction/check_pump.ts";
const COORDINATOR = "src/transaction/coordinator.ts";
const PENDING = "src/transport/pending_requests.ts";
const VERDICTS = "src/transaction/verdicts.ts";

/** Known faults in how things end: answers, sends, connections and whole clients. */
export const OUTCOME_PLANTS: readonly Plant[] = [
  {
    name: "no-answer-after-a-throw",
    file: CHECK_PUMP,
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
    file: CHECK_PUMP,
    old: 'cause = notAState("checkLocalTransaction", state);',
    new: "return;",
    foundBy: ["S6"],
  },
  {
    name: "first-throw-ends-the-questions",
    file: CHECK_PUMP,
    old: `  for await (const check of checks) {
    askListener(check, listener).catch((error) => {`,
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
    askListener(check, guarded).catch((error) => {`,
    foundBy: ["S6"],
  },
  {
    name: "stranger-told-that-it-did-not-run",
    file: COORDINATOR,
    old: "localTransactionRan: undefined,",
    new: "localTransactionRan: false,",
    foundBy: ["S9"],
  },
  {
    name: "failed-send-rolled-back-unasked",
    file: COORDINATOR,
    old: `  abandon(record: TransactionRecord): void {
    record.phase = "over";`,
    new: `  abandon(record: TransactionRecord): void {
    record.phase = "over";
    record.verdict = "ROLLBACK";`,
    foundBy: ["S3", "S9"],
  },
  {
    name: "unknown-under-old-offsets",
    file: "src/transaction/end_transaction.ts",
    old: "? lastAsked !== undefined && lastAsked !== handle",
    new: "? false",
    foundBy: ["S7"],
  },
  {
    name: "lost-answer-counts-as-confirmed",
    file: "src/transaction/end_transaction.ts",
    old: `            outcome: "failed",
            error: error as Error,`,
    new: `            outcome: "confirmed",
            error: error as Error,`,
    foundBy: ["S11"],
  },
  {
    name: "commit-given-again-without-a-look",
    file: VERDICTS,
    old: 'const confirmedOn = verdict === "COMMIT" && answerLost',
    new: 'const confirmedOn = verdict !== "COMMIT" && answerLost',
    foundBy: ["D1"],
  },
  {
    name: "found-commit-trusted-on-the-lost-connection",
    file: VERDICTS,
    old: 'if (confirmedOn) result = { outcome: "confirmed", confirmedOn };',
    new: 'if (confirmedOn) result = { outcome: "confirmed", confirmedOn: handle.connection! };',
    foundBy: ["D1"],
  },
  {
    name: "reply-just-after-the-deadline-counts",
    file: PENDING,
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
    file: "src/transaction/in_flight.ts",
    old: "if (--this.#count > 0 ||",
    new: "if (this.#count > 0 ||",
    foundBy: ["H1"],
  },
  {
    name: "answered-questions-still-held",
    file: "src/transaction/check_queue.ts",
    old: "if (!this.#running.delete(",
    new: "if (!this.#running.has(",
    foundBy: ["H1", "S6"],
  },
  {
    name: "shutdown-leaves-questions-open",
    file: "src/transaction/transaction_producer.ts",
    old: "const drained = Promise.all([this.#runner.underWay.idle(), checks.drained()])",
    new: "const drained = Promise.all([this.#runner.underWay.idle()])",
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
