import type { ClientHooks } from "../client/mod.ts";
import type { Deadline } from "../clock.ts";
import { InvalidStateError } from "../errors.ts";
import type { Message } from "../message/mod.ts";
import { Producer, ProducerCore, type SendOptions } from "../producer/mod.ts";
import type { CheckBack } from "./check_back.ts";
import { CheckBacks, pumpCheckBacks } from "./check_backs.ts";
import { EndTransactions } from "./end_transaction.ts";
import type { TransactionEvent, TransactionProducerStats } from "./events.ts";
import {
  type DiscardedTransaction,
  inspectTransaction,
  resumeTransaction,
  type TransactionInspection,
} from "./inspect.ts";
import { finishWithin, Idle, TransactionBook } from "./live.ts";
import { TransactionInstrumentation } from "./observe.ts";
import {
  type InspectOptions,
  resolveTransactionOptions,
  type TransactionArguments,
  type TransactionOutcome,
  type TransactionProducerOptions,
  type TransactionSettings,
} from "./options.ts";
import { Report } from "./report.ts";
import {
  type LocalTransaction,
  notBegun,
  sendTransaction,
  type SendTransactionOptions,
} from "./send.ts";
import type {
  LocalTransactionContext,
  LocalTransactionState,
  TransactionListener,
  TransactionSendResult,
} from "./states.ts";
import { OpenTransaction, type Transaction } from "./transaction.ts";

/**
 * Sends messages that become visible if and only if a local transaction was committed.
 *
 * A message is stored as a *half message* that no consumer sees, then the listener runs the local
 * transaction, then END_TRANSACTION has the broker commit or roll back. A broker that hears nothing
 * checks back, with any producer of the group. Delivery is at least once: after some faults of a broker
 * a committed message can become visible twice, under one message id.
 *
 * @typeParam Arg What `sendMessageInTransaction` hands to the listener.
 *
 * @example
 * ```ts
 * import { LocalTransactionState, TransactionProducer } from "@rocketmq-deno/client";
 *
 * async function placeOrder(nameServers: string, order: { id: string }): Promise<void> {
 *   await using producer = new TransactionProducer<{ id: string }>({
 *     nameServers,
 *     producerGroup: "order_service",
 *     topics: ["orders"],
 *     transactionListener: {
 *       executeLocalTransaction: (_message, _order, _context) => LocalTransactionState.Commit,
 *       checkLocalTransaction: () => LocalTransactionState.Unknown,
 *     },
 *   });
 *   await producer.start();
 *   await producer.sendMessageInTransaction({ topic: "orders", body: order.id }, order);
 * }
 * ```
 */
export class TransactionProducer<Arg = unknown> extends Producer {
  readonly #core: ProducerCore;
  readonly #settings: TransactionSettings;
  readonly #listener: TransactionListener<Arg>;
  readonly #report: Report;
  readonly #instrumentation: TransactionInstrumentation;
  readonly #ends: EndTransactions;
  readonly #checks: CheckBacks;
  readonly #sendOptions: SendTransactionOptions;
  readonly #sends = new Idle();
  /** Aborts when nothing may wait any longer. */
  readonly #timeUp = new AbortController();
  /** Aborts when the producer is closed. */
  readonly #closed = new AbortController();

