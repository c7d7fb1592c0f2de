import { checkNames, checkTime, namesOf } from "../checks.ts";
import { type Clock, sleep, systemClock } from "../clock.ts";
import { InvalidArgumentError, InvalidStateError } from "../errors.ts";
import type { MessageExt } from "../message/mod.ts";
import type { TransactionEvent, TransactionFacts } from "./events.ts";
import {
  resolveTransactionOptions,
  TRANSACTION_PRODUCER_OPTIONS,
  type TransactionProducerOptions,
  type TransactionSettings,
} from "./options.ts";
import type {
  CheckContext,
  EndTransactionContext,
  EndTransactionReport,
  LocalTransactionState,
} from "./states.ts";
import { TransactionProducer } from "./transaction_producer.ts";

/** The options of a recovery: those of a transaction producer that sends nothing, and its end. */
export interface RecoveryOptions extends Omit<TransactionProducerOptions, "transactionListener"> {
  /** Says what became of a local transaction that another process ran: look it up in the database. */
  checkLocalTransaction(
    message: MessageExt,
    context: CheckContext,
  ): LocalTransactionState | Promise<LocalTransactionState>;
  /**
   * Milliseconds without a check-back that came or was answered, after which nothing is left to
   * recover. A broker with default settings checks a half message once it is 6 s old, then every
   * 30 s: the default has room for two whole rounds, so that one lost check-back does no harm. Make it
   * longer where `transactionTimeOut` or `transactionCheckInterval` of the brokers are, and where
   * messages have a `CHECK_IMMUNITY_TIME_IN_SECONDS`.
   *
   * @default {90000}
   */
  idleTimeout?: number;
  /** Ends the recovery early: what the listener works on is still answered. */
  signal?: AbortSignal;
}

/** What a recovery did. The four counts are of transactions, by the last answer about each. */
export interface RecoveryResult extends Readonly<RecoveryCounts> {
  /** Check-backs that came. A transaction is checked until it is settled or discarded. */
  readonly checkBacks: number;
  /**
   * Transactions that were checked and not settled, 1000 at most: `inspect()` tells how they stand,
   * `resume()` has those that were discarded checked again.
   */
  readonly openTransactions: readonly TransactionFacts[];
  /** Brokers that could check at the end. What one that is not among them holds may still be open. */
  readonly registeredBrokers: readonly string[];
  /** Whether the signal ended it, before it was idle. */
  readonly aborted: boolean;
}

const RECOVERY_OPTIONS: ReadonlySet<string> = new Set([
  ...[...TRANSACTION_PRODUCER_OPTIONS].filter((name) => name !== "transactionListener"),
  ...namesOf<Omit<RecoveryOptions, keyof TransactionProducerOptions>>({
    checkLocalTransaction: true,
    idleTimeout: true,
    signal: true,
  }),
]);

/** Two check rounds of a broker with default settings, the age at which it first checks, and some room. */
const DEFAULT_IDLE_TIMEOUT = 90_000;

/** Most open transactions that a result names. */
const MAX_OPEN_TRANSACTIONS = 1_000;

/** Milliseconds between two looks at a listener that works for longer than the idle time. */
const LOOK_INTERVAL = 1_000;

/** What a recovery waits for the end of. A broker that is back may only now begin to check. */
const ACTIVITY: ReadonlySet<TransactionEvent["type"]> = new Set(
  ["brokerRegistered", "checkBack", "endTransaction"] as const,
);

/**
 * Settles what earlier processes left open, and ends: a job for after a crash, or for before the
 * last member of a group is taken away. It registers with the brokers of `topics` as a member of
 * the group, answers their check-backs, and sends nothing itself. Other members may run meanwhile;
 * a broker checks with one of them at a time.
 *
 * The time in which a listener works on a check-back does not count as idle. At the end, answers
 * that are under way have `shutdownTimeout` to arrive, by default as long as one may take.
 *
 * @throws {InvalidArgumentError} when an option is wrong.
 * @throws {RocketMQError} when a topic has no route or none of its brokers can be reached.
 *
 * @example
 * ```ts
 * import { LocalTransactionState, recoverTransactions } from "@rocketmq-deno/client";
 *
 * // A job of its own: deno run --allow-net recover.ts
 * async function main(): Promise<void> {
 *   const stop = new AbortController();
 *   Deno.addSignalListener("SIGTERM", () => stop.abort());
 *   const orders = new Map([["order 1", "paid"]]); // stands for a table in your database
 *   const result = await recoverTransactions({
 *     nameServers: "127.0.0.1:9876",
 *     producerGroup: "order_service",
 *     topics: ["orders"],
 *     checkLocalTransaction: (message) =>
 *       orders.has(message.keys[0] ?? "")
 *         ? LocalTransactionState.Commit
 *         : LocalTransactionState.Rollback,
 *     signal: stop.signal,
 *   });
 *   const { committed, rolledBack, openTransactions } = result;
 *   console.log(`${committed} committed, ${rolledBack} rolled back`);
 *   Deno.exit(openTransactions.length > 0 || result.aborted ? 1 : 0);
 * }
 * ```
 */
