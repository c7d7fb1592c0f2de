import type { ClientHooks, ClientInstance } from "../client/mod.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { DelayableMessage, Message, MessageExt } from "../message/internal.ts";
import {
  type AutoBatchOptions,
  type AutoBatchSettings,
  createAutoBatcher,
  resolveAutoBatch,
} from "./auto_batch.ts";
import type { AutoBatcher } from "./auto_batcher.ts";
import {
  batchResultOf,
  prepareBatch,
  type SendBatchOptions,
  type SendBatchResult,
} from "./batch.ts";
import { LookUp, type MessageQuery } from "./look_up.ts";
import { observeMessage, readMessage } from "./outgoing_message.ts";
import { type ProducerBaseOptions, ProducerCore } from "./producer_core.ts";
import type { ProducerStats } from "./producer_stats.ts";
import { type RecallFields, recallMessage } from "./recall.ts";
import { awaitReply, prepareRequest } from "./request_reply.ts";
import { resolveRetryPolicy, type RetryOptions, type RetryPolicy } from "./retry_policy.ts";
import { type CallOptions, resultOf, type SendOptions, type SendResult } from "./send_result.ts";
import type { SendBounds } from "./send_receipt.ts";
import { createTopic, type TopicFields } from "./topic_creation.ts";

/** The options of a {@linkcode Producer}. */
export interface ProducerOptions extends ProducerBaseOptions, RetryOptions {
  /** Topics whose routes are found, and with whose brokers it registers, before `start()` resolves. */
  topics?: readonly string[];
  /**
   * Gathers messages of `send()` that go to one topic, or to one chosen queue, into batches, which are
   * not compressed. Not gathered are messages with a delay, a priority or a lite topic, and replies.
   * A batch keeps the order of its messages; between sends that do not wait for each other a broker
   * keeps none.
   *
   * @default {false}
   */
  autoBatch?: boolean | AutoBatchOptions;
}

const NO_HOOKS: ClientHooks = {
  onRegistered: () => {},
  onLost: () => {},
  onRouteChanged: () => {},
};

/** The core of a producer, for the kinds of producers that this module makes of it. */
export let coreOf: (producer: Producer) => ProducerCore;

/**
 * Sends ordinary messages. A send whose answer got lost is tried again, so consumers may see a
 * message twice, under one message id.
 *
 * @example
 * ```ts
 * import { Producer } from "@rocketmq-deno/client";
 *
 * async function greet(nameServers: string): Promise<void> {
 *   await using producer = new Producer({ nameServers, producerGroup: "greeters" });
 *   await producer.start();
 *   await producer.send({ topic: "TopicTest", body: "Hello RocketMQ", tags: "TagA" });
 * }
 * ```
 */
export class Producer implements AsyncDisposable {
  static {
    coreOf = (producer) => producer.#core;
  }

  readonly #core: ProducerCore;
  readonly #retry: RetryPolicy;
  readonly #autoBatch: AutoBatchSettings | undefined;
  #batcher: AutoBatcher | undefined;

  /**
   * Checks the options; nothing is connected yet.
   *
   * @throws {InvalidArgumentError} when an option is wrong.
   */
  constructor(options: ProducerOptions) {
    this.#core = new ProducerCore(options, options?.topics ?? []);
    this.#retry = resolveRetryPolicy(options);
    this.#autoBatch = resolveAutoBatch(options.autoBatch, this.#core);
  }

  /** Resolves when the producer is closed. */
  get closed(): Promise<void> {
    return this.#core.closed;
  }

  /**
   * Finds the routes of the topics and registers with their brokers.
   *
   * @throws {RocketMQError} when that fails; the producer can be started again then.
   */
  start(options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#core.start(NO_HOOKS, () => () => {}, options.signal);
  }

