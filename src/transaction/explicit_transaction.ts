import { InvalidStateError } from "../errors.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";
import type { LocalTransactionContext } from "./transaction_listener.ts";
import type { TransactionSendResult } from "./transaction_result.ts";

/**
 * A transaction whose half message is stored, in the hands of the application: it ends with one
 * verdict. While it is open, check-backs for it are answered *unknown* by themselves. Leaving it
 * with `await using` without a verdict says *unknown* to the broker, and never rolls anything back:
 * the check-back decides.
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
export class Transaction implements AsyncDisposable {
  /** The id that a check-back for it carries: record it in the same database transaction. */
  readonly transactionId: string;
  /** The queue that the message will be visible in. */
  readonly messageQueue: MessageQueue;
  /** Aborts when the caller's signal does, and when a shutdown has reached its deadline. */
  readonly signal: AbortSignal;

  readonly #decide: (state: LocalTransactionState) => Promise<TransactionSendResult>;
  #ended = false;

  /** Made by the producer. */
  constructor(
    context: LocalTransactionContext,
    decide: (state: LocalTransactionState) => Promise<TransactionSendResult>,
  ) {
    this.transactionId = context.transactionId;
    this.messageQueue = context.messageQueue;
    this.signal = context.signal;
    this.#decide = decide;
  }

  /** Whether a verdict was given. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /**
   * Makes the message visible. The result says whether the broker confirmed it.
   *
   * @throws {InvalidStateError} when a verdict was given already.
   */
  commit(): Promise<TransactionSendResult> {
    return this.#end("COMMIT");
  }

  /**
   * Discards the message.
   *
   * @throws {InvalidStateError} when a verdict was given already.
   */
  rollback(): Promise<TransactionSendResult> {
    return this.#end("ROLLBACK");
  }

  /** Says *unknown* unless a verdict was given. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.#end("UNKNOWN");
  }

  async #end(state: LocalTransactionState): Promise<TransactionSendResult> {
    if (this.#ended) {
      throw new InvalidStateError(
        `Cannot end transaction ${this.transactionId}: a verdict was given already`,
      );
    }
    this.#ended = true;
    return await this.#decide(state);
  }
}
