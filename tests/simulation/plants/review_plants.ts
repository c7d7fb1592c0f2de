import type { Plant } from "./plant.ts";

const END_TRANSACTION = "src/transaction/end_transaction.ts";
const EVIDENCE = "src/transaction/evidence.ts";
const INSPECT = "src/transaction/inspect.ts";
const CHECK_BACKS = "src/transaction/check_backs.ts";

/** What the checker once could not see: faults that a review found by hand. */
export const REVIEW_PLANTS: readonly Plant[] = [
  {
    name: "commits-of-others-not-looked-for",
    file: END_TRANSACTION,
    old: '      const looks = verdict === "COMMIT" && mayBeChecked(live, half, now);',
    new:
      `      const looks = verdict === "COMMIT" && (!half.fromCheck || live.localTransactionRan !== undefined) &&
        mayBeChecked(live, half, now);`,
    foundBy: ["D1"],
  },
  {
    name: "only-remembered-commits-looked-for",
    file: END_TRANSACTION,
    old: '      const looks = verdict === "COMMIT" && mayBeChecked(live, half, now);',
    new: `      const looks = verdict === "COMMIT" && (!half.fromCheck || live.isRepeated) &&
        mayBeChecked(live, half, now);`,
    foundBy: ["D1"],
  },
  {
    name: "commit-after-a-look-that-failed",
    file: END_TRANSACTION,
    old: "    if (!error || !this.#mayWait(live, half, error)) return undefined;",
    new: "    if (!error || half.checkTimes < 1e9) return undefined;",
    foundBy: ["D1", "D3"],
  },
  {
    name: "surplus-left-to-be-discarded",
    file: END_TRANSACTION,
    old: "const mayDrop = visibleOn === half.connection && half.checkTimes > 0;",
    new: "const mayDrop = visibleOn === half.connection && half.checkTimes > 1e9;",
    foundBy: ["D4"],
  },
  {
    name: "surplus-dropped-wherever",
    file: END_TRANSACTION,
    old: `    if (visibleOn) return await this.#drop(live, half, visibleOn, deadline);
    if (!error ||`,
    new: `    if (visibleOn || live.localTransactionRan) {
      return await this.#drop(live, half, visibleOn ?? half.connection!, deadline);
    }
    if (!error ||`,
    foundBy: ["S1", "S3", "S5"],
  },
  {
    name: "verdicts-held-back",
    file: END_TRANSACTION,
    old: "    const isSuperseded = () => live.isSuperseded(halves);\n",
    new: `    const isSuperseded = () => live.isSuperseded(halves);
    if (halves.newest.fromCheck) await sleep(clock, 2_000, this.#options.timeUp).catch(() => {});
`,
    foundBy: ["S6"],
  },
  {
    name: "look-ups-end-at-the-time-of-the-client",
    file: EVIDENCE,
    old: "endTimestamp: END_OF_TIME,",
    new: "endTimestamp: BigInt(Math.floor(this.#options.clock.now())),",
    foundBy: ["D1"],
  },
  {
    name: "look-ups-without-a-bound",
    file: EVIDENCE,
    old: "while (this.#running >= (this.#options.maxQueries ?? MAX_QUERIES)) {",
    new: "while (this.#running >= 3 * (this.#options.maxQueries ?? MAX_QUERIES)) {",
    foundBy: ["H3"],
  },
  {
    name: "one-look-up-more-than-may-be",
    file: EVIDENCE,
    old: "while (this.#running >= (this.#options.maxQueries ?? MAX_QUERIES)) {",
    new: "while (this.#running > (this.#options.maxQueries ?? MAX_QUERIES)) {",
    foundBy: ["H3"],
  },
  {
    name: "look-ups-without-time-for-an-answer",
    file: EVIDENCE,
    old: "remaining - Math.min(MIN_TIME_FOR_ANSWER_MS, whole / 4);",
    new: "remaining + 1;",
    foundBy: ["H3"],
  },
  {
    name: "look-ups-begun-wait-with-the-others",
    file: EVIDENCE,
    old: "hasBegun ? this.#begun : this.#waiting",
    new: "this.#waiting",
    foundBy: ["L1"],
    from: 301_155,
  },
  {
    name: "look-ups-take-the-time-of-the-commit",
    file: END_TRANSACTION,
    old: "      const bound = new Deadline(this.#options.clock, deadline.remaining / 2);",
    new: "      const bound = deadline;",
    foundBy: ["D3"],
    from: 300_213,
  },
  {
    name: "undelivered-commits-forgotten",
    file: "src/transaction/live.ts",
    old: "if (live.hasTrouble || live.localTransactionRan === false) return",
    new: "if (live.localTransactionRan === false) return",
    foundBy: ["S1"],
  },
  {
    name: "memory-for-half-of-the-troubled",
    file: "src/transaction/live.ts",
    old: "if (this.#troubled.size <= this.#maxTroubled) return;",
    new: "if (this.#troubled.size <= this.#maxTroubled / 2) return;",
    foundBy: ["S9"],
  },
  {
    name: "weakly-stored-halves-sent-again",
    file: "src/producer/sender.ts",
    old:
      '          if (!receipt || receipt.sendStatus === "SEND_OK" || !policy.retryOnStoreNotOk) {',
    new: '          if (!receipt || receipt.sendStatus === "SEND_OK") {',
    foundBy: ["S10"],
  },
  {
    name: "check-backs-dropped-with-room-for-their-bytes",
    file: CHECK_BACKS,
    old: "(held === 0 || this.#bytes + body.length <= checkRequestHoldBytes);",
    new: "(held === 0 || this.#bytes + 2 * body.length <= checkRequestHoldBytes);",
    foundBy: ["H3"],
  },
  {
    name: "bytes-of-check-backs-without-a-bound",
    file: CHECK_BACKS,
    old: "(held === 0 || this.#bytes + body.length <= checkRequestHoldBytes);",
    new: "(held === 0 || this.#bytes + body.length <= 3 * checkRequestHoldBytes);",
    foundBy: ["H3"],
  },
  {
    name: "garbage-taken-for-an-answer",
    file: "src/transaction/check_back.ts",
    old: "    if (!isLocalTransactionState(state)) {",
    new: "    if (state === undefined) {",
    foundBy: ["S12"],
  },
  {
    name: "garbage-uses-the-check-back-up",
    file: "src/transaction/check_back.ts",
    old: "    if (!isLocalTransactionState(state)) {\n",
    new: "    if (!isLocalTransactionState(state)) {\n      this.#answered = true;\n",
    foundBy: ["S12"],
  },
  {
    name: "resumed-on-whatever-broker",
    file: INSPECT,
    old:
      "  const connection = await client.requestConnection(brokerName, rest);\n  const request = createResume",
    new: `  const [anyBroker] = (await client.route(topic, rest)).brokerNames;
  const connection = await client.requestConnection(anyBroker!, rest);
  const request = createResume`,
    foundBy: ["O1"],
  },
  {
    name: "copies-counted-once",
    file: INSPECT,
    old: "const copies = findings.reduce((sum, { visible }) => sum + visible.length, 0);",
    new: "const copies = findings.filter(({ visible }) => visible.length > 0).length;",
    foundBy: ["O1"],
  },
  {
    name: "discarded-ones-not-seen",
    file: INSPECT,
    old: `    return "givenUp";`,
    new: `    return "pending";`,
    foundBy: ["O1"],
  },
  {
    name: "hooks-not-told-of-sends-that-fail",
    file: "src/producer/watch.ts",
    old: `    } catch (error) {
      end({ error });`,
    new: "    } catch (error) {",
    foundBy: ["H4"],
  },
  {
    name: "gate-lets-one-more-out",
    file: "src/producer/send_gate.ts",
    old: "this.#sends < maxSendsInFlight &&",
    new: "this.#sends <= maxSendsInFlight &&",
    foundBy: ["H3"],
  },
  {
    name: "endless-listeners-keep-their-sends",
    file: "src/transaction/send.ts",
    old: "return await Promise.race([work, promise]);",
    new: "return await Promise.race([work, promise.catch(() => work)]);",
    foundBy: ["H1"],
  },
];
