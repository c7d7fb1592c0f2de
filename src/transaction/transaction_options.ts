import { checkCount, checkTime } from "../checks.ts";
import { InvalidArgumentError } from "../errors.ts";
import { checkHooks, type ProducerOptions, type SendOptions } from "../producer/mod.ts";
import type { EndTransactionHooks } from "./end_transaction_hooks.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";
import type { TransactionListener } from "./transaction_listener.ts";

/**
 * The options of a transaction producer.
 *
 * @typeParam Arg What `sendMessageInTransaction` hands to the listener.
 */
export interface TransactionProducerOptions<Arg = unknown> extends ProducerOptions {
  /**
   * The topics that this producer, or another of its group, sends to. It registers with their
   * brokers before `start()` resolves, so that it gets the check-backs of transactions that were
   * left open, also when it was just restarted and sends nothing.
   */
  topics: readonly string[];
  /** Runs local transactions and says what became of them. */
  transactionListener: TransactionListener<Arg>;
  /**
   * Milliseconds for one END_TRANSACTION.
   *
   * @default {3000}
   */
  endTransactionTimeout?: number;
  /**
   * `confirm` asks the broker to answer commit and rollback, `oneway` does not, as other clients:
   * a lost verdict is then noticed by the check-back only. A commit is looked for in its topic
   * before a check-back has it given again; one that crosses the check-back on its way may still be
   * stored twice. A one-way verdict leaves with whatever else its turn of the event loop sends, right
   * after the result was given: a process that ends then and there has to await `shutdown()` first.
   *
   * @default {"confirm"}
   */
  endTransactionMode?: "confirm" | "oneway";
  /**
   * How often the brokers ask about a half message before they give it up, their
   * `transactionCheckMax`: for warnings of the last checks, and to commit in time what a broker that
   * was lost would give up as a surplus copy.
   *
   * @default {15}
   */
  transactionCheckMax?: number;
  /**
   * Most check-backs that wait for the listener; over it they are dropped, and come again.
   *
   * @default {2000}
   */
  checkRequestHoldMax?: number;
  /**
   * Most check-backs that the listener works on at once.
   *
   * @default {64}
   */
  checkConcurrency?: number;
  /**
   * Milliseconds within which a check-back must be answered; then it is answered with *unknown*, and
   * what the listener says later is thrown away. Keep it below the broker's
   * `transactionCheckInterval`, 30 s by default.
   *
   * @default {20000}
   */
  checkTimeout?: number;
  /** What the application wants to do around every verdict. Several are called in their order. */
  endTransactionHooks?: EndTransactionHooks | readonly EndTransactionHooks[];
}

/** What follows the message in a transactional send: the argument may be left out where it may be undefined. */
export type TransactionArguments<Arg> = undefined extends Arg ? [arg?: Arg, options?: SendOptions]
  : [arg: Arg, options?: SendOptions];

/** The settings of a look at one transaction. */
export interface InspectOptions extends SendOptions {
  /** The topic of its message. */
  topic: string;
}

/** What the work of a transaction may return: nothing, which means commit, or a state. */
export type TransactionOutcome = LocalTransactionState | void;

/** The part of the options that only transactions need, checked and complete. */
export interface TransactionSettings {
  /** See {@linkcode TransactionProducerOptions.endTransactionTimeout}. */
  readonly endTransactionTimeout: number;
  /** See {@linkcode TransactionProducerOptions.endTransactionMode}. */
  readonly endTransactionMode: "confirm" | "oneway";
  /** See {@linkcode TransactionProducerOptions.transactionCheckMax}. */
  readonly transactionCheckMax: number;
  /** See {@linkcode TransactionProducerOptions.checkRequestHoldMax}. */
  readonly checkRequestHoldMax: number;
  /** See {@linkcode TransactionProducerOptions.checkConcurrency}. */
  readonly checkConcurrency: number;
  /** See {@linkcode TransactionProducerOptions.checkTimeout}. */
  readonly checkTimeout: number;
  /** See {@linkcode TransactionProducerOptions.endTransactionHooks}. */
  readonly endTransactionHooks: readonly EndTransactionHooks[];
}

/** Checks what only transactions need, and adds the defaults. @throws {InvalidArgumentError} */
export function resolveTransactionOptions<Arg>(
  options: TransactionProducerOptions<Arg>,
): TransactionSettings {
  if (!Array.isArray(options?.topics) || options.topics.length === 0) {
    throw new InvalidArgumentError(
      "Cannot make transaction producer: topics is empty, name every topic that its group sends to: " +
        "without them a restarted producer is never asked about open transactions",
    );
  }
  const listener = options.transactionListener;
  if (typeof listener?.executeLocalTransaction !== "function") {
    throw new InvalidArgumentError(
      "Cannot make transaction producer: transactionListener has no method executeLocalTransaction",
    );
  }
  const check: unknown = listener.checkLocalTransaction;
  if (check !== undefined && typeof check !== "function") {
    throw new InvalidArgumentError(
      "Cannot make transaction producer: checkLocalTransaction of transactionListener is not a method",
    );
  }
  const mode: unknown = options.endTransactionMode ?? "confirm";
  if (mode !== "confirm" && mode !== "oneway") {
    throw new InvalidArgumentError(
      'Cannot use option endTransactionMode: it must be "confirm" or "oneway"',
    );
  }
  return {
    endTransactionTimeout: checkTime("endTransactionTimeout", options.endTransactionTimeout, 3_000),
    endTransactionMode: mode,
    transactionCheckMax: checkCount(
      "transactionCheckMax",
      options.transactionCheckMax,
      15,
      1,
      1_000_000,
    ),
    checkRequestHoldMax: checkCount(
      "checkRequestHoldMax",
      options.checkRequestHoldMax,
      2_000,
      1,
      1_000_000,
    ),
    checkConcurrency: checkCount("checkConcurrency", options.checkConcurrency, 64, 1, 100_000),
    checkTimeout: checkTime("checkTimeout", options.checkTimeout, 20_000),
    endTransactionHooks: checkHooks("endTransactionHooks", options.endTransactionHooks, [
      "before",
      "after",
    ]),
  };
}
