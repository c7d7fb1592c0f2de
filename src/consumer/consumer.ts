import { checkCount, checkTime } from "../checks.ts";
import { type ClientHooks, ClientInstance } from "../client/mod.ts";
import { Deadline, sleep, within } from "../clock.ts";
import { describe, InvalidArgumentError, InvalidStateError, printable } from "../errors.ts";
import { ThrottledLogger } from "../logger.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { TopicRoute } from "../route/mod.ts";
import { Batch, type BatchOptions, gatherBatch } from "./batch.ts";
import { ByteBudget } from "./byte_budget.ts";
import type { CloseOptions, CloseReport } from "./close_report.ts";
import { Inbox } from "./inbox.ts";
import type { ConsumedMessage, IncomingMessage } from "./incoming_message.ts";
import { type ConsumerOptions, type ConsumerSettings, resolveConsumerOptions } from "./options.ts";
import { BrokerCalls, queueKey } from "./queue_calls.ts";
import { QueueLeases } from "./queue_leases.ts";
import { QueueReader, type ReaderContext } from "./queue_reader.ts";

/** Milliseconds between two commits of a queue. */
const COMMIT_INTERVAL = 200;

/** Milliseconds between two looks for the route of `%RETRY%group`, at first and later. */
const RETRY_TOPIC_INTERVAL = 1_000, RETRY_TOPIC_LATER = 30_000;

/** Looks for it before they become rarer. */
const EARLY_LOOKS = 60;

/** Most milliseconds that a close keeps for commits, unlocking and leaving; of a short one two fifths. */
const TIME_TO_LEAVE = 3_000;

/** Handles a message. It is acknowledged when the handler resolves, and retried when it throws. */
export type MessageHandler = (message: ConsumedMessage) => void | Promise<void>;

/** The parts of a consumer that runs. */
interface Running {
  readonly client: ClientInstance;
  readonly calls: BrokerCalls;
  readonly leases: QueueLeases;
  readonly inbox: Inbox;
  readonly context: ReaderContext;
}

