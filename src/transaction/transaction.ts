import { InvalidStateError } from "../errors.ts";
import type { LocalTransactionContext, TransactionSendResult, Verdict } from "./states.ts";

/**
 * A transaction whose half message is stored, in the hands of the application: it ends with one
 * commit or rollback. While it is open, check-backs for it are answered *unknown* by themselves.
 * Leaving it with `await using` without either says *unknown* to the broker, and never rolls anything
 * back: the check-back decides.
 *
 * @example
 * ```ts
 * import type { TransactionProducer } from "@rocketmq-deno/client";
 *
 * async function transfer(producer: TransactionProducer, save: (id: string) => Promise<boolean>) {
 *   await using tx = await producer.begin({ topic: "transfers", body: "100 EUR" });
 *   if (await save(tx.transactionId)) await tx.commit();
 *   else await tx.rollback();
 * }
 * ```
 */
export interface Transaction extends LocalTransactionContext, AsyncDisposable {
  /** Whether it was committed, rolled back or left. */
  readonly isEnded: boolean;

  /**
   * Makes the message visible. The result says whether the broker confirmed it.
   *
   * @throws {InvalidStateError} when it has ended already.
   */
  commit(): Promise<TransactionSendResult>;

  /**
   * Discards the message.
   *
   * @throws {InvalidStateError} when it has ended already.
   */
  rollback(): Promise<TransactionSendResult>;
}

/** Gives a transaction into the hands of the application. */
export class OpenTransaction implements Transaction {
  readonly transactionId;
  readonly messageQueue;
  readonly signal: AbortSignal;
  readonly #decide: (state: Verdict | "UNKNOWN") => Promise<TransactionSendResult>;
  #ended = false;

  constructor(
    context: LocalTransactionContext,
    decide: (state: Verdict | "UNKNOWN") => Promise<TransactionSendResult>,
  ) {
    this.transactionId = context.transactionId;
    this.messageQueue = context.messageQueue;
    this.signal = context.signal;
    this.#decide = decide;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  commit(): Promise<TransactionSendResult> {
    return this.#end("COMMIT");
  }

  rollback(): Promise<TransactionSendResult> {
    return this.#end("ROLLBACK");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.#end("UNKNOWN");
  }

  async #end(state: Verdict | "UNKNOWN"): Promise<TransactionSendResult> {
    if (this.#ended) {
      throw new InvalidStateError(
        `Cannot end transaction ${this.transactionId}: it was committed or rolled back already`,
      );
    }
    this.#ended = true;
    return await this.#decide(state);
  }
}
