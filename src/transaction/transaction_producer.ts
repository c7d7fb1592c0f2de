import type { ClientHooks, Deadline } from "../client/mod.ts";
import { InvalidStateError } from "../errors.ts";
import type { Message } from "../message/mod.ts";
import { Producer, ProducerCore, type SendOptions } from "../producer/mod.ts";
import type { CheckBack } from "./check_back.ts";
import { pumpChecks } from "./check_pump.ts";
import { TransactionCoordinator } from "./coordinator.ts";
import { finish } from "./in_flight.ts";
import { inspectTransaction, type TransactionInspection } from "./inspection.ts";
import { TransactionJournal } from "./journal.ts";
import { Transaction } from "./explicit_transaction.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";
import { resumeTransaction } from "./resumption.ts";
import { notBegun } from "./send_failure.ts";
import type { TransactionEvent } from "./transaction_events.ts";
import type { LocalTransactionContext, TransactionListener } from "./transaction_listener.ts";
import {
  type InspectOptions,
  resolveTransactionOptions,
  type TransactionArguments,
  type TransactionOutcome,
  type TransactionProducerOptions,
  type TransactionSettings,
} from "./transaction_options.ts";
import type { TransactionSendResult } from "./transaction_result.ts";
import { type LocalTransaction, TransactionRunner } from "./transaction_runner.ts";
import type { TransactionProducerStats } from "./transaction_stats.ts";

