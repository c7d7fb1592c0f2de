import { Broadcast } from "../broadcast.ts";
import type { Deadline } from "../clock.ts";
import { InvalidArgumentError, InvalidStateError, traced, withCaller } from "../errors.ts";
import type { Message } from "../message/mod.ts";
import { checkTopic, Producer, ProducerCore, type SendOptions } from "../producer/mod.ts";
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
  TRANSACTION_PRODUCER_OPTIONS,
  type TransactionArguments,
  type TransactionProducerOptions,
  type TransactionSettings,
} from "./options.ts";
import { observedOf, Report } from "./report.ts";
import {
  localFailure,
  type LocalTransaction,
  notRun,
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
export class TransactionProducer<Arg = undefined> extends Producer {
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
    const events = new Broadcast<TransactionEvent>();
    const core = new ProducerCore(options, {
      topics: options?.topics,
      names: TRANSACTION_PRODUCER_OPTIONS,
      events,
    });
    super(options, core);
    const settings = resolveTransactionOptions(options);
    const { clock, logger } = core.settings, timeUp = this.#timeUp.signal;
    const { maxTroubled, maxQueries } = settings.capacities;
    this.#core = core;
    this.#settings = settings;
    this.#listener = options.transactionListener;
    const report = this.#report = new Report(core, events, settings.transactionCheckMax);
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
    core.collect(...observedOf(() => this.stats()));
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
    await this.#core.start((client) => {
      this.#ends.attach(client);
      return (check) => this.#checks.take(check);
    }, options);
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
   * Sends a half message and runs `work` as its local transaction. When `work` returns nothing, the
   * message is committed; when it returns a state, that counts. Rejects when `work` throws, or returns
   * anything else, after the broker was told UNKNOWN: its check-back decides then.
   *
   * @throws {InvalidArgumentError} when the message can't be carried; nothing was sent.
   * @throws {TransactionSendError} when `work` was not run.
   * @throws {LocalTransactionError} when `work` threw, which is its `cause`, or returned no state.
   */
  async transaction(
    message: Message,
    work: (
      tx: LocalTransactionContext,
    ) => LocalTransactionState | void | Promise<LocalTransactionState | void>,
    options: SendOptions = {},
  ): Promise<TransactionSendResult> {
    if (typeof work !== "function") {
      throw new InvalidArgumentError("Cannot begin transaction: its work is not a function");
    }
    let hasRun = false;
    const local = async (tx: LocalTransactionContext) => {
      hasRun = true;
      const state: unknown = await work(tx);
      return state === undefined ? "COMMIT" : state;
    };
    const result = await this.#run(message, options, local, false);
    if (!hasRun) throw notRun(message.topic, result);
    if ("localTransactionError" in result) throw localFailure(message.topic, result);
    return result;
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
    result.then((ended) => begun.reject(notRun(message.topic, ended)), begun.reject);
    return await traced(begun.promise);
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
    const [topic, client, bounds] = this.#contact(options);
    if (typeof transactionId !== "string" || transactionId === "") {
      throw new InvalidArgumentError("Cannot inspect transaction: its id is needed");
    }
    return await traced(inspectTransaction(client, topic, transactionId, bounds));
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
    const [topic, client, bounds] = this.#contact(options);
    await traced(resumeTransaction(client, topic, discarded, bounds));
  }

  /**
   * Iterates over what happens from now on. Each iteration has its own buffer of 1024 events; one that
   * does not keep up loses the oldest, counted in `stats().droppedEvents`.
   */
  override events(): AsyncIterableIterator<TransactionEvent> {
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
    };
  }

  /**
   * Takes no more work, waits until local transactions have ended and check-backs are answered, then
   * leaves the group and closes the connections, within `timeout` milliseconds. What still runs shortly
   * before that has its signal aborted; what does not end then settles as *unknown*. A second call
   * waits for the first.
   */
  override async shutdown(options: { timeout?: number } = {}): Promise<void> {
    await this.#core.shutdown(options, (deadline) => this.#drain(deadline));
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
    const { logger } = this.#core.settings, report = this.#report;
    pumpCheckBacks(checks, watched, checkConcurrency, { logger, report });
  }

  async #run(
    message: Message,
    options: SendOptions,
    local: LocalTransaction,
    logsFailure = true,
  ): Promise<TransactionSendResult> {
    const bounds = this.#core.bounds(options, message);
    const outgoing = this.#core.prepare(message, true);
    this.#report.begun();
    this.#sends.begin();
    try {
      return await sendTransaction(outgoing, bounds, { local, logsFailure }, this.#sendOptions);
    } catch (error) {
      throw withCaller(error);
    } finally {
      this.#sends.end();
    }
  }

  /** Returns what a look at a transaction needs. @throws {InvalidArgumentError} without a topic. */
  #contact(options: InspectOptions): [string, ...ReturnType<ProducerCore["contact"]>] {
    const { topic, ...bounds } = options ?? {};
    checkTopic(topic);
    return [topic, ...this.#core.contact(bounds)];
  }

  async #drain(deadline: Deadline): Promise<boolean> {
    this.#checks.end();
    const drained = Promise.all([this.#sends.wait(), this.#checks.drained()])
      .then(() => this.#ends.idle());
    return await finishWithin(deadline, drained, this.#core.settings.clock, () => {
      const reason = new InvalidStateError("The producer was shut down before this had ended");
      this.#timeUp.abort(reason);
    });
  }
}
