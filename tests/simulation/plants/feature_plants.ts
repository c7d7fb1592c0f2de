import type { Plant } from "./plant.ts";

const PRODUCER = "src/transaction/transaction_producer.ts";
const CHECK_QUEUE = "src/transaction/check_queue.ts";
const EXPLICIT = "src/transaction/explicit_transaction.ts";
const RECOVERY = "src/transaction/recovery.ts";
const SENDER = "src/producer/sender.ts";

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
    old: "return { ...message, body, sysFlag, isBorrowed: false };",
    new: "return { ...message, body, isBorrowed: false };",
    foundBy: ["D2"],
  },
  {
    name: "late-verdict-taken-as-carried-out",
    file: "src/requests/transactions.ts",
    old: "  checkSuccess(response, ",
    new: "  if (response.code !== 604) checkSuccess(response, ",
    foundBy: ["S11"],
  },
  {
    name: "immunity-sent-and-not-asked-for",
    file: "src/producer/outgoing_message.ts",
    old: "    checkTransactionalProperties(topic, properties);\n",
    new: "    checkTransactionalProperties(topic, properties);\n" +
      '    properties[MessageProperty.CheckImmunityTimeInSeconds] ??= "5";\n',
    foundBy: ["D2"],
  },
  {
    name: "explicit-transaction-ends-twice",
    file: EXPLICIT,
    old: "    if (this.#ended) {",
    new: "    if (this.#ended && this.signal.aborted) {",
    foundBy: ["S9"],
  },
  {
    name: "explicit-transaction-left-open-commits",
    file: EXPLICIT,
    old: 'if (!this.#ended) await this.#end("UNKNOWN");',
    new: 'if (!this.#ended) await this.#end("COMMIT");',
    foundBy: ["S3", "S2"],
  },
  {
    name: "explicit-transaction-begins-after-a-weak-store",
    file: "src/transaction/transaction_runner.ts",
    old: 'if (receipt.sendStatus === "SEND_OK") {',
    new: 'if (receipt.sendStatus !== "FLUSH_DISK_TIMEOUT") {',
    foundBy: ["S4"],
  },
  {
    name: "work-that-throws-commits",
    file: PRODUCER,
    old: 'async (tx) => await work(tx) ?? "COMMIT"',
    new: 'async (tx) => await Promise.resolve(work(tx)).catch(() => {}) ?? "COMMIT"',
    foundBy: ["S3", "S2"],
  },
  {
    name: "work-that-returns-nothing-decides-nothing",
    file: PRODUCER,
    old: 'async (tx) => await work(tx) ?? "COMMIT"',
    new: 'async (tx) => await work(tx) ?? "ROLLBACK"',
    foundBy: ["S3", "S5"],
  },
  {
    name: "questions-of-a-loop-lost-at-a-shutdown",
    file: CHECK_QUEUE,
    old: "if (!this.#consumed) this.#waiting.clear();",
    new: "this.#waiting.clear();",
    foundBy: ["H1"],
  },
  {
    name: "hold-bound-not-kept",
    file: CHECK_QUEUE,
    old: "this.#waiting.size >= this.#capacity",
    new: "this.#waiting.size > 3 * this.#capacity",
    foundBy: ["H3"],
  },
  {
    name: "questions-dropped-before-the-bound",
    file: CHECK_QUEUE,
    old: "this.#waiting.size >= this.#capacity",
    new: "this.#waiting.size + this.#running.size >= Math.min(2, this.#capacity)",
    foundBy: ["H3", "S6", "S1", "S9"],
  },
  {
    name: "listener-without-a-bound",
    file: "src/transaction/check_pump.ts",
    old: "await checks.whenBelow(concurrency);",
    new: "await checks.whenBelow(concurrency * 2);",
    foundBy: ["H3"],
  },
  {
    name: "one-way-commit-not-looked-for",
    file: "src/transaction/verdicts.ts",
    old: 'return outcome === "sent" || error',
    new: "return error",
    foundBy: ["D1"],
  },
  {
    name: "one-way-mode-ignored",
    file: "src/transaction/end_transaction.ts",
    old: 'const oneway = state === "UNKNOWN" || mode === "oneway";',
    new: 'const oneway = state === "UNKNOWN" || String(mode) === "one-way";',
    foundBy: ["S6"],
  },
  {
    name: "fields-signed-in-the-order-of-their-writing",
    file: "src/access/credentials.ts",
    old: "Object.keys(extFields).sort()",
    new: "Object.keys(extFields)",
    foundBy: ["L1"],
  },
  {
    name: "signed-without-the-body",
    file: "src/access/credentials.ts",
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
    file: "src/transaction/recovery_ledger.ts",
    old: 'if (state === "UNKNOWN") return "unknown";',
    new: "",
    foundBy: ["L3"],
  },
  {
    name: "plain-send-again-after-its-answer",
    file: SENDER,
    old: 'if (receipt.sendStatus === "SEND_OK" || !retryOnStoreNotOk || isLast()) return receipt;',
    new: "if (isLast()) return receipt;",
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
