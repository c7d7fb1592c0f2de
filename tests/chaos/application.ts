import {
  type CheckContext,
  type LocalTransactionContext,
  LocalTransactionState,
  type Message,
  type MessageExt,
  type TransactionListener,
} from "../../mod.ts";
import { crc32 } from "../../src/message/mod.ts";
import { Random } from "../fuzz/random.ts";
import { delay } from "../support/delay.ts";
import type { Database } from "./database.ts";
import type { Entry, LineWriter } from "./journal.ts";
import {
  answer,
  createBody,
  drawMessage,
  longestLocal,
  type MessagePlan,
  type WorkloadOptions,
} from "./workload.ts";

/** Milliseconds for what has no time of its own: between a send's deadline and its local transaction. */
const MARGIN = 3_000;

/** What one send remembers. */
export interface Attempt {
  plan: MessagePlan;
  /** When the local transaction began and ended, in milliseconds of `performance.now()`. */
  ranFrom?: number;
  ranTo?: number;
}

/** The application: it runs local transactions, and answers check-backs from its database. */
export class Application implements TransactionListener<Attempt> {
  readonly #options: WorkloadOptions & { sendTimeout: number };
  readonly #database: Database;
  readonly #journal: LineWriter<Entry>;

  constructor(
    options: WorkloadOptions & { sendTimeout: number },
    database: Database,
    journal: LineWriter<Entry>,
  ) {
    this.#options = options;
    this.#database = database;
    this.#journal = journal;
  }

  /** The message of a plan. */
  createMessage(topic: string, plan: MessagePlan): Message & { body: Uint8Array } {
    const body = createBody(this.#options.seed, plan);
    const properties = { sum: String(crc32(body)) };
    return { topic, keys: String(plan.index), tags: plan.truth, body, properties };
  }

  async executeLocalTransaction(
    message: Message,
    attempt: Attempt,
    { transactionId, messageQueue: { brokerName } }: LocalTransactionContext,
  ): Promise<LocalTransactionState> {
    attempt.ranFrom = performance.now();
    const { plan } = attempt;
    this.#journal.write({
      ...{ type: "ran", at: Date.now(), transactionId },
      ...{ index: plan.index, brokerName },
    });
    try {
      await delay(plan.localMs);
      const row = this.#database.insert({
        ...{ transactionId, index: plan.index, truth: plan.truth, isFenced: false },
        sum: Number(message.properties!.sum),
      });
      const instead = row.isFenced ? undefined : plan.local;
      return this.#say(transactionId, await answer(row.truth, instead, new Random(plan.index)));
    } finally {
      attempt.ranTo = performance.now();
    }
  }

  async checkLocalTransaction(
    message: MessageExt,
    { transactionId, checkTimes, localTransactionRan }: CheckContext,
  ): Promise<LocalTransactionState> {
    const index = Number(message.keys[0]);
    const plan = drawMessage(this.#options, index);
    await delay(plan.checkMs);
    const row = this.#database.find(transactionId) ??
      this.#fence(transactionId, message, localTransactionRan);
    if (!row) return this.#say(transactionId, LocalTransactionState.Unknown);
    const instead = plan.checks[checkTimes - 1];
    return this.#say(transactionId, await answer(row.truth, instead, new Random(index)));
  }

  /** Without a record: rolled back for good as soon as its local transaction can't come any more. */
  #fence(transactionId: string, message: MessageExt, ran: boolean | undefined) {
    const { sendTimeout } = this.#options;
    const over = message.bornTimestamp + sendTimeout + longestLocal(this.#options) + MARGIN;
    if (ran !== false && Date.now() < over) return undefined;
    return this.#database.insert({
      ...{ transactionId, index: Number(message.keys[0]), truth: "ROLLBACK", isFenced: true },
      sum: 0,
    });
  }

  #say(transactionId: string, state: LocalTransactionState): LocalTransactionState {
    this.#journal.write({ type: "said", at: Date.now(), transactionId, state });
    return state;
  }
}
