import { checkCount, checkTime, namesOf, shown, suggest } from "../checks.ts";
import { InvalidArgumentError, printable } from "../errors.ts";
import {
  type CallOptions,
  checkHooks,
  PRODUCER_OPTIONS,
  type ProducerOptions,
  type SendOptions,
} from "../producer/mod.ts";
import type { EndTransactionHooks, TransactionListener } from "./states.ts";

/**
 * The options of a transaction producer.
 *
 * @typeParam Arg What `sendMessageInTransaction` hands to the listener.
 */
export interface TransactionProducerOptions<Arg = undefined> extends ProducerOptions {
  /**
   * The topics that this producer, or another of its group, sends to. It registers with their
   * brokers before `start()` resolves, so that it gets the check-backs of transactions that were
   * left open, also when it was just restarted and sends nothing.
   */
  topics: readonly string[];
  /** Runs local transactions and says what became of them. */
  transactionListener: TransactionListener<Arg>;
  /**
   * Milliseconds for one END_TRANSACTION, with its repetitions. Before a COMMIT that answers a
   * check-back the broker is asked whether the message is visible already. If it is not, and the
   * listener did not answer immediately, the broker is asked again after a quarter of this time or a second:
   * a listener that waited for the lock of the local transaction answers when its sender commits.
   *
   * @default {3000}
   */
  endTransactionTimeout?: number;
  /**
   * `confirm` has the broker answer commit and rollback. `oneway` does not, like other clients: a
   * request that gets lost is then noticed by the check-back only. A one-way request leaves with
   * whatever else its turn of the event loop sends, right after the result was given: a process that
   * ends immediately has to await `shutdown()` first.
   *
   * @default {"confirm"}
   */
  endTransactionMode?: "confirm" | "oneway";
  /**
   * How often the brokers check a half message before they discard it, their `transactionCheckMax`:
   * for warnings of the last checks, before which a visible message is looked for.
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
   * Most bytes of messages that such check-backs hold, together with those that the listener works on;
   * over it check-backs are dropped, and come again. A single one is taken whatever its size.
   *
   * @default {67108864}
   */
  checkRequestHoldBytes?: number;
  /**
   * Most check-backs that the listener works on at once.
   *
   * @default {64}
   */
  checkConcurrency?: number;
  /**
   * Milliseconds within which a check-back must be answered; then it is answered with *unknown*, and
   * what the listener says later is ignored. Keep it below the broker's
   * `transactionCheckInterval`, 30 s by default.
   *
   * @default {20000}
   */
  checkTimeout?: number;
  /** What the application wants to do around every END_TRANSACTION. Several are called in their order. */
  endTransactionHooks?: EndTransactionHooks | readonly EndTransactionHooks[];
}

/** Names the options of a transaction producer. */
export const TRANSACTION_PRODUCER_OPTIONS: ReadonlySet<string> = new Set([
  ...PRODUCER_OPTIONS,
  ...namesOf<Omit<TransactionProducerOptions, keyof ProducerOptions>>({
    transactionListener: true,
    endTransactionTimeout: true,
    endTransactionMode: true,
    transactionCheckMax: true,
    checkRequestHoldMax: true,
    checkRequestHoldBytes: true,
    checkConcurrency: true,
    checkTimeout: true,
    endTransactionHooks: true,
  }),
]);

/** Names the methods of a listener. */
const LISTENER_METHODS = namesOf<TransactionListener>({
  executeLocalTransaction: true,
  checkLocalTransaction: true,
});

/** What follows the message in a transactional send: the argument may be left out where it may be undefined. */
export type TransactionArguments<Arg> = undefined extends Arg ? [arg?: Arg, options?: SendOptions]
  : [arg: Arg, options?: SendOptions];

/** The settings of a look at one transaction. */
export interface InspectOptions extends CallOptions {
  /** The topic of its message. */
  topic: string;
}

/** The part of the options that only transactions need, checked and complete. */
export interface TransactionSettings {
  readonly endTransactionTimeout: number;
  readonly endTransactionMode: "confirm" | "oneway";
  readonly transactionCheckMax: number;
  readonly checkRequestHoldMax: number;
  readonly checkRequestHoldBytes: number;
  readonly checkConcurrency: number;
  readonly checkTimeout: number;
  readonly endTransactionHooks: readonly EndTransactionHooks[];
  readonly capacities: Capacities;
}

