import type { Plant } from "./plant.ts";

const SIGNATURE = "src/access/credentials.ts";
const CHECK_BACKS = "src/transaction/check_backs.ts";
const RECOVERY = "src/transaction/recovery.ts";
const TRANSACTION = "src/transaction/transaction.ts";
const TRANSACTION_PRODUCER = "src/transaction/transaction_producer.ts";

/** Known faults in what a producer can do beside its main road. */
export const FEATURE_PLANTS: readonly Plant[] = [
  {
    name: "body-left-compressed",
    file: "src/message/stored_message.ts",
    old: "const body = type === undefined ? storedBody : await decompress(",
    new: "const body = type !== undefined ? storedBody : await decompress(",
    foundBy: ["D2", "S6"],
  },
  {
    name: "body-compressed-and-not-marked",
    file: "src/producer/body_compression.ts",
    old: "      return { ...message, body, sysFlag };",
    new: `      void sysFlag;
      return { ...message, body };`,
    foundBy: ["D2"],
  },
  {
    name: "late-verdict-taken-as-carried-out",
    file: "src/requests/transactions.ts",
    old: `  checkSuccess(response, context, ENDING);`,
    new: `  if (response.code !== 604) checkSuccess(response, context, ENDING);`,
    foundBy: ["S11"],
  },
  {
    name: "immunity-sent-and-not-asked-for",
    file: "src/producer/outgoing_message.ts",
    old: `    checkImmunity = checkTransactionalProperties(topic, own);
  }`,
    new: `    checkImmunity = checkTransactionalProperties(topic, own);
    own[MessageProperty.CheckImmunityTimeInSeconds] ??= "5";
  }`,
    foundBy: ["D2"],
  },
  {
    name: "explicit-transaction-ends-twice",
    file: TRANSACTION,
    old: "    if (this.#ended) {",
    new: "    if (this.#ended && this.signal.aborted) {",
    foundBy: ["S9"],
  },
  {
    name: "explicit-transaction-left-open-commits",
    file: TRANSACTION,
    old: '    if (!this.#ended) await this.#end("UNKNOWN");',
    new: '    if (!this.#ended) await this.#end("COMMIT");',
    foundBy: ["S3", "S2"],
  },
  {
    name: "explicit-transaction-begins-after-a-weak-store",
    file: "src/transaction/send.ts",
    old: '  if (receipt.sendStatus === "SEND_OK") {',
    new: '  if (receipt.sendStatus !== "FLUSH_DISK_TIMEOUT") {',
    foundBy: ["S4"],
  },
  {
    name: "work-that-throws-commits",
    file: TRANSACTION_PRODUCER,
    old: "      const state: unknown = await work(tx);",
    new: "      const state: unknown = await Promise.resolve(work(tx)).catch(() => {});",
    foundBy: ["S3", "S2"],
  },
  {
    name: "work-that-returns-nothing-decides-nothing",
    file: TRANSACTION_PRODUCER,
    old: 'return state === undefined ? "COMMIT" : state;',
    new: 'return state === undefined ? "ROLLBACK" : state;',
    foundBy: ["S3", "S5"],
  },
  {
    name: "questions-of-a-loop-lost-at-a-shutdown",
    file: CHECK_BACKS,
    old: "    if (!this.#consumed) this.#forgetWaiting();",
    new: "    this.#forgetWaiting();",
    foundBy: ["H1"],
  },
  {
    name: "hold-bound-not-kept",
    file: CHECK_BACKS,
    old: `this.#waiting.size < checkRequestHoldMax &&
      held < checkRequestHoldMax + checkConcurrency &&`,
    new: `this.#waiting.size < 4 * checkRequestHoldMax &&
      held < 4 * checkRequestHoldMax + checkConcurrency &&`,
    foundBy: ["H3"],
  },
  {
    name: "questions-dropped-before-the-bound",
    file: CHECK_BACKS,
    old: "    return !this.#ended && this.#waiting.size < checkRequestHoldMax &&",
    new: "    return !this.#ended && held < Math.min(2, checkRequestHoldMax) &&",
    foundBy: ["H3", "S6", "S1", "S9"],
  },
  {
    name: "listener-without-a-bound",
    file: CHECK_BACKS,
    old: "    await checks.whenBelow(concurrency);",
    new: "    await checks.whenBelow(concurrency * 2);",
    foundBy: ["H3"],
  },
  {
    name: "one-way-mode-ignored",
    file: "src/transaction/end_transaction.ts",
    old: '    const isOneway = state === "UNKNOWN" || mode === "oneway";',
    new: '    const isOneway = state === "UNKNOWN" || String(mode) === "one-way";',
    foundBy: ["S6"],
  },
  {
    name: "fields-signed-in-the-order-of-their-writing",
    file: SIGNATURE,
    old: "Object.keys(extFields).sort()",
    new: "Object.keys(extFields)",
    foundBy: ["L1"],
  },
  {
    name: "signed-without-the-body",
    file: SIGNATURE,
    old: "request.body ?? NO_BODY",
    new: "NO_BODY",
    foundBy: ["L1"],
  },
  {
    name: "recovery-takes-no-question-for-a-sign-of-life",
    file: RECOVERY,
    old: "if (ACTIVITY.has(event.type)) lastActivity = clock.monotonic();",
    new: "",
    foundBy: ["L3"],
  },
  {
    name: "recovery-ends-with-the-first-answer",
    file: RECOVERY,
    old: "if (rest <= 0 && waitingChecks + runningChecks === 0) return;",
    new: "if (producer.stats().answeredChecks > 0 || rest <= 0) return;",
    foundBy: ["L3"],
  },
  {
    name: "recovery-counts-what-was-not-settled",
    file: RECOVERY,
    old: '  if (state === "UNKNOWN") return "unknown";',
    new: "",
    foundBy: ["L3"],
  },
  {
    name: "plain-send-again-after-its-answer",
    file: "src/producer/sender.ts",
    old:
      '          if (!receipt || receipt.sendStatus === "SEND_OK" || !policy.retryOnStoreNotOk) {',
    new: '          if (!receipt || policy.kind === "half") {',
    foundBy: ["P1"],
  },
  {
    name: "plain-send-without-its-deadline",
    file: "src/transport/pending_requests.ts",
    old: "this.deadline = now + timeout;",
    new: "this.deadline = now + timeout + 2_000;",
    foundBy: ["P1"],
  },
];