  /**
   * Sends a message and waits until a broker has stored it.
   *
   * @throws {InvalidArgumentError} when the message can't be carried.
   * @throws {SendForbiddenError} when a send hook forbids it; no kind of send is excepted.
   * @throws {RocketMQError} the failure of the last try.
   */
  async send(message: DelayableMessage, options: SendOptions = {}): Promise<SendResult> {
    const bounds = this.#core.bounds(options, message);
    const delivery = this.#core.delivery();
    if (this.#autoBatch) {
      const outgoing = this.#core.outgoing(false, "send");
      const read = observeMessage(readMessage(message, outgoing), outgoing);
      this.#batcher ??= createAutoBatcher(this.#core, this.#autoBatch, this.#retry);
      return await this.#batcher.send(read, bounds);
    }
    const outgoing = this.#core.prepare(message, false);
    const receipt = await delivery.send("send", outgoing, bounds, this.#retry);
    return resultOf(outgoing, receipt);
  }

  /**
   * Sends a message and waits until it was written to a connection, not for any answer: it can get
   * lost, and a refusal stays unknown.
   *
   * @returns the id that the producer gave it, which consumers see.
   * @throws {InvalidArgumentError} when the message can't be carried.
   * @throws {RocketMQError} when it was not written.
   */
  async sendOneway(message: DelayableMessage, options: SendOptions = {}): Promise<string> {
    const bounds = this.#core.bounds(options, message);
    const delivery = this.#core.delivery();
    const outgoing = this.#core.prepare(message, false, "oneway");
    await delivery.oneway(outgoing, bounds);
    return outgoing.uniqueKey;
  }

  /**
   * Sends messages of one topic as one batch, to one queue, and waits until a broker has stored all
   * of them. No message may be delayed, and all together may have `maxMessageSize` bytes: see
   * {@linkcode splitBatch}.
   *
   * @throws {InvalidArgumentError} when the messages can't be carried in one batch.
   * @throws {RocketMQError} the failure of the last try.
   */
  async sendBatch(
    messages: readonly Message[],
    options: SendBatchOptions = {},
  ): Promise<SendBatchResult> {
    const { queue } = options;
    if ((options as SendOptions).selector !== undefined) {
      throw new InvalidArgumentError("Cannot send batch: selector is for single messages");
    }
    const bounds = this.#core.bounds(options, messages?.[0]);
    const delivery = this.#core.delivery();
    const prepared = { ...this.#core.outgoing(false, "batch"), queueIsNamed: queue !== undefined };
    const batch = prepareBatch(messages, prepared);
    const receipt = await delivery.send("batch", batch, bounds, this.#retry);
    return batchResultOf(batch, receipt);
  }

  /**
   * Takes back a message that was sent with `delay` or `deliverAt` and is not due yet. Needs a broker
   * of version 5.3.2 or later with `recallMessageEnable=true`.
   *
   * @returns the id of the message that was taken back.
   * @throws {InvalidArgumentError} when the handle is none.
   * @throws {RocketMQError} when its broker can't be reached or refuses, also when it is too late.
   */
  async recall(
    fields: RecallFields,
    options: CallOptions = {},
  ): Promise<string> {
    const [client, bounds] = this.#contact(options);
    return await recallMessage(client, this.#core.observation, fields, bounds);
  }

  /**
   * Sends a message and waits for the reply of one of its consumers, within one `timeout` for both.
   *
   * @throws {InvalidArgumentError} when the message can't be carried.
   * @throws {ConnectionError} with code `TIMEOUT` when no reply came in time.
   * @throws {RocketMQError} when the message could not be sent.
   */
  async request(message: Message, options: SendOptions = {}): Promise<MessageExt> {
    const bounds = this.#core.bounds(options, message as DelayableMessage);
    const delivery = this.#core.delivery(), client = this.#core.client!;
    const prepared = this.#core.outgoing(false, "request"), correlationId = prepared.uniqueKey();
    const { timeout } = bounds.deadline, { clientId } = client;
    const outgoing = prepareRequest(message, prepared, { correlationId, clientId, timeout });
    const send = () => delivery.send("request", outgoing, bounds, this.#retry);
    return await awaitReply(
      client,
      this.#core.settings.clock,
      correlationId,
      outgoing,
      bounds,
      send,
    );
  }

  /**
   * Makes a topic on every master broker, or changes it. Needs no route of the topic.
   *
   * @throws {InvalidArgumentError} when a field is not what it may be.
   * @throws {RocketMQError} the first failure; other brokers may have the topic then.
   *
   * @example
   * ```ts
   * import type { Producer } from "@rocketmq-deno/client";
   *
   * async function prepare(producer: Producer): Promise<void> {
   *   await producer.createTopic({
   *     topic: "orders",
   *     queues: 8,
   *     attributes: { "message.type": "TRANSACTION" },
   *   });
   * }
   * ```
   */
  async createTopic(fields: TopicFields, options: CallOptions = {}): Promise<void> {
    const [client, bounds] = this.#contact(options);
    await createTopic(client, this.#core.settings, fields, bounds);
  }

  /**
   * Reads the message that an `offsetMessageId` names from its broker.
   *
   * @returns `undefined` when no broker of the topic has it, or not any more.
   * @throws {MessageDecodeError} when `offsetMessageId` is none.
   * @throws {RocketMQError} when a broker can't be asked.
   */
  async viewMessage(
    offsetMessageId: string,
    { topic, ...options }: CallOptions & { topic: string },
  ): Promise<MessageExt | undefined> {
    const [client, bounds] = this.#contact(options);
    return await new LookUp(client, this.#core.settings.clock).view(offsetMessageId, topic, bounds);
  }

  /**
   * Finds messages by a business key or by the id that their producer gave, the oldest first. A
   * broker indexes what it stores with a delay of some milliseconds.
   *
   * @throws {InvalidArgumentError} when the query is not what it may be.
   * @throws {RocketMQError} when a broker can't be asked.
   */
  async queryMessages(query: MessageQuery, options: CallOptions = {}): Promise<MessageExt[]> {
    const [client, bounds] = this.#contact(options);
    return await new LookUp(client, this.#core.settings.clock).query(query, bounds);
  }

  /** What was counted, and how much is held now. */
  stats(): ProducerStats {
    return this.#core.stats();
  }

  /** Unregisters and closes, within `timeout` milliseconds. */
  shutdown(options: { timeout?: number } = {}): Promise<void> {
    return this.#core.shutdown(options.timeout, () => Promise.resolve());
  }

  /** The same as {@linkcode Producer.shutdown}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #contact(options: CallOptions): [ClientInstance, SendBounds] {
    this.#core.delivery();
    return [this.#core.client!, this.#core.bounds(options)];
  }
}
