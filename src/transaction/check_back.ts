import { InvalidStateError } from "../errors.ts";
import type { MessageExt } from "../message/mod.ts";
import type { EndTransactionOutcome } from "./end_transaction.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";
import type { CheckContext } from "./transaction_listener.ts";

/** Sends the answer to a check-back. */
export type AnswerCheck = (
  state: LocalTransactionState,
  cause?: unknown,
) => Promise<EndTransactionOutcome>;

/**
 * A question of the broker: what became of this transaction? It takes one answer, within the
 * producer's `checkTimeout`; without one the broker asks again.
 *
 * @example
 * ```ts
 * import type { CheckBack } from "@rocketmq-deno/client";
 *
 * async function answer(check: CheckBack, committed: Set<string>): Promise<void> {
 *   if (committed.has(check.transactionId)) await check.commit();
 *   else await check.unknown();
 * }
 * ```
 */
export class CheckBack implements CheckContext {
  /** The half message, its body decompressed. */
  readonly message: MessageExt;
  /** The id of the transaction. */
  readonly transactionId: string;
  /** How often the broker has asked, this time included. */
  readonly checkTimes: number;
  /** See {@linkcode CheckContext.localTransactionRan}. */
  readonly localTransactionRan: boolean | undefined;
  /** Whether this producer object sent it and remembers. */
  readonly known: boolean;
  /** Name of the broker that asks. */
  readonly brokerName: string;
  /** Aborts when the time for an answer is over. */
  readonly signal: AbortSignal;

  readonly #answer: AnswerCheck;
  readonly #onLate: (state: LocalTransactionState) => void;
  #answered = false;

  /** Made by the producer. */
  constructor(
    message: MessageExt,
    context: CheckContext,
    answer: AnswerCheck,
    onLate: (state: LocalTransactionState) => void,
  ) {
    this.message = message;
    this.transactionId = context.transactionId;
    this.checkTimes = context.checkTimes;
    this.localTransactionRan = context.localTransactionRan;
    this.known = context.known;
    this.brokerName = context.brokerName;
    this.signal = context.signal;
    this.#answer = answer;
    this.#onLate = onLate;
  }

  /** Whether it was answered or its time is over. */
  get isAnswered(): boolean {
    return this.#answered || this.signal.aborted;
  }

  /**
   * Makes the message visible.
   *
   * @throws {InvalidStateError} when it was answered already or its time is over.
   */
  commit(): Promise<EndTransactionOutcome> {
    return this.answer("COMMIT");
  }

  /**
   * Discards the message.
   *
   * @throws {InvalidStateError} when it was answered already or its time is over.
   */
  rollback(): Promise<EndTransactionOutcome> {
    return this.answer("ROLLBACK");
  }

  /**
   * Leaves it open: the broker asks again.
   *
   * @throws {InvalidStateError} when it was answered already or its time is over.
   */
  unknown(): Promise<EndTransactionOutcome> {
    return this.answer("UNKNOWN");
  }

  /**
   * Answers with a state; `cause` says why it is unknown, its message goes to the broker's log.
   *
   * @throws {InvalidStateError} when it was answered already or its time is over.
   */
  async answer(state: LocalTransactionState, cause?: unknown): Promise<EndTransactionOutcome> {
    if (this.#answered) {
      throw new InvalidStateError(
        `Cannot answer the check-back of transaction ${this.transactionId}: it was answered already`,
      );
    }
    if (this.signal.aborted) {
      this.#onLate(state);
      throw new InvalidStateError(
        `Cannot answer the check-back of transaction ${this.transactionId}: its time is over, ` +
          "it was answered with unknown and the broker asks again",
      );
    }
    this.#answered = true;
    return await this.#answer(state, cause);
  }
}