/**
 * Reads messages as a member of a consumer group, at least once each. A message is passed over only
 * after it was acknowledged, or after a broker confirmed its retry or dead letter.
 *
 * Every member locks the queues that it reads, so two members never work on one queue. Queues are not
 * shared out yet: the first member gets all of them, and the others wait until it closes.
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
  readonly #readers = new Map<string, QueueReader>();
  readonly #givingUp = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  /** Aborts when no handler is waited for any more. Until then handlers may wait for commits. */
  readonly #drainEnded = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  #state: "new" | "starting" | "running" | "closing" | "closed" = "new";
  #running: Running | undefined;
  #starting: Promise<void> | undefined;
  #report: Promise<CloseReport> | undefined;
  #idle = Promise.withResolvers<void>();
  #unbegun = 0;
  /** Handlers that run, also those that have settled their message. */
  #handlers = 0;

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
    const take = this.#outlet({}), { signal } = options;
    const work = async () => {
      for (let message = await take(signal); message; message = await take(signal)) {
        await this.#handle(message, handler);
      }
    };
    const workers = Array.from({ length: this.#settings.concurrency }, work);
    await Promise.race([Promise.all(workers), this.#closed.promise]);
  }

  /**
   * Iterates over messages. Each has to be settled by one of its methods. Leaving the loop gives back
   * what is not settled: it is delivered again, and does not count as an attempt.
   */
  async *[Symbol.asyncIterator](): AsyncIterator<ConsumedMessage, undefined> {
    const outlet = {}, take = this.#outlet(outlet);
    try {
      for (let message = await take(); message; message = await take()) yield message;
    } finally {
      this.#giveBack(outlet);
    }
  }

  /** Returns the messages as a stream. Each has to be settled by one of its methods, as in a loop. */
  get readable(): ReadableStream<ConsumedMessage> {
    const outlet = {}, cancelled = new AbortController();
    const take = this.#outlet(outlet);
    return new ReadableStream<ConsumedMessage>({
      pull: async (controller) => {
        const message = await take(cancelled.signal);
        if (!message) controller.close();
        else if (cancelled.signal.aborted) this.#giveBack(outlet);
        else controller.enqueue(message);
      },
      cancel: () => {
        cancelled.abort();
        this.#giveBack(outlet);
      },
    }, { highWaterMark: 0 });
  }

  /**
   * Iterates over batches of up to `size` messages. A batch is not longer gathered than `wait`
   * milliseconds after its first message. Leaving the loop gives back what is not settled.
   */
  async *batches(options: BatchOptions): AsyncGenerator<Batch, undefined> {
    const size = checkCount("size", options.size, { min: 1, max: 100_000 });
    const wait = checkTime("wait", options.wait, 50);
    const outlet = {}, take = this.#outlet(outlet), { clock } = this.#settings.client;
    try {
      for (;;) {
        const messages = await gatherBatch(take, { size, wait, clock });
        if (messages.length === 0) return;
        yield new Batch(messages);
      }
    } finally {
      this.#giveBack(outlet);
    }
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
      onMembersChanged: () => {},
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
    const { bufferBytes, subscriptions, client: { clock, logger } } = this.#settings;
    const leases = new QueueLeases({
      ...{ clock, logger },
      lock: (brokerName, queues) => calls.lock(brokerName, queues),
      onGained: (queue) => this.#beginReading(queue),
      onConfirmed: (queue) => {
        this.#readers.get(queueKey(queue))?.commitAgain();
        inbox.wake();
      },
      onLost: (queue, reason) => {
        const { topic, brokerName, queueId } = queue;
        logger.warn(`Lost queue ${queueId} of topic "${topic}" at "${brokerName}": ${reason}`);
        this.#readers.get(queueKey(queue))?.abandon(reason);
        this.#readers.delete(queueKey(queue));
      },
    });
    const inbox = new Inbox(({ queue }) => leases.isValid(queue));
    const context: ReaderContext = {
      ...{ settings: this.#settings, calls, inbox, warnings: this.#warnings },
      budget: new ByteBudget(bufferBytes),
      isValid: (queue) => leases.isValid(queue),
      onIdle: () => {
        this.#idle.resolve();
        this.#idle = Promise.withResolvers<void>();
      },
      onMoved: (reader, offset) => {
        const key = queueKey(reader.queue);
        if (this.#readers.get(key) !== reader) return;
        reader.abandon("its offset was moved");
        this.#readers.delete(key);
        this.#beginReading(reader.queue, offset);
      },
    };
    this.#running = { client, calls, leases, inbox, context };
    for (const { topic } of subscriptions) {
      const route = client.peekRoute(topic);
      if (route) this.#takeRoute(route);
    }
    this.#findRetryTopic(client);
    this.#commitRegularly();
  }

  #hooks(): ClientHooks {
    return {
      onRegistered: (brokerName) => this.#running?.leases.doubt(brokerName),
      onLost: (brokerName) => this.#running?.leases.doubt(brokerName),
      onRouteChanged: (route) => this.#takeRoute(route),
    };
  }

  /** Takes the queues of a topic. A route that is borrowed is that of a topic that does not exist yet. */
  #takeRoute({ topic, borrowedFrom, readableQueues }: TopicRoute): void {
    if (!this.#running || this.#closing.signal.aborted || !this.#subscriptionTo(topic)) return;
    const queues = borrowedFrom === undefined ? readableQueues : [];
    const keys = new Set(queues.map(queueKey));
    for (const [key, reader] of this.#readers) {
      if (reader.queue.topic === topic && !keys.has(key)) this.#giveUp(key, reader);
    }
    this.#running.leases.want(queues);
  }

  #subscriptionTo(topic: string) {
    const { subscriptions, retrySubscription } = this.#settings;
    return [...subscriptions, retrySubscription].find((it) => it.topic === topic);
  }

  #beginReading(queue: MessageQueue, start?: bigint): void {
    const subscription = this.#subscriptionTo(queue.topic);
    if (!subscription || this.#closing.signal.aborted) return;
    const reader = new QueueReader(queue, subscription, this.#running!.context, start);
    this.#readers.set(queueKey(queue), reader);
  }

  /** Lets go of a queue that the topic has no more. What was not begun is not handled. */
  #giveUp(key: string, reader: QueueReader): void {
    const { leases, calls } = this.#running!, { queue } = reader;
    const giving = (async () => {
      await reader.stopReading();
      reader.dropUnbegun();
      await reader.commit();
      if (this.#readers.get(key) === reader) this.#readers.delete(key);
      reader.abandon("its topic has it no more");
      leases.drop(queue);
      await calls.unlock(queue.brokerName, [queue], {}).catch(() => {});
    })();
    this.#givingUp.add(giving);
    giving.finally(() => this.#givingUp.delete(giving));
  }

  /** Looks for the topic of retries, which brokers make when they see the first member of a group. */
  async #findRetryTopic(client: ClientInstance): Promise<void> {
    const { client: { clock, requestTimeout }, retrySubscription: { topic } } = this.#settings;
    const { signal } = this.#closing;
    for (let look = 0; !signal.aborted; look++) {
      try {
        const route = await client.refreshRoute(topic, { timeout: requestTimeout, signal });
        if (route.borrowedFrom === undefined && route.readableQueues.length > 0) {
          return this.#takeRoute(route);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#settings.client.logger.debug(`Found no topic of retries yet: ${describe(error)}`);
      }
      const pause = look < EARLY_LOOKS ? RETRY_TOPIC_INTERVAL : RETRY_TOPIC_LATER;
      await sleep(clock, pause, signal).catch(() => {});
    }
  }

  async #commitRegularly(): Promise<void> {
    const { clock } = this.#settings.client, { signal } = this.#drainEnded;
    for (;;) {
      await sleep(clock, COMMIT_INTERVAL, signal).catch(() => {});
      if (signal.aborted) return;
      await Promise.all(Array.from(this.#readers.values(), (reader) => reader.commit()));
    }
  }

  /** Makes a function that takes the next message and notes who was given it. */
  #outlet(outlet: object): (signal?: AbortSignal) => Promise<IncomingMessage | undefined> {
    if (!this.#running || this.#state !== "running") {
      throw new InvalidStateError(
        `Cannot read with consumer of group "${this.#settings.group}": it is ${
          this.#state === "new" ? "not started, call start() first" : this.#state
        }`,
      );
    }
    const { inbox } = this.#running, never = new AbortController().signal;
    const begin = (message: IncomingMessage) => {
      message.outlet = outlet;
      this.#readers.get(queueKey(message.queue))!.begin(message);
    };
    return (signal = never) => inbox.take(begin, signal);
  }

  #giveBack(outlet: object): void {
    for (const reader of this.#readers.values()) {
      for (const message of [...reader.begun]) {
        if (message.outlet === outlet) reader.giveBack(message);
      }
    }
  }

  async #handle(message: IncomingMessage, handler: MessageHandler): Promise<void> {
    this.#handlers++;
    try {
      await handler(message);
      if (!message.isDecided) message.ack();
    } catch (error) {
      const what = `attempt ${message.attempt} of message "${message.uniqueKey}"`;
      this.#warnings.warn("handler failed", `The handler failed: ${what}: ${describe(error)}`);
      if (!message.isDecided) message.retry();
    }
    this.#handlers--;
    this.#running!.context.onIdle();
  }

  async #close(
    drain: CloseOptions["drain"],
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
    const report = this.#running
      ? await this.#leave(this.#running, { drain, deadline, signal })
      : { isClean: true, unbegun: 0, unfinished: 0, uncommitted: [], locked: [], notLeft: [] };
    this.#state = "closed";
    this.#closed.resolve();
    return report;
  }

  async #leave(
    { client, calls, leases, inbox }: Running,
    { drain, deadline, signal }: {
      drain: CloseOptions["drain"];
      deadline: Deadline;
      signal: AbortSignal | undefined;
    },
  ): Promise<CloseReport> {
    const { clock } = this.#settings.client;
    const limit = deadline.timeout;
    const work = new Deadline(clock, limit - Math.min(TIME_TO_LEAVE, limit * 2 / 5));
    for (const reader of this.#readers.values()) reader.stopReading();
    if (drain !== "buffered") this.#dropUnbegun();
    inbox.end();
    if (drain !== "none") {
      const options = { timeout: work.remaining, signal };
      await within(clock, this.#drained(inbox), options, () => new Error("time is up"))
        .catch(() => {});
    }
    this.#drainEnded.abort();
    this.#dropUnbegun();
    const readers = [...this.#readers.values()];
    const unfinished = readers.reduce((sum, reader) => sum + reader.begun.size, 0);
    const uncommitted = await this.#commitAll(readers, deadline);
    for (const reader of readers) reader.abandon("the consumer closes");
    this.#readers.clear();
    await Promise.all([leases.stop(), ...this.#givingUp]);
    const locked = await this.#unlock(calls, leases.held(), deadline);
    client.removeConsumer(this.#settings.group);
    const notLeft: string[] = [];
    await Promise.all(
      client.registeredBrokers().map(async (brokerName) => {
        const bounds = { timeout: Math.max(1, deadline.remaining) };
        await calls.leave(brokerName, bounds).catch(() => notLeft.push(brokerName));
      }),
    );
    await client.close(0);
    const isClean = unfinished + uncommitted.length + locked.length + notLeft.length === 0;
    return { isClean, unbegun: this.#unbegun, unfinished, uncommitted, locked, notLeft };
  }

  #dropUnbegun(): void {
    for (const reader of this.#readers.values()) this.#unbegun += reader.dropUnbegun();
  }

  /** Resolves when no message is being handled, and none is left to be. */
  async #drained(inbox: Inbox): Promise<void> {
    const isBusy = () =>
      inbox.size + this.#handlers > 0 ||
      [...this.#readers.values()].some(({ begun }) => begun.size > 0);
    while (isBusy()) await this.#idle.promise;
  }

  /** Commits all queues, and returns those that no broker confirmed in time. */
  async #commitAll(readers: readonly QueueReader[], deadline: Deadline): Promise<MessageQueue[]> {
    const { clock } = this.#settings.client;
    const results = await Promise.all(readers.map(async (reader) => {
      for (;;) {
        // A part of the time is for unlocking and leaving.
        const timeout = Math.max(1, deadline.remaining / 2);
        if (await reader.commit({ timeout })) return true;
        if (deadline.remaining < COMMIT_INTERVAL * 2) return false;
        await sleep(clock, COMMIT_INTERVAL);
      }
    }));
    return readers.filter((_, at) => !results[at]).map(({ queue }) => queue);
  }

  async #unlock(
    calls: BrokerCalls,
    held: readonly MessageQueue[],
    deadline: Deadline,
  ): Promise<MessageQueue[]> {
    const byBroker = Map.groupBy(held, ({ brokerName }) => brokerName);
    const locked: MessageQueue[] = [];
    await Promise.all(Array.from(byBroker, async ([brokerName, queues]) => {
      const bounds = { timeout: Math.max(1, deadline.remaining / 2) };
      await calls.unlock(brokerName, queues, bounds).catch(() => locked.push(...queues));
    }));
    return locked;
  }
}
