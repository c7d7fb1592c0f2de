import { LocalTransactionState, type Message, type MessageExt } from "../../mod.ts";
import { bodyOf } from "./body.ts";
import type { Decision } from "./database.ts";
import type { Returned } from "./history.ts";
import type { CheckBehaviour, PlannedTransaction } from "./plan.ts";
import type { MemberWorld, Process } from "./process.ts";
import { TOPIC } from "./world/context.ts";

/** Milliseconds after which no local transaction of a dead client can still be recorded. */
const LONGEST_LOCAL = 25_000;

/** What an application has to say about its transactions, in one process. */
export class Application {
  readonly #world: MemberWorld;
  readonly #process: Process;

  constructor(world: MemberWorld, process: Process) {
    this.#world = world;
    this.#process = process;
  }

  /** The message of a transaction. */
  messageOf({ name, bodySize, immunity }: PlannedTransaction): Message {
    return {
      topic: TOPIC,
      body: bodyOf(name, bodySize),
      keys: name,
      ...(immunity === undefined
        ? {}
        : { properties: { CHECK_IMMUNITY_TIME_IN_SECONDS: String(immunity) } }),
    };
  }

  /** Runs a local transaction as it is planned. */
  runLocal(txn: PlannedTransaction): LocalTransactionState | Promise<LocalTransactionState> {
    const { tell, database } = this.#world, { name: member } = this.#process;
    const { takes, recordedAfter, decision, ends } = txn.local;
    tell({ type: "localBegan", member, txn: txn.name });
    const records = !txn.undecided && ends !== "throwsEarly";
    const end = (): LocalTransactionState => {
      const state = records ? database.record(txn.name, decision) : undefined;
      const returned: Returned = txn.undecided
        ? "UNKNOWN"
        : ends === "garbage"
        ? "garbage"
        : ends === "throws" || ends === "throwsEarly"
        ? "threw"
        : ends === "unknown"
        ? "UNKNOWN"
        : state!;
      tell({ type: "localEnded", member, txn: txn.name, returned });
      return give(returned);
    };
    if (takes === 0 && ends !== "never") return end();
    if (records) {
      this.#process.later(takes * recordedAfter, () => database.record(txn.name, decision));
    }
    return new Promise((resolve, reject) => {
      if (ends === "never" && !txn.undecided) return;
      this.#process.later(takes, () => {
        try {
          resolve(end());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Answers a question as it is planned. */
  check(
    message: MessageExt,
    context: { localTransactionRan: boolean | undefined },
  ): LocalTransactionState | Promise<LocalTransactionState> {
    const { plan, asked, tell } = this.#world;
    const txn = plan.transactions.find(({ name }) => message.keys?.includes(name))!;
    const call = asked.get(txn.name) ?? 0;
    asked.set(txn.name, call + 1);
    const { takes, gives }: CheckBehaviour = txn.undecided
      ? { takes: 0, gives: "unknown" }
      : txn.checks[call] ?? { takes: 0, gives: "truth" };
    const ran = context.localTransactionRan;
    const facts = { member: this.#process.name, txn: txn.name, call };
    tell({
      type: "asked",
      ...facts,
      ran,
      takes: gives === "never" ? Infinity : takes,
      ...(isMessageOf(message, txn) ? {} : { isAltered: true }),
    });
    const answer = (): LocalTransactionState => {
      const returned = gives === "truth"
        ? this.#truth(txn, ran)
        : gives === "opposite"
        ? OPPOSITE[this.#truth(txn, ran)]
        : RETURNED[gives];
      tell({ type: "answered", ...facts, returned });
      return give(returned);
    };
    if (gives === "throwsSync" || (takes === 0 && gives !== "never")) return answer();
    return new Promise((resolve, reject) => {
      if (gives === "never") return;
      this.#process.later(takes, () => {
        try {
          resolve(answer());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /**
   * Something that is no state was the answer; gives a better one, every other time.
   *
   * @param refusal Name of the error that came of it.
   */
  misuse(
    message: MessageExt,
    context: { localTransactionRan: boolean | undefined },
    refusal: string | undefined,
    isAnswered: boolean,
  ): LocalTransactionState | undefined {
    const { plan, asked, tell } = this.#world;
    const txn = plan.transactions.find(({ name }) => message.keys?.includes(name))!;
    const call = asked.get(txn.name)! - 1,
      facts = { member: this.#process.name, txn: txn.name, call };
    tell({ type: "misused", ...facts, ...(refusal === undefined ? {} : { refusal }), isAnswered });
    if (isAnswered || call % 2 === 1) return undefined;
    const returned = this.#truth(txn, context.localTransactionRan);
    tell({ type: "answered", ...facts, returned });
    return give(returned);
  }

  /**
   * What the database says. Where it says nothing, and nothing can come any more, this is recorded
   * as a rollback, so that it stays true.
   */
  #truth(txn: PlannedTransaction, ran: boolean | undefined): Decision | "UNKNOWN" {
    const { database, scheduler, calledAt } = this.#world;
    const known = database.get(txn.name);
    if (known) return known;
    const isOver = ran !== undefined ||
      scheduler.now > calledAt.get(txn.name)! + txn.timeout + this.#longestLocal(txn);
    return isOver ? database.record(txn.name, "ROLLBACK") : "UNKNOWN";
  }

  #longestLocal({ immunity = 0 }: PlannedTransaction): number {
    return LONGEST_LOCAL + immunity * 1_000;
  }
}

/** Whether a message is as it was sent. */
function isMessageOf(
  { body, properties }: MessageExt,
  { name, bodySize, immunity }: PlannedTransaction,
): boolean {
  const wanted = bodyOf(name, bodySize);
  return properties.CHECK_IMMUNITY_TIME_IN_SECONDS === immunity?.toString() &&
    body.length === wanted.length && body.every((byte, index) => byte === wanted[index]);
}

function give(returned: Returned): LocalTransactionState {
  switch (returned) {
    case "COMMIT":
      return LocalTransactionState.Commit;
    case "ROLLBACK":
      return LocalTransactionState.Rollback;
    case "UNKNOWN":
      return LocalTransactionState.Unknown;
    case "garbage":
      return "committed" as LocalTransactionState;
    case "threw":
      throw new Error("the database is gone");
  }
}

const OPPOSITE = { COMMIT: "ROLLBACK", ROLLBACK: "COMMIT", UNKNOWN: "UNKNOWN" } as const;

const RETURNED = {
  unknown: "UNKNOWN",
  throwsSync: "threw",
  throwsAsync: "threw",
  garbage: "garbage",
  never: "UNKNOWN",
} as const;