/** Bounds of what is remembered; only tests have a reason to make them small. */
export interface Capacities {
  /** Endings with trouble. */
  readonly maxTroubled?: number;
  /** Look-ups at once. */
  readonly maxQueries?: number;
}

/** The name of an option for {@linkcode Capacities}, of which no documentation tells. */
export const CAPACITIES: unique symbol = Symbol("capacities");

/** Checks what only transactions need, and adds the defaults. @throws {InvalidArgumentError} */
export function resolveTransactionOptions<Arg>(
  options: TransactionProducerOptions<Arg>,
): TransactionSettings {
  if (!Array.isArray(options?.topics) || options.topics.length === 0) {
    throw new InvalidArgumentError(
      "Cannot make transaction producer: topics is empty, name every topic that its group sends to: " +
        "without them a restarted producer gets no check-backs of open transactions",
    );
  }
  checkListener(options.transactionListener);
  const mode: unknown = options.endTransactionMode ?? "confirm";
  if (mode !== "confirm" && mode !== "oneway") {
    throw new InvalidArgumentError(
      `Cannot use option endTransactionMode: it must be "confirm" or "oneway", current value is ${
        shown(mode)
      }`,
    );
  }
  return {
    endTransactionTimeout: checkTime("endTransactionTimeout", options.endTransactionTimeout, 3_000),
    endTransactionMode: mode,
    transactionCheckMax: checkCount("transactionCheckMax", options.transactionCheckMax, {
      fallback: 15,
      min: 1,
      max: 1_000_000,
    }),
    checkRequestHoldMax: checkCount("checkRequestHoldMax", options.checkRequestHoldMax, {
      fallback: 2_000,
      min: 1,
      max: 1_000_000,
    }),
    checkRequestHoldBytes: checkCount("checkRequestHoldBytes", options.checkRequestHoldBytes, {
      fallback: 64 * 1024 * 1024,
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      unit: " bytes",
    }),
    checkConcurrency: checkCount("checkConcurrency", options.checkConcurrency, {
      fallback: 64,
      min: 1,
      max: 100_000,
    }),
    checkTimeout: checkTime("checkTimeout", options.checkTimeout, 20_000),
    endTransactionHooks: checkHooks("endTransactionHooks", options.endTransactionHooks, [
      "before",
      "after",
    ]),
    capacities: (options as { [CAPACITIES]?: Capacities })[CAPACITIES] ?? {},
  };
}

function checkListener(listener: unknown): void {
  if (listener === null || typeof listener !== "object") {
    throw new InvalidArgumentError(
      "Cannot make transaction producer: transactionListener has no method executeLocalTransaction, it is " +
        shown(listener),
    );
  }
  const { executeLocalTransaction, checkLocalTransaction } = listener as Record<string, unknown>;
  const misspelt = misspeltMethod(listener);
  if (typeof executeLocalTransaction !== "function") {
    throw new InvalidArgumentError(
      `Cannot make transaction producer: transactionListener has no method executeLocalTransaction${
        misspelt ? `, but ${misspelt}` : ""
      }`,
    );
  }
  if (checkLocalTransaction !== undefined && typeof checkLocalTransaction !== "function") {
    throw new InvalidArgumentError(
      "Cannot make transaction producer: checkLocalTransaction of transactionListener is not a method",
    );
  }
  if (checkLocalTransaction === undefined && misspelt) {
    throw new InvalidArgumentError(
      `Cannot make transaction producer: transactionListener has a method ${misspelt}, did you mean ` +
        "checkLocalTransaction?",
    );
  }
}

/** Returns the name of a method that is nearly one of a listener. Others are the application's own. */
function misspeltMethod(listener: object): string | undefined {
  for (let of = listener; of && of !== Object.prototype; of = Object.getPrototypeOf(of)) {
    for (const name of Object.getOwnPropertyNames(of)) {
      if (/local|transac|check/i.test(name) && !LISTENER_METHODS.has(name)) {
        if (suggest(name, LISTENER_METHODS) !== undefined) return printable(name, 64);
      }
    }
  }
  return undefined;
}
