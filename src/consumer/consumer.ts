import { checkCount, checkTime } from "../checks.ts";
import { type ClientHooks, ClientInstance } from "../client/mod.ts";
import { Deadline, sleep } from "../clock.ts";
import { describe, InvalidArgumentError, InvalidStateError, printable } from "../errors.ts";
import { ThrottledLogger } from "../logger.ts";
import { findTelemetry } from "../telemetry.ts";
import type { Batch, BatchOptions } from "./batch.ts";
import { ByteBudget } from "./byte_budget.ts";
import type { CloseOptions, CloseReport } from "./close_report.ts";
import { Delivery, type MessageHandler } from "./delivery.ts";
import { type ConsumerEvent, newConsumerEvents } from "./events.ts";
import { Group } from "./group.ts";
import { checkGroupConfig } from "./group_config.ts";
import { HeldQueues } from "./held_queues.ts";
import { Inbox } from "./inbox.ts";
import type { ConsumedMessage } from "./incoming_message.ts";
import { leave, type Running } from "./leave.ts";
import { answerOperator } from "./operator_requests.ts";
import { type ConsumerOptions, type ConsumerSettings, resolveConsumerOptions } from "./options.ts";
import { BrokerCalls } from "./queue_calls.ts";
import { queueKey } from "./queue_key.ts";
import { ConsumerSpans } from "./spans.ts";
import type { ConsumerStats } from "./stats.ts";

/** Milliseconds between two commits of a queue. */
const COMMIT_INTERVAL = 200;

/** Milliseconds between two looks for the route of `%RETRY%group`, at first and later. */
const RETRY_TOPIC_INTERVAL = 1_000, RETRY_TOPIC_LATER = 30_000;

/** Looks for it before they become rarer. */
const EARLY_LOOKS = 60;

/**
 * Reads messages as a member of a consumer group, at least once each. A message is passed over only
 * after it was acknowledged, or after a broker confirmed its retry or dead letter.
 *
 * The members of a group share the queues. Each locks the queues that it reads, so two members never
 * work on one queue. A queue is handed over only after its messages are handled and committed, so
 * members come and go without a second delivery.
 *
 * @example
 * ```ts
 * import { Consumer } from "@rocketmq-deno/client/consumer";
 *
 * async function consume(nameServers: string, signal: AbortSignal): Promise<void> {
 *   await using consumer = new Consumer({
 *     nameServers,
 *     group: "warehouse",
 *     subscriptions: { orders: "*", payments: { tags: ["paid"] } },
 *   });
 *   await consumer.start({ signal });
 *   await consumer.run((message) => void message.uniqueKey, { signal });
 * }
 * ```
 */
export class Consumer implements AsyncDisposable {
  readonly #settings: ConsumerSettings;
  readonly #warnings: ThrottledLogger;
  readonly #events = newConsumerEvents();
  readonly #closing = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  #state: "new" | "starting" | "running" | "closing" | "closed" = "new";
  #running: Running | undefined;
  #starting: Promise<void> | undefined;
  #report: Promise<CloseReport> | undefined;

  /**
   * Checks the options; nothing is connected yet.
   *
   * @throws {InvalidArgumentError} when an option is wrong.
   */
  constructor(options: ConsumerOptions) {
    this.#settings = resolveConsumerOptions(options);
    const { logger, clock } = this.#settings.client;
    this.#warnings = new ThrottledLogger(logger, clock);
  }

  /**
   * Finds the routes of the topics, registers with their brokers, and has these check SQL expressions.
   * Messages are read from then on.
   *
   * @throws {RocketMQError} when that fails; the consumer can be started again then.
   */
  async start(options: { signal?: AbortSignal } = {}): Promise<void> {
    if (this.#state !== "new") {
      throw new InvalidStateError(
        `Cannot start consumer of group "${this.#settings.group}": it is ${this.#state} already, make a new one`,
      );
    }
    this.#state = "starting";
    const closing = this.#closing.signal;
    const signal = options.signal ? AbortSignal.any([options.signal, closing]) : closing;
    const starting = this.#start(signal);
    this.#starting = starting.catch(() => {});
    await starting;
  }