/**
 * Sends messages that become visible exactly when a local transaction was committed.
 *
 * A message is stored as a *half message* that no consumer sees, then the listener runs the local
 * transaction, then the broker is told to commit or roll back. When it hears no verdict, it asks
 * back, and asks any producer of the group. Delivery is at least once: after a fault on the broker's
 * side a committed message can become visible twice, under one message id.
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
  readonly #journal: TransactionJournal;
  readonly #coordinator: TransactionCoordinator;
  readonly #runner: TransactionRunner;
  readonly #timeUp = new AbortController();

  /**
   * Checks the options; nothing is connected yet.
   * @throws {InvalidArgumentError} when an option is wrong.
   */
  constructor(options: TransactionProducerOptions<Arg>) {
    const core = new ProducerCore(options, options?.topics ?? []);
    super(options, core);
    this.#settings = resolveTransactionOptions(options);
    this.#core = core;
    this.#listener = options.transactionListener;
    const { clock, logger } = this.#core.settings;
    this.#journal = new TransactionJournal(logger, this.#core, this.#settings);
    this.#coordinator = new TransactionCoordinator({
      ...this.#settings,
      clock,
      logger,
      producerGroup: this.#core.producerGroup,
      maxMessageSize: this.#core.maxMessageSize,
      journal: this.#journal,
    });
    this.#runner = new TransactionRunner({
      core: this.#core,
      coordinator: this.#coordinator,
      journal: this.#journal,
      timeUp: this.#timeUp.signal,
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
    this.#pumpChecks();
    await this.#core.start(this.#hooks(), (client) => {
      this.#coordinator.attach(client);
      return (check) => this.#coordinator.takeCheck(check);
    }, options.signal);
  }

  /**
   * Sends a half message, runs the local transaction, and tells the broker the verdict.
   *
   * The half message is sent once: when it may have left and no answer came, the send ends as
   * `indeterminate`, since a second half message could become visible as well.
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
   * is committed, unless it returned another state or ended the transaction itself. When `work`
   * throws, what became of it is unknown: the check-back decides, and the error is the result's
   * `localTransactionError`.
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
   * Sends a half message and gives its transaction into the hands of the caller.
   *
   * @throws {InvalidArgumentError} when the message can't be carried; nothing was sent.
   * @throws {TransactionSendError} when the transaction could not begin.
   */
  async begin(message: Message, options: SendOptions = {}): Promise<Transaction> {
    const begun = Promise.withResolvers<Transaction>();
    const verdict = Promise.withResolvers<LocalTransactionState>();
    const result = this.#run(message, options, (context) => {
      const decide = (state: LocalTransactionState) => {
        verdict.resolve(state);
        return result;
      };
      begun.resolve(new Transaction(context, decide));
      return verdict.promise;
    });
    result.then(
      ({ sendStatus, transactionId }) =>
        begun.reject(notBegun(message.topic, transactionId, sendStatus)),
      begun.reject,
    );
    return await begun.promise;
  }

  /**
   * The questions of the broker, for a loop that takes the place of `checkLocalTransaction`. They
   * wait from `start()` on, and end with the producer.
   *
   * @throws {InvalidStateError} while something else takes them: the listener, or another loop.
   */
  checkBacks(): AsyncIterableIterator<CheckBack> {
    if (this.#listener.checkLocalTransaction) {
      throw new InvalidStateError(
        "Cannot iterate over the check-backs: the listener's checkLocalTransaction takes them",
      );
    }
    return this.#coordinator.checks[Symbol.asyncIterator]();
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
   * Has a half message that its broker gave up put back: it is asked about again. Takes the
   * `givenUpMessageId` of an inspection.
   *
   * @throws {RocketMQError} when no broker of the topic knows the message.
   */
  async resume(offsetMessageId: string, options: InspectOptions): Promise<void> {
    const [client, bounds] = this.#core.contact(options);
    await resumeTransaction(client, options.topic, offsetMessageId, bounds);
  }

  /**
   * What happens from now on. Each iteration has its own buffer of 1024 events; one that does not
   * keep up loses the oldest, counted in `stats().droppedEvents`.
   */
  events(): AsyncIterableIterator<TransactionEvent> {
    return this.#journal.events.subscribe();
  }

  /** What was counted, and how much is held now. */
  override stats(): TransactionProducerStats {
    return {
      ...super.stats(),
      ...this.#journal.counters,
      transactionsInFlight: this.#runner.underWay.size,
      waitingChecks: this.#coordinator.checks.waiting,
      runningChecks: this.#coordinator.checks.running,
      droppedEvents: this.#journal.events.dropped,
    };
  }

  /**
   * Takes no more work, waits until local transactions have ended and check-backs are answered, at
   * most `timeout` milliseconds, then leaves the group and closes the connections. What still runs
   * at the deadline has its signal aborted. A second call waits for the first.
   */
  override async shutdown(options: { timeout?: number } = {}): Promise<void> {
    await this.#core.shutdown(options.timeout, (deadline) => this.#drain(deadline));
    this.#coordinator.checks.end();
    // While it was starting, check-backs could come and nothing has waited for them.
    this.#coordinator.abort(new InvalidStateError("The producer was shut down"));
    this.#journal.events.end();
  }

  /** Drives the check-backs into the listener, from the first start on. */
  #pumpChecks(): void {
    const { checks } = this.#coordinator, listener = this.#listener;
    if (!listener.checkLocalTransaction || checks.hasConsumer || !checks.isOpen) return;
    const listen = listener.checkLocalTransaction.bind(listener);
    const ask = this.#journal.observation.watchListener(listen);
    pumpChecks(checks, ask, this.#settings.checkConcurrency, this.#core.settings.logger);
  }

  #run(
    message: Message,
    options: SendOptions,
    local: LocalTransaction,
  ): Promise<TransactionSendResult> {
    try {
      const bounds = this.#core.bounds(options, message);
      const outgoing = this.#core.prepare(message, true);
      this.#journal.counters.transactions++;
      return this.#runner.run(outgoing, bounds, local);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #drain(deadline: Deadline): Promise<void> {
    const { checks } = this.#coordinator;
    checks.end();
    const drained = Promise.all([this.#runner.underWay.idle(), checks.drained()])
      .then(() => this.#coordinator.idle());
    await finish(this.#core.settings.clock, drained, deadline, () => {
      const reason = new InvalidStateError("The producer was shut down before this had ended");
      this.#timeUp.abort(reason);
      this.#coordinator.abort(reason);
    });
  }

  #hooks(): ClientHooks {
    return {
      onRegistered: (brokerName, address) => this.#journal.brokerRegistered(brokerName, address),
      onLost: (brokerName, address, reason) =>
        this.#journal.brokerLost(brokerName, address, reason),
      onRouteChanged: ({ topic, brokerNames }) => this.#journal.routeChanged(topic, brokerNames),
    };
  }
}
