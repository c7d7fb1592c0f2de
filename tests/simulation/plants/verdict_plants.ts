import type { Plant } from "./plant.ts";

const CHECK_BACKS = "src/transaction/check_backs.ts";
const END_TRANSACTION = "src/transaction/end_transaction.ts";
const LIVE = "src/transaction/live.ts";
const SEND = "src/transaction/send.ts";

/** Known faults in what is said about transactions. */
export const VERDICT_PLANTS: readonly Plant[] = [
  {
    name: "verdict-on-the-first-handle",
    file: LIVE,
    old: `    halves.newest = half;
    const at = this.#halves.indexOf(halves);`,
    new: "    const at = this.#halves.indexOf(halves);",
    foundBy: ["S7"],
  },
  {
    name: "listener-asked-while-the-local-transaction-runs",
    file: LIVE,
    old: '    this.#step = "running";',
    new: '    this.#step = "checking";',
    foundBy: ["S7", "S6", "S9"],
  },
  {
    name: "listener-asked-while-the-send-is-under-way",
    file: LIVE,
    old: 'new LiveTransaction({ transactionId, topic, step: "sending", known, begunAt })',
    new: 'new LiveTransaction({ transactionId, topic, step: "checking", known, begunAt })',
    foundBy: ["S7", "S6", "S9"],
  },
  {
    name: "verdict-forgotten",
    file: LIVE,
    old: "    this.#troubled.set(transactionId, { verdict, localTransactionRan, vainLooks });",
    new: "    void verdict, localTransactionRan, vainLooks;",
    foundBy: ["S5", "S9"],
  },
  {
    name: "duplicate-rolled-back",
    file: END_TRANSACTION,
    old: `    if (visibleOn) return await this.#drop(live, half, visibleOn, deadline);
    if (!error ||`,
    new: `    if (visibleOn || half.checkTimes > 1) {
      return await this.#drop(live, half, visibleOn ?? half.connection!, deadline);
    }
    if (!error ||`,
    foundBy: ["S5", "S3"],
  },
  {
    name: "confirmed-commit-sent-again",
    file: END_TRANSACTION,
    old: '      const looks = verdict === "COMMIT" && mayBeChecked(live, half, now);',
    new: `      const looks = verdict === "COMMIT" && (!half.fromCheck || live.hasTrouble) &&
        mayBeChecked(live, half, now);`,
    foundBy: ["D1", "D3"],
  },
  {
    name: "slow-sender-commits-without-a-look",
    file: END_TRANSACTION,
    old: "  return fromCheck || now - begunAt >= MIN_CHECK_AGE_MS;",
    new: "  return fromCheck;",
    foundBy: ["D1"],
  },
  {
    name: "answered-under-the-offsets-of-the-first-question",
    file: LIVE,
    old: `        halves.others = [...halves.others.slice(1 - MAX_WAITING), halves.newest];
        halves.newest = half;`,
    new: "        halves.others = [...halves.others.slice(1 - MAX_WAITING), half];",
    foundBy: ["S7", "S6"],
  },
  {
    name: "listener-asked-again-while-it-works",
    file: CHECK_BACKS,
    old: `    const live = book.find(transactionId);
    if (live) {`,
    new: `    const live = book.find(transactionId);
    if (live && live.localTransactionRan !== undefined) {`,
    foundBy: ["S6", "S7", "S10", "D1", "D3"],
  },
  {
    name: "question-forgotten-while-the-verdict-is-on-its-way",
    file: LIVE,
    old: `      halves.waiting.push(half);
      return "heldBack";`,
    new: '      return "heldBack";',
    foundBy: ["S6", "D4"],
  },
  {
    name: "question-answered-under-old-offsets",
    file: LIVE,
    old: `    known.newest = newest;
    known.waiting = [];`,
    new: "    known.waiting = [];",
    foundBy: ["S7", "S6", "S10"],
  },
  {
    name: "refused-verdict-repeated-under-old-offsets",
    file: LIVE,
    old: "    return (halves as MutableBrokerHalves).waiting.length > 0;",
    new: "    return (halves as MutableBrokerHalves).waiting.length > 1e9;",
    foundBy: ["S7"],
  },
  {
    name: "local-throw-rolls-back",
    file: SEND,
    old: '  return { state: "UNKNOWN", cause: error ?? new Error("it threw nothing") };',
    new: '  return { state: "ROLLBACK", cause: error ?? new Error("it threw nothing") };',
    foundBy: ["S3"],
  },
  {
    name: "local-garbage-commits",
    file: SEND,
    old: '    return { state: "UNKNOWN", cause: new TypeError(what) };',
    new: '    return { state: "COMMIT", cause: new TypeError(what) };',
    foundBy: ["S3", "S2"],
  },
  {
    name: "check-throw-commits",
    file: CHECK_BACKS,
    old: '    cause === undefined && isLocalTransactionState(state) ? state : "UNKNOWN",',
    new: '    cause === undefined && isLocalTransactionState(state) ? state : "COMMIT",',
    foundBy: ["S3", "S2"],
  },
  {
    name: "check-throw-rolls-back",
    file: CHECK_BACKS,
    old: '    cause === undefined && isLocalTransactionState(state) ? state : "UNKNOWN",',
    new: '    cause === undefined && isLocalTransactionState(state) ? state : "ROLLBACK",',
    foundBy: ["S3"],
  },
  {
    name: "late-answer-uncaught",
    file: CHECK_BACKS,
    old: "    callListener(check, listener).catch((error) => {",
    new: "    callListener(check, listener).finally((error?: unknown) => {",
    foundBy: ["H2"],
  },
  {
    name: "late-answer-sent",
    file: "src/transaction/check_back.ts",
    old: `    if (this.signal.aborted) {
      this.#options.onLate(state);`,
    new: `    if (this.#answered) {
      this.#options.onLate(state);`,
    foundBy: ["S6", "S7"],
  },
  {
    name: "listener-without-deadline",
    file: CHECK_BACKS,
    old: "      pending.endsAt = clock.monotonic() + checkTimeout;",
    new: "      pending.endsAt = clock.monotonic() + 1_000 * checkTimeout;",
    foundBy: ["S6"],
  },
  {
    name: "one-listener-at-a-time",
    file: CHECK_BACKS,
    old: "    await checks.whenBelow(concurrency);",
    new: "    await checks.whenBelow(Math.min(1, concurrency));",
    foundBy: ["S6", "S1", "L1"],
  },
  {
    name: "id-of-the-record-taken-for-that-of-the-transaction",
    file: "src/transaction/half_message.ts",
    old:
      "  return message.properties[MessageProperty.UniqueKey] || header.transactionId || header.msgId ||",
    new: "  return header.offsetMsgId || header.transactionId || header.msgId ||",
    foundBy: ["S3", "S7", "S11", "S9"],
  },
  {
    name: "unknown-awaits-an-answer",
    file: END_TRANSACTION,
    old: '    const isOneway = state === "UNKNOWN" || mode === "oneway";',
    new: '    const isOneway = mode === "oneway";',
    foundBy: ["S6"],
  },
  {
    name: "verdict-awaits-no-answer",
    file: END_TRANSACTION,
    old: '    const isOneway = state === "UNKNOWN" || mode === "oneway";',
    new: '    const isOneway = state !== undefined || mode === "oneway";',
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
    old: '        if (state !== "UNKNOWN" && connection !== half.connection) {',
    new: "        if (state === undefined) {",
    foundBy: ["S2", "S9", "S11"],
  },
  {
    name: "answer-not-marked-as-one",
    file: END_TRANSACTION,
    old: "      fromTransactionCheck: half.fromCheck,",
    new: "      fromTransactionCheck: false,",
    foundBy: ["S11", "S6"],
  },
  {
    name: "offsets-mixed-up",
    file: END_TRANSACTION,
    old: "      commitLogOffset: half.commitLogOffset,",
    new: "      commitLogOffset: half.tranStateTableOffset,",
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
    file: SEND,
    old: '  if (receipt.sendStatus === "SEND_OK") {',
    new: "  if (receipt.sendStatus) {",
    foundBy: ["S4"],
  },
  {
    name: "local-transaction-without-an-answer",
    file: SEND,
    old: `    throw reported(report, sendFailure(live, error));
  }
  const`,
    new: `    await runLocal(live, local, { messageQueue: {} } as SendReceipt, bounds, options);
    throw reported(report, sendFailure(live, error));
  }
  const`,
    foundBy: ["S4", "S9"],
  },
  {
    name: "lost-half-counts-as-failed",
    file: SEND,
    old: `    ? cause.written
    : cause instanceof ProtocolError;`,
    new: `    ? false
    : cause instanceof ProtocolError;`,
    foundBy: ["S9"],
  },
  {
    name: "unsent-half-counts-as-indeterminate",
    file: SEND,
    old: `    ? cause.written
    : cause instanceof ProtocolError;`,
    new: `    ? true
    : cause instanceof ProtocolError;`,
    foundBy: ["S9"],
  },
  {
    name: "half-resent-blindly",
    file: "src/producer/send_policy.ts",
    old: "    return policy.resendAfterWrite || !error.written;",
    new: "    return policy.retries > 0 || !error.written;",
    foundBy: ["S10"],
  },
  {
    name: "failed-send-not-fenced",
    file: LIVE,
    old: "const known = { localTransactionRan: false };",
    new: "const known = {};",
    foundBy: ["S9"],
  },
  {
    name: "run-not-remembered",
    file: LIVE,
    old: "    this.#localTransactionRan = true;",
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
