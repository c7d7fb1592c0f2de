import type { Plant } from "./plant.ts";

const COORDINATOR = "src/transaction/coordinator.ts";
const HALF_MESSAGE = "src/transaction/half_message.ts";
const END_TRANSACTION = "src/transaction/end_transaction.ts";
const VERDICTS = "src/transaction/verdicts.ts";
const RUNNER = "src/transaction/transaction_runner.ts";
const CHECK_PUMP = "src/transaction/check_pump.ts";
const CHECK_DEADLINES = "src/transaction/check_deadlines.ts";
const CHECK_OPENER = "src/transaction/check_opener.ts";
const SEND_FAILURE = "src/transaction/send_failure.ts";

/** Known faults in what is said about transactions. */
export const VERDICT_PLANTS: readonly Plant[] = [
  {
    name: "verdict-on-the-first-handle",
    file: COORDINATOR,
    old: `      halfMessage.handle = handle;
      record.newest = halfMessage;`,
    new: `      record.newest = halfMessage;`,
    foundBy: ["S7"],
  },
  {
    name: "listener-asked-while-the-local-transaction-runs",
    file: COORDINATOR,
    old: 'if (record.phase !== "over") {',
    new: 'if (record.phase === "sending") {',
    foundBy: ["S7"],
  },
  {
    name: "listener-asked-while-the-send-is-under-way",
    file: COORDINATOR,
    old: 'if (record.phase !== "over") {',
    new: 'if (record.phase === "running") {',
    foundBy: ["S7"],
  },
  {
    name: "verdict-forgotten",
    file: "src/transaction/transaction_table.ts",
    old: 'if ("phase" in known) return known;',
    new: 'return "phase" in known && this.#own.markAt(slot) < 0 ? known : undefined;',
    foundBy: ["S5", "S9"],
  },
  {
    name: "duplicate-rolled-back",
    file: VERDICTS,
    old: `      this.send(halfMessage, handle, "UNKNOWN");
      return "alreadyCommitted";`,
    new: `      this.send(halfMessage, handle, "ROLLBACK");
      return "alreadyCommitted";`,
    foundBy: ["S5", "S3"],
  },
  {
    name: "confirmed-commit-sent-again",
    file: HALF_MESSAGE,
    old: "return connection !== undefined && committedOn?.includes(connection.mark) === true;",
    new: "return connection === undefined && committedOn === undefined;",
    foundBy: ["D1"],
  },
  {
    name: "answered-under-the-offsets-of-the-first-question",
    file: COORDINATOR,
    old: "(handle) => this.#answerOn(record, handle, state, cause),",
    new: "() => this.#answerOn(record, pending.handle, state, cause),",
    foundBy: ["S6", "S7", "S10"],
  },
  {
    name: "listener-asked-again-while-it-works",
    file: "src/transaction/check_queue.ts",
    old: "this.#running.get(transactionId) ?? this.#waiting.get(transactionId);",
    new: "this.#waiting.get(transactionId);",
    foundBy: ["S6", "S7", "S10"],
  },
  {
    name: "question-forgotten-while-the-verdict-is-on-its-way",
    file: VERDICTS,
    old: "halfMessage.heldBack = handle;",
    new: "",
    foundBy: ["S6"],
  },
  {
    name: "question-answered-under-old-offsets",
    file: "src/transaction/check_queue.ts",
    old: "earlier.handles.set(broker, handle);",
    new: "",
    foundBy: ["S7", "S6"],
  },
  {
    name: "refused-verdict-repeated-under-old-offsets",
    file: END_TRANSACTION,
    old: "if (isSuperseded(facts.halfMessage, handle, state)) throw superseded(handle);",
    new: "void superseded;",
    foundBy: ["S7"],
  },
  {
    name: "local-throw-rolls-back",
    file: RUNNER,
    old: 'state = "UNKNOWN";\n          cause = error',
    new: 'state = "ROLLBACK";\n          cause = error',
    foundBy: ["S3"],
  },
  {
    name: "local-garbage-commits",
    file: RUNNER,
    old: "state = checkState(isLocalTransactionState(returned) ? returned : await returned);",
    new: `const given = await returned;
          state = isLocalTransactionState(given) || !given ? checkState(given) : "COMMIT";`,
    foundBy: ["S3", "S2"],
  },
  {
    name: "check-throw-commits",
    file: CHECK_PUMP,
    old: 'cause === undefined && isLocalTransactionState(state) ? state : "UNKNOWN",',
    new: 'cause === undefined && isLocalTransactionState(state) ? state : "COMMIT",',
    foundBy: ["S3", "S2"],
  },
  {
    name: "check-throw-rolls-back",
    file: CHECK_PUMP,
    old: 'cause === undefined && isLocalTransactionState(state) ? state : "UNKNOWN",',
    new: 'cause === undefined && isLocalTransactionState(state) ? state : "ROLLBACK",',
    foundBy: ["S3"],
  },
  {
    name: "late-answer-uncaught",
    file: CHECK_PUMP,
    old: "askListener(check, listener).catch((error) => {",
    new: "askListener(check, listener).finally((error?: unknown) => {",
    foundBy: ["H2"],
  },
  {
    name: "late-answer-sent",
    file: "src/transaction/check_back.ts",
    old: `    if (this.signal.aborted) {
      this.#onLate(state);`,
    new: `    if (this.#answered) {
      this.#onLate(state);`,
    foundBy: ["S6"],
  },
  {
    name: "listener-without-deadline",
    file: CHECK_DEADLINES,
    old: "    this.#timeout = timeout;",
    new: "    this.#timeout = timeout * 1000;",
    foundBy: ["S6"],
  },
  {
    name: "one-listener-at-a-time",
    file: CHECK_PUMP,
    old: "await checks.whenBelow(concurrency);",
    new: "await checks.whenBelow(Math.min(1, concurrency));",
    foundBy: ["S6", "S1", "L1"],
  },
  {
    name: "id-of-the-record-taken-for-that-of-the-transaction",
    file: CHECK_OPENER,
    old: "return message.properties[MessageProperty.UniqueKey] || header.transactionId ||",
    new: "return header.offsetMsgId || header.transactionId ||",
    foundBy: ["S3", "S7", "S11"],
  },
  {
    name: "unknown-awaits-an-answer",
    file: END_TRANSACTION,
    old: 'const oneway = state === "UNKNOWN" || mode === "oneway";',
    new: 'const oneway = mode === "oneway";',
    foundBy: ["S6"],
  },
  {
    name: "verdict-awaits-no-answer",
    file: END_TRANSACTION,
    old: 'const oneway = state === "UNKNOWN" || mode === "oneway";',
    new: 'const oneway = state !== undefined || mode === "oneway";',
    foundBy: ["S6"],
  },
  {
    name: "lost-verdict-repeated-blindly",
    file: END_TRANSACTION,
    old: "return !error.written && error.isRetriable;",
    new: "return error.isRetriable;",
    foundBy: ["S10"],
  },
  {
    name: "verdict-on-whatever-is-there-after-a-loss",
    file: END_TRANSACTION,
    old: 'state !== "UNKNOWN" && connection !== handle.connection',
    new: "false",
    foundBy: ["S2"],
  },
  {
    name: "answer-not-marked-as-one",
    file: END_TRANSACTION,
    old: "fromTransactionCheck: handle.fromCheck,",
    new: "fromTransactionCheck: false,",
    foundBy: ["S11", "S6"],
  },
  {
    name: "offsets-mixed-up",
    file: END_TRANSACTION,
    old: "commitLogOffset: handle.commitLogOffset,",
    new: "commitLogOffset: handle.tranStateTableOffset,",
    foundBy: ["S11"],
  },
  {
    name: "group-mixed-up",
    file: END_TRANSACTION,
    old: "prepareEndTransactionHeaders(options.producerGroup)",
    new: 'prepareEndTransactionHeaders("another")',
    foundBy: ["S6"],
  },
  {
    name: "local-transaction-after-a-weak-store",
    file: RUNNER,
    old: 'if (receipt.sendStatus === "SEND_OK") {',
    new: "if (receipt.sendStatus) {",
    foundBy: ["S4"],
  },
  {
    name: "local-transaction-without-an-answer",
    file: RUNNER,
    old: "throw this.#fail(record, error);",
    new:
      `await this.#runLocalTransaction(record, local, { messageQueue: {} } as SendReceipt, bounds);
      throw this.#fail(record, error);`,
    foundBy: ["S4", "S9"],
  },
  {
    name: "lost-half-counts-as-failed",
    file: SEND_FAILURE,
    old: "if (cause instanceof ConnectionError) return cause.written;",
    new: "if (cause instanceof ConnectionError) return false;",
    foundBy: ["S9"],
  },
  {
    name: "unsent-half-counts-as-indeterminate",
    file: SEND_FAILURE,
    old: "if (cause instanceof ConnectionError) return cause.written;",
    new: "if (cause instanceof ConnectionError) return true;",
    foundBy: ["S9"],
  },
  {
    name: "half-resent-blindly",
    file: "src/producer/sender.ts",
    old: "if (!(error instanceof ConnectionError) || error.written) throw error;",
    new: "if (!(error instanceof ConnectionError)) throw error;",
    foundBy: ["S10"],
  },
  {
    name: "failed-send-not-fenced",
    file: COORDINATOR,
    old: `      phase: "sending",
      localTransactionRan: false,`,
    new: `      phase: "sending",
      localTransactionRan: undefined,`,
    foundBy: ["S9"],
  },
  {
    name: "run-not-remembered",
    file: COORDINATOR,
    old: "record.localTransactionRan = true;",
    new: "",
    foundBy: ["S9"],
  },
  {
    name: "one-id-for-all",
    file: "src/producer/producer_core.ts",
    old: "uniqueKey: () => this.#uniqueKeys!.next(),",
    new: 'uniqueKey: () => "7F000001".repeat(4),',
    foundBy: ["S3", "S7", "S9", "S11", "S10"],
  },
];