export async function recoverTransactions(options: RecoveryOptions): Promise<RecoveryResult> {
  const { checkLocalTransaction, idleTimeout: idle, signal, ...rest } = checkOptions(options);
  const idleTimeout = checkTime("idleTimeout", idle, DEFAULT_IDLE_TIMEOUT);
  const ledger = new RecoveryLedger();
  const { endTransactionHooks: hooks = [] } = rest;
  const producerOptions: TransactionProducerOptions = {
    ...rest,
    transactionListener: {
      executeLocalTransaction() {
        throw new InvalidStateError("Cannot run local transaction: a recovery sends nothing");
      },
      checkLocalTransaction: checkLocalTransaction.bind(options),
    },
    endTransactionHooks: [
      { after: (context, report) => ledger.answered(context, report) },
      ...Array.isArray(hooks) ? hooks : [hooks],
    ],
  };
  const producer = new TransactionProducer(producerOptions);
  const timeout = options.shutdownTimeout ?? answerTime(resolveTransactionOptions(producerOptions));
  const clock = options.clock ?? systemClock;
  const events = producer.events();
  let lastActivity = clock.monotonic();
  const watch = async () => {
    for await (const event of events) {
      if (ACTIVITY.has(event.type)) lastActivity = clock.monotonic();
      if (event.type === "commitFound") ledger.foundCommitted(event);
    }
  };
  const watching = watch();
  let registeredBrokers: readonly string[] = [], aborted = false;
  try {
    await producer.start(signal ? { signal } : {});
    await untilIdle(producer, clock, () => lastActivity + idleTimeout, signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
    aborted = true;
  } finally {
    registeredBrokers = producer.stats().registeredBrokers;
    await producer.shutdown({ timeout });
    await watching;
  }
  return {
    ...ledger.counts,
    checkBacks: producer.stats().checkBacks,
    openTransactions: ledger.open(MAX_OPEN_TRANSACTIONS),
    registeredBrokers,
    aborted,
  };
}

/** Waits until a time that activity puts off is reached while no check-back is being answered. */
async function untilIdle(
  producer: TransactionProducer,
  clock: Clock,
  idleAt: () => number,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const rest = idleAt() - clock.monotonic();
    const { waitingChecks, runningChecks } = producer.stats();
    if (rest <= 0 && waitingChecks + runningChecks === 0) return;
    await sleep(clock, rest > 0 ? rest : LOOK_INTERVAL, signal);
  }
}

/** Milliseconds that one answer may take: the listener, and END_TRANSACTION. */
function answerTime({ checkTimeout, endTransactionTimeout }: TransactionSettings): number {
  return checkTimeout + endTransactionTimeout;
}

function checkOptions(options: RecoveryOptions): RecoveryOptions {
  if (typeof options?.checkLocalTransaction !== "function") {
    throw new InvalidArgumentError(
      "Cannot recover transactions: checkLocalTransaction is not a function, it has to say what " +
        "became of the local transactions of earlier processes",
    );
  }
  checkNames(options, RECOVERY_OPTIONS);
  return options;
}

/** What the last answer about a transaction was, and whether it arrived. */
type Ending = keyof RecoveryCounts;

/** How many transactions came to which end, each counted once, by the last answer about it. */
export interface RecoveryCounts {
  /** Transactions that were committed. */
  committed: number;
  /** Transactions that were rolled back. */
  rolledBack: number;
  /** Transactions of which the last answer was *unknown*. */
  unknown: number;
  /** Transactions whose commit or rollback could not be delivered. */
  failed: number;
}

/** Most transactions that are remembered one by one; of an older one only the count is left. */
const MEMORY = 10_000;

/** Keeps which transactions a recovery has answered, and how each stands. */
export class RecoveryLedger {
  /** How many transactions stand how. */
  readonly counts: RecoveryCounts = { committed: 0, rolledBack: 0, unknown: 0, failed: 0 };
  readonly #capacity: number;
  readonly #entries = new Map<string, { facts: TransactionFacts; ending: Ending }>();

  constructor(capacity: number = MEMORY) {
    this.#capacity = capacity;
  }

  /**
   * Enters an answer. What is settled stays settled: a check-back that crossed the end of its
   * transaction is answered *unknown*, which undoes nothing.
   */
  answered(context: EndTransactionContext, report: EndTransactionReport): void {
    this.#enter(context, endingOf(context, report));
  }

  /** Enters a transaction whose message was found visible. */
  foundCommitted(facts: TransactionFacts): void {
    this.#enter(facts, "committed");
  }

  /** The transactions that are not settled, at most `limit`, those answered about last first. */
  open(limit: number): TransactionFacts[] {
    const entries = [...this.#entries.values()].reverse();
    return entries.filter(({ ending }) => !isSettled(ending)).slice(0, limit)
      .map(({ facts }) => facts);
  }

  #enter({ transactionId, topic, brokerName }: TransactionFacts, ending: Ending): void {
    const known = this.#entries.get(transactionId);
    if (known && isSettled(known.ending)) return;
    if (known) this.counts[known.ending]--;
    this.counts[ending]++;
    this.#entries.delete(transactionId);
    this.#entries.set(transactionId, { facts: { transactionId, topic, brokerName }, ending });
    if (this.#entries.size <= this.#capacity) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }
}

function endingOf({ state }: EndTransactionContext, { outcome }: EndTransactionReport): Ending {
  if (state === "UNKNOWN") return "unknown";
  if (outcome === "failed") return "failed";
  return state === "COMMIT" ? "committed" : "rolledBack";
}

function isSettled(ending: Ending): boolean {
  return ending === "committed" || ending === "rolledBack";
}