  /**
   * Checks the options; nothing is connected yet.
   * @throws {InvalidArgumentError} when an option is wrong.
   */
  constructor(options: TransactionProducerOptions<Arg>) {
    const core = new ProducerCore(options, options?.topics ?? []);
    super(options, core);
    const settings = resolveTransactionOptions(options);
    const { clock, logger } = core.settings, timeUp = this.#timeUp.signal;
    const { maxTroubled, maxQueries } = settings.capacities;
    this.#core = core;
    this.#settings = settings;
    this.#listener = options.transactionListener;
    const report = this.#report = new Report(logger, clock, settings.transactionCheckMax);
    const book = new TransactionBook(maxTroubled);
    const instrumentation = this.#instrumentation = new TransactionInstrumentation(
      core,
      settings.endTransactionHooks,
    );
    const ends = this.#ends = new EndTransactions({
      clock,
      producerGroup: core.producerGroup,
      timeout: settings.endTransactionTimeout,
      mode: settings.endTransactionMode,
      book,
      report,
      instrumentation,
      timeUp,
      maxQueries,
    });
    const closed = this.#closed.signal;
    this.#sendOptions = { core, book, ends, report, instrumentation, clock, timeUp, closed };
    const { maxMessageSize } = core;
    this.#checks = new CheckBacks({
      ...settings,
      clock,
      logger,
      maxMessageSize,
      book,
      ends,
      report,
      instrumentation,
      timeUp,
    });
  }

  /**
   * Finds the routes of the topics and registers with their brokers. When it resolves, check-backs
   * reach this producer.
   *
   * @throws {RocketMQError} when a topic has no route or none of its brokers can be reached; it
   * names the addresses and the remedy. The producer can be started again then.
   */
  override async start(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#pumpCheckBacks();
    await this.#core.start(this.#hooks(), (client) => {
      this.#ends.attach(client);
      return (check) => this.#checks.take(check);
    }, options.signal);
  }

  /**
   * Sends a half message, runs the local transaction, and has the broker commit or roll back.
   *
   * A half message that may have left is not sent again: when no answer comes, the send ends as
   * `indeterminate`, since a second half message could become visible as well. The send, with the wait
   * for its turn, takes at most `sendTimeout`, and END_TRANSACTION at most `endTransactionTimeout`.
   *
   * @param message What becomes visible. It is read once and never changed.
   * @throws {InvalidArgumentError} when the message can't be carried; nothing was sent.
   * @throws {TransactionSendError} when the local transaction was not run; its `outcome` says
   * whether a half message may exist.
   */
  sendMessageInTransaction(
    message: Message,
    ...[arg, options = {}]: TransactionArguments<Arg>
  ): Promise<TransactionSendResult> {
    return this.#run(
      message,
      options,
      (context) => this.#listener.executeLocalTransaction(message, arg as Arg, context),
    );
  }

  /**
   * Sends a half message and runs `work` as its local transaction. When `work` returns, the message
   * is committed, unless it returned another state. When `work` throws, what became of it is unknown:
   * the check-back decides, and the error is the result's `localTransactionError`.
   *
   * @throws {InvalidArgumentError} when the message can't be carried; nothing was sent.
   * @throws {TransactionSendError} when `work` was not run.
   */
  async transaction(
    message: Message,
    work: (tx: LocalTransactionContext) => TransactionOutcome | Promise<TransactionOutcome>,
    options: SendOptions = {},
  ): Promise<TransactionSendResult> {
    return await this.#run(message, options, async (tx) => await work(tx) ?? "COMMIT");
  }

  /**
   * Sends a half message and hands its transaction to the caller.
   *
   * @throws {InvalidArgumentError} when the message can't be carried; nothing was sent.
   * @throws {TransactionSendError} when the transaction could not begin.
   */
  async begin(message: Message, options: SendOptions = {}): Promise<Transaction> {
    const begun = Promise.withResolvers<Transaction>();
    const decided = Promise.withResolvers<LocalTransactionState>();
    const result = this.#run(message, options, (context) => {
      const decide = (state: LocalTransactionState) => {
        decided.resolve(state);
        return result;
      };
      begun.resolve(new OpenTransaction(context, decide));
      return decided.promise;
    });
    result.then((ended) => begun.reject(notBegun(message.topic, ended)), begun.reject);
    return await begun.promise;
  }

  /**
   * Iterates over the check-backs of the brokers, in the place of `checkLocalTransaction`. They wait
   * from `start()` on, and end with the producer.
   *
   * @throws {InvalidStateError} while something else takes them: the listener, or another loop.
   */
  checkBacks(): AsyncIterableIterator<CheckBack> {
    if (this.#listener.checkLocalTransaction) {
      throw new InvalidStateError(
        "Cannot iterate over the check-backs: the listener's checkLocalTransaction takes them",
      );
    }
    return this.#checks[Symbol.asyncIterator]();
  }

  /**
   * Asks the brokers of a topic what became of a transaction, this producer's or another's. A broker
   * indexes what it stores with a delay of some milliseconds.
   *
   * @throws {RocketMQError} when a broker can't be asked.
   */
  async inspect(transactionId: string, options: InspectOptions): Promise<TransactionInspection> {
    const [client, bounds] = this.#core.contact(options);
    return await inspectTransaction(client, options.topic, transactionId, bounds);
  }

  /**
   * Has a half message that its broker discarded put back: it is checked again. Takes what `inspect()`
   * returned of it: `brokerName` and `givenUpMessageId`. The broker is asked first what it has there:
   * with another topic, another id, or another `transactionId` if one is given, nothing is done.
   *
   * @throws {InvalidArgumentError} when `brokerName` or `givenUpMessageId` is missing.
   * @throws {InvalidStateError} when something else is there.
   * @throws {RocketMQError} when the broker has nothing there, refuses, or can't be reached.
   *
   * @example
   * ```ts
   * import type { TransactionProducer } from "@rocketmq-deno/client";
   *
   * async function bringBack(producer: TransactionProducer, id: string): Promise<void> {
   *   const found = await producer.inspect(id, { topic: "orders" });
   *   if (found.state === "givenUp") await producer.resume(found, { topic: "orders" });
   * }
   * ```
   */
  async resume(discarded: DiscardedTransaction, options: InspectOptions): Promise<void> {
    const [client, bounds] = this.#core.contact(options);
    await resumeTransaction(client, options.topic, discarded, bounds);
  }

  /**
   * Iterates over what happens from now on. Each iteration has its own buffer of 1024 events; one that
   * does not keep up loses the oldest, counted in `stats().droppedEvents`.
   */
  events(): AsyncIterableIterator<TransactionEvent> {
    return this.#report.events.subscribe();
  }

  /** Returns what was counted, and how much is held now. */
  override stats(): TransactionProducerStats {
    return {
      ...super.stats(),
      ...this.#report.counters,
      transactionsInFlight: this.#sends.size,
      waitingChecks: this.#checks.waiting,
      runningChecks: this.#checks.running,
      droppedEvents: this.#report.events.dropped,
    };
  }

  /**
   * Takes no more work, waits until local transactions have ended and check-backs are answered, then
   * leaves the group and closes the connections, within `timeout` milliseconds. What still runs shortly
   * before that has its signal aborted; what does not end then settles as *unknown*. A second call
   * waits for the first.
   */
  override async shutdown(options: { timeout?: number } = {}): Promise<void> {
    await this.#core.shutdown(options.timeout, (deadline) => this.#drain(deadline));
    this.#checks.end();
    // While it was starting, check-backs could come and nothing has waited for them.
    const reason = new InvalidStateError("The producer was shut down");
    this.#timeUp.abort(reason);
    this.#closed.abort(reason);
    this.#report.events.end();
  }

  /** Drives the check-backs into the listener, from the first start on. */
  #pumpCheckBacks(): void {
    const checks = this.#checks, listener = this.#listener;
    if (!listener.checkLocalTransaction || checks.hasConsumer || !checks.isOpen) return;
    const listen = listener.checkLocalTransaction.bind(listener);
    const watched = this.#instrumentation.watchListener(listen);
    const { checkConcurrency } = this.#settings;
    pumpCheckBacks(checks, watched, checkConcurrency, this.#core.settings.logger);
  }

  async #run(
    message: Message,
    options: SendOptions,
    local: LocalTransaction,
  ): Promise<TransactionSendResult> {
    const bounds = this.#core.bounds(options, message);
    const outgoing = this.#core.prepare(message, true);
    this.#report.begun();
    this.#sends.begin();
    try {
      return await sendTransaction(outgoing, bounds, local, this.#sendOptions);
    } finally {
      this.#sends.end();
    }
  }

  async #drain(deadline: Deadline): Promise<void> {
    this.#checks.end();
    const drained = Promise.all([this.#sends.wait(), this.#checks.drained()])
      .then(() => this.#ends.idle());
    await finishWithin(deadline, drained, this.#core.settings.clock, () => {
      const reason = new InvalidStateError("The producer was shut down before this had ended");
      this.#timeUp.abort(reason);
    });
  }

  #hooks(): ClientHooks {
    const report = this.#report;
    return {
      onRegistered: (brokerName, address) => report.brokerRegistered(brokerName, address),
      onLost: (brokerName, address, reason) => report.brokerLost(brokerName, address, reason),
      onRouteChanged: ({ topic, brokerNames }) => report.routeChanged(topic, brokerNames),
    };
  }
}
