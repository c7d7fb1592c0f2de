import { InvalidArgumentError, InvalidStateError } from "../errors.ts";
import type { MessageExt } from "../message/mod.ts";
import {
  type CheckContext,
  type EndTransactionOutcome,
  isLocalTransactionState,
  type LocalTransactionState,
  notAState,
} from "./states.ts";

/**
 * A check of the broker: what became of this transaction? It takes one answer, within the producer's
 * `checkTimeout`; without one the broker checks again.
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
export interface CheckBack extends CheckContext {
  /** The half message, its body decompressed. */
  readonly message: MessageExt;
  /** Whether it was answered or its time is over. */
  readonly isAnswered: boolean;

  /**
   * Makes the message visible.
   *
   * @throws {InvalidStateError} when it was answered already or its time is over.
   */
  commit(): Promise<EndTransactionOutcome>;

  /**
   * Discards the message.
   *
   * @throws {InvalidStateError} when it was answered already or its time is over.
   */
  rollback(): Promise<EndTransactionOutcome>;

  /**
   * Leaves it open: the broker checks again.
   *
   * @throws {InvalidStateError} when it was answered already or its time is over.
   */
  unknown(): Promise<EndTransactionOutcome>;

  /**
   * Answers with a state; `cause` says why it is unknown, its message goes to the broker's log.
   *
   * @throws {InvalidArgumentError} when `state` is none; it can be answered still.
   * @throws {InvalidStateError} when it was answered already or its time is over.
   */
  answer(state: LocalTransactionState, cause?: unknown): Promise<EndTransactionOutcome>;
}

export interface OpenCheckOptions {
  answer(
    check: OpenCheck,
    state: LocalTransactionState,
    cause: unknown,
  ): Promise<EndTransactionOutcome>;
  /** Takes an answer that came when its time was over, and is not sent. */
  onLate(state: LocalTransactionState): void;
}

/** A check-back in the hands of a listener or a loop. */
export class OpenCheck implements CheckBack {
  readonly message: MessageExt;
  readonly transactionId: string;
  readonly checkTimes: number;
  readonly localTransactionRan: boolean | undefined;
  readonly known: boolean;
  readonly brokerName: string;
  readonly #options: OpenCheckOptions;
  readonly #time = new AbortController();
  #answered = false;

  constructor(
    message: MessageExt,
    context: Omit<CheckContext, "known" | "signal">,
    options: OpenCheckOptions,
  ) {
    this.message = message;
    this.transactionId = context.transactionId;
    this.checkTimes = context.checkTimes;
    this.localTransactionRan = context.localTransactionRan;
    this.known = context.localTransactionRan !== undefined;
    this.brokerName = context.brokerName;
    this.#options = options;
  }

  get signal(): AbortSignal {
    return this.#time.signal;
  }

  get isAnswered(): boolean {
    return this.#answered || this.signal.aborted;
  }

  commit(): Promise<EndTransactionOutcome> {
    return this.answer("COMMIT");
  }

  rollback(): Promise<EndTransactionOutcome> {
    return this.answer("ROLLBACK");
  }

  unknown(): Promise<EndTransactionOutcome> {
    return this.answer("UNKNOWN");
  }

  async answer(state: LocalTransactionState, cause?: unknown): Promise<EndTransactionOutcome> {
    if (!isLocalTransactionState(state)) {
      throw new InvalidArgumentError(
        `Cannot answer the check-back of transaction ${this.transactionId}: ${notAState(state)}`,
        { brokerName: this.brokerName, topic: this.message.topic },
      );
    }
    if (this.#answered) {
      throw new InvalidStateError(
        `Cannot answer the check-back of transaction ${this.transactionId}: it was answered already`,
      );
    }
    if (this.signal.aborted) {
      this.#options.onLate(state);
      throw new InvalidStateError(
        `Cannot answer the check-back of transaction ${this.transactionId}: its time is over, ` +
          "it was answered with unknown and the broker checks again",
      );
    }
    this.#answered = true;
    return await this.#options.answer(this, state, cause);
  }

  /** Ends its time: it is answered with *unknown*. */
  expire(reason: Error): void {
    this.#time.abort(reason);
    this.#options.answer(this, "UNKNOWN", reason);
  }
}