  /**
   * Handles messages, several at once, until the consumer closes or `signal` aborts. Resolves when no
   * handler runs any more, or when the consumer is closed.
   *
   * @throws {InvalidArgumentError} when the handler is none.
   * @throws {InvalidStateError} unless the consumer runs.
   */
  async run(handler: MessageHandler, options: { signal?: AbortSignal } = {}): Promise<void> {
    if (typeof handler !== "function") {
      throw new InvalidArgumentError("Cannot run consumer: the handler is not a function");
    }
    const { concurrency } = this.#settings;
    const work = this.#delivery().run(handler, concurrency, options.signal);
    await Promise.race([work, this.#closed.promise]);
  }

  /**
   * Iterates over messages. Each has to be settled by one of its methods. Leaving the loop gives back
   * what is not settled: it is delivered again, and does not count as an attempt.
   */
  async *[Symbol.asyncIterator](): AsyncIterator<ConsumedMessage, undefined> {
    yield* this.#delivery().iterate();
  }

  /** Returns the messages as a stream. Each has to be settled by one of its methods, as in a loop. */
  get readable(): ReadableStream<ConsumedMessage> {
    return this.#delivery().stream();
  }

  /**
   * Iterates over batches of up to `size` messages. A batch is not longer gathered than `wait`
   * milliseconds after its first message. Leaving the loop gives back what is not settled.
   */
  async *batches(options: BatchOptions): AsyncGenerator<Batch, undefined> {
    const size = checkCount("size", options.size, { min: 1, max: 100_000 });
    const wait = checkTime("wait", options.wait, 50);
    yield* this.#delivery().batches(size, wait);
  }

  /**
   * Returns how many messages each queue of this member has that are not settled or not read yet, as far
   * as the brokers have told. Nothing is asked for it.
   */
  lag(): Map<string, bigint> {
    const lag = new Map<string, bigint>();
    for (const { queue, position, maxOffset } of this.#running?.queues.readers() ?? []) {
      if (position === undefined || maxOffset === undefined) continue;
      lag.set(queueKey(queue), maxOffset > position ? maxOffset - position : 0n);
    }
    return lag;
  }

  /** Returns what was counted since the start, and what is held now. */
  stats(): ConsumerStats {
    const { queues, inbox, delivery, budget } = this.#running ?? {};
    const { handled = 0, failed = 0 } = delivery?.counts ?? {};
    const readers = queues?.readers() ?? [];
    return {
      queues: readers.length,
      waiting: inbox?.size ?? 0,
      running: delivery?.running ?? 0,
      unsettled: readers.reduce((sum, { unsettled }) => sum + unsettled, 0),
      bufferedBytes: budget?.used ?? 0,
      ...{ handled, failed },
      droppedEvents: this.#events.dropped,
    };
  }

  /** Iterates over what happens from now on. Slow iterations lose the oldest events. */
  events(): AsyncIterableIterator<ConsumerEvent> {
    return this.#events.subscribe();
  }

  /**
   * Ends the consumer: reads no more, waits for handlers, commits, unlocks, leaves the group, in this
   * order, each confirmed by the brokers. A second call waits for the first.
   *
   * @throws {InvalidArgumentError} when an option is wrong.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    const { drain = "running" } = options, { clock, shutdownTimeout } = this.#settings.client;
    if (drain !== "running" && drain !== "buffered" && drain !== "none") {
      const value = printable(String(drain), 64);
      return Promise.reject(
        new InvalidArgumentError(
          `Cannot use option drain: it must be "running", "buffered" or "none", current value is ${value}`,
        ),
      );
    }
    let limit: number;
    try {
      limit = checkTime("deadline", options.deadline, shutdownTimeout);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#report ??= this.#close(drain, new Deadline(clock, limit), options.signal);
  }

  /** Does the same as {@linkcode Consumer.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { group, client: { startTimeout, clock }, subscriptions } = this.#settings;
    const client = new ClientInstance(this.#settings.client, this.#hooks());
    const deadline = new Deadline(clock, startTimeout);
    const rest = () => ({ timeout: deadline.remaining, signal });
    client.addConsumer(group, {
      heartbeat: () => ({
        groupName: group,
        consumeType: "CONSUME_PASSIVELY",
        messageModel: "CLUSTERING",
        consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
        subscriptions: [...subscriptions, this.#settings.retrySubscription],
      }),
      onMembersChanged: () => this.#running?.group.notify(),
      answer: (command, connection) => {
        if (!this.#running) return;
        return answerOperator(command, connection, this.#settings, this.#running);
      },
    });
    try {
      await client.start(subscriptions.map(({ topic }) => topic), rest());
      const calls = new BrokerCalls(client, this.#settings);
      for (const subscription of subscriptions) {
        if (subscription.expressionType !== "SQL92") continue;
        const route = await client.route(subscription.topic, rest());
        await Promise.all(
          route.brokerNames.map((name) => calls.check(name, subscription, rest())),
        );
      }
      await checkGroupConfig(client, calls, this.#settings, rest());
      signal.throwIfAborted();
      this.#open(client, calls);
    } catch (error) {
      await client.close(0);
      if (this.#state === "starting") this.#state = "new";
      throw error;
    }
    this.#state = "running";
  }

  #open(client: ClientInstance, calls: BrokerCalls): void {
    const settings = this.#settings, warnings = this.#warnings, events = this.#events;
    const { bufferBytes, subscriptions, group: groupName, client: { clock } } = settings;
    const inbox: Inbox = new Inbox(({ queue }) => queues.isValid(queue));
    const readers = () => queues.readers();
    const telemetry = findTelemetry();
    const owner = { clock, group: groupName, clientId: () => client.clientId };
    const spans = telemetry && new ConsumerSpans(telemetry, owner);
    const delivery = new Delivery({ inbox, clock, warnings, spans, readers });
    const budget = new ByteBudget(bufferBytes);
    const queues: HeldQueues = new HeldQueues({
      context: { settings, calls, inbox, warnings, events, budget },
      freeDead: (brokerName, refused) => group.freeDead(brokerName, refused),
      isConsuming: () => delivery.isConsuming,
    });
    const group: Group = new Group({
      ...{ settings, client, calls, warnings, events },
      assign: (share) => queues.assign(share),
    });
    const drainEnded = new AbortController();
    this.#running = { client, calls, group, queues, inbox, delivery, budget, drainEnded };
    for (const { topic } of subscriptions) {
      const route = client.peekRoute(topic);
      if (route) group.takeRoute(route);
    }
    for (const brokerName of client.registeredBrokers()) group.registered(brokerName);
    group.start();
    this.#findRetryTopic(client, group);
    this.#commitRegularly(queues, drainEnded.signal);
  }

  #hooks(): ClientHooks {
    return {
      onRegistered: (brokerName) => {
        this.#running?.queues.doubt(brokerName);
        this.#running?.group.registered(brokerName);
      },
      onLost: (brokerName) => this.#running?.queues.doubt(brokerName),
      onRouteChanged: (route) => this.#running?.group.takeRoute(route),
    };
  }

  /** Looks for the topic of retries, which brokers make when they see the first member of a group. */
  async #findRetryTopic(client: ClientInstance, group: Group): Promise<void> {
    const { client: { clock, requestTimeout, logger }, retrySubscription: { topic } } =
      this.#settings;
    const { signal } = this.#closing;
    for (let look = 0; !signal.aborted; look++) {
      try {
        const route = await client.refreshRoute(topic, { timeout: requestTimeout, signal });
        if (route.borrowedFrom === undefined && route.readableQueues.length > 0) {
          return group.takeRoute(route);
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.debug(`Found no topic of retries yet: ${describe(error)}`);
      }
      const pause = look < EARLY_LOOKS ? RETRY_TOPIC_INTERVAL : RETRY_TOPIC_LATER;
      await sleep(clock, pause, signal).catch(() => {});
    }
  }

  async #commitRegularly(queues: HeldQueues, signal: AbortSignal): Promise<void> {
    const { clock } = this.#settings.client;
    for (;;) {
      await sleep(clock, COMMIT_INTERVAL, signal).catch(() => {});
      if (signal.aborted) return;
      queues.commit();
    }
  }

  #delivery(): Delivery {
    if (this.#running && this.#state === "running") return this.#running.delivery;
    throw new InvalidStateError(
      `Cannot read with consumer of group "${this.#settings.group}": it is ${
        this.#state === "new" ? "not started, call start() first" : this.#state
      }`,
    );
  }

  async #close(
    drain: NonNullable<CloseOptions["drain"]>,
    deadline: Deadline,
    signal: AbortSignal | undefined,
  ): Promise<CloseReport> {
    this.#state = "closing";
    this.#closing.abort(
      new InvalidStateError(
        `Cannot go on with consumer of group "${this.#settings.group}": it was closed`,
      ),
    );
    await this.#starting;
    const { client: { clock, requestTimeout }, group: groupName } = this.#settings;
    const report = this.#running
      ? await leave(this.#running, { clock, requestTimeout, groupName, drain, deadline, signal })
      : { isClean: true, unbegun: 0, unfinished: 0, uncommitted: [], locked: [], notLeft: [] };
    this.#state = "closed";
    this.#closed.resolve();
    this.#events.end();
    return report;
  }
}
