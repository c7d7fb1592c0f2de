import type { ClientHooks, Deadline } from "../client/mod.ts";
import { sleep } from "../clock.ts";
import { describe, InvalidStateError } from "../errors.ts";
import type { Message } from "../message/mod.ts";
import { ProducerCore, sendMessage, type SendOptions, type SendResult } from "../producer/mod.ts";
import type { CheckBack } from "./check_back.ts";
import { pumpChecks } from "./check_pump.ts";
import { TransactionCoordinator } from "./coordinator.ts";
import { TransactionJournal } from "./journal.ts";
import type { TransactionEvent } from "./transaction_events.ts";
import type { TransactionListener } from "./transaction_listener.ts";
import {
  resolveTransactionOptions,
  type TransactionProducerOptions,
  type TransactionSettings,
} from "./transaction_options.ts";
import type { TransactionSendResult } from "./transaction_result.ts";
import { TransactionRunner } from "./transaction_runner.ts";
import type { TransactionProducerStats } from "./transaction_stats.ts";

/** What follows the message in a transactional send: the argument may be left out where it may be undefined. */
export type TransactionArguments<Arg> = undefined extends Arg ? [arg?: Arg, options?: SendOptions]
  : [arg: Arg, options?: SendOptions];

/** Retries of an ordinary send on a transaction producer: as of a `Producer`. */
const PLAIN_SEND_RETRIES = 2;

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
export class TransactionProducer<Arg = unknown> implements AsyncDisposable {
  readonly #core: ProducerCore;
  readonly #settings: TransactionSettings;
  readonly #listener: TransactionListener<Arg>;
  readonly #journal: TransactionJournal;
  readonly #coordinator: TransactionCoordinator;
  readonly #runner: TransactionRunner<Arg>;
  readonly #timeUp = new AbortController();
  #inFlight = 0;
  #wakeWhenIdle: (() => void) | undefined;

  /** Checks the options; nothing is connected yet. @throws {InvalidArgumentError} */
  constructor(options: TransactionProducerOptions<Arg>) {
    this.#settings = resolveTransactionOptions(options);
    this.#core = new ProducerCore(options, options.topics);
    this.#listener = options.transactionListener;
    const { clock, logger } = this.#core.settings;
    this.#journal = new TransactionJournal(logger);
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
      listener: this.#listener,
      timeUp: this.#timeUp.signal,
    });
  }

  /** Resolves when the producer is closed. */
  get closed(): Promise<void> {
    return this.#core.closed;
  }

  /**
   * Finds the routes of the topics and registers with their brokers. When it resolves, check-backs
   * reach this producer.
   *
   * @throws {RocketMQError} when a topic has no route or none of its brokers can be reached; it
   * names the addresses and the remedy. The producer can be started again then.
   */
  async start(options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#core.start(this.#hooks(), (client) => {
      this.#coordinator.attach(client);
      return (check) => this.#coordinator.takeCheck(check);
    }, options.signal);
    const listener = this.#listener;
    if (!listener.checkLocalTransaction) return;
    const { logger } = this.#core.settings;
    pumpChecks(
      this.#coordinator.checks,
      (message, context) => listener.checkLocalTransaction!(message, context),
      this.#settings.checkConcurrency,
      logger,
    ).catch((error) => logger.error(`The check-backs can't be answered: ${describe(error)}`));
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
  async sendMessageInTransaction(
    message: Message,
    ...[arg, options = {}]: TransactionArguments<Arg>
  ): Promise<TransactionSendResult> {
    this.#core.sender();
    const bounds = this.#core.bounds(options);
    const outgoing = this.#core.prepare(message, true);
    this.#journal.counters.transactions++;
    this.#inFlight++;
    try {
      return await this.#runner.run(message, arg as Arg, outgoing, bounds);
    } finally {
      if (--this.#inFlight === 0) this.#wakeWhenIdle?.();
    }
  }

  /**
   * Sends an ordinary message, as `Producer.send` does.
   *
   * @throws {InvalidArgumentError} when the message can't be carried.
   * @throws {RocketMQError} the failure of the last try.
   */
  async send(message: Message, options: SendOptions = {}): Promise<SendResult> {
    const bounds = this.#core.bounds(options);
    return await sendMessage(this.#core, message, bounds, PLAIN_SEND_RETRIES);
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
   * What happens from now on. Each iteration has its own buffer of 1024 events; one that does not
   * keep up loses the oldest, counted in `stats().droppedEvents`.
   */
  events(): AsyncIterableIterator<TransactionEvent> {
    return this.#journal.events.subscribe();
  }

  /** What was counted, and how much is held now. */
  stats(): TransactionProducerStats {
    const client = this.#core.client;
    return {
      ...this.#journal.counters,
      transactionsInFlight: this.#inFlight,
      waitingChecks: this.#coordinator.checks.waiting,
      runningChecks: this.#coordinator.checks.running,
      registeredBrokers: client?.registeredBrokers() ?? [],
      openConnections: client?.openConnections ?? 0,
      droppedEvents: this.#journal.events.dropped,
    };
  }

  /**
   * Takes no more work, waits until local transactions have ended and check-backs are answered, at
   * most `timeout` milliseconds, then leaves the group and closes the connections. What still runs
   * at the deadline has its signal aborted. A second call waits for the first.
   */
  async shutdown(options: { timeout?: number } = {}): Promise<void> {
    await this.#core.shutdown(options.timeout, (deadline) => this.#drain(deadline));
    this.#coordinator.checks.end();
    this.#journal.events.end();
  }

  /** The same as {@linkcode TransactionProducer.shutdown}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #drain(deadline: Deadline): Promise<void> {
    const { checks } = this.#coordinator;
    checks.end();
    const done = new AbortController();
    const drained = Promise.all([this.#idle(), checks.drained()]).then(() => done.abort());
    await Promise.race([
      drained,
      sleep(this.#core.settings.clock, deadline.remaining, done.signal).catch(() => {}),
    ]);
    if (done.signal.aborted) return;
    const reason = new InvalidStateError("The producer was shut down before this had ended");
    this.#timeUp.abort(reason);
    this.#coordinator.abort(reason);
  }

  async #idle(): Promise<void> {
    while (this.#inFlight > 0) {
      await new Promise<void>((resolve) => this.#wakeWhenIdle = resolve);
    }
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
