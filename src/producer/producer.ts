import { Broadcast } from "../broadcast.ts";
import { checkNames, namesOf } from "../checks.ts";
import { CLIENT_OPTIONS, type ClientOptions } from "../client/mod.ts";
import { InvalidArgumentError, traced, withCaller } from "../errors.ts";
import {
  type DelayableMessage,
  type Message,
  type MessageExt,
  MessageProperty,
} from "../message/internal.ts";
import { type RemotingCommand, ResponseCode } from "../remoting/mod.ts";
import { createTopic, type RecallFields, recallMessage, type TopicFields } from "./admin.ts";
import {
  AutoBatcher,
  type AutoBatchOptions,
  type AutoBatchSettings,
  resolveAutoBatch,
} from "./auto_batcher.ts";
import {
  batchResultOf,
  prepareBatch,
  type SendBatchOptions,
  type SendBatchResult,
} from "./batch.ts";
import type { CloseReason, ProducerEvent } from "./events.ts";
import { LookUp, type MessageQuery, QUERY_FIELDS } from "./look_up.ts";
import { encodeMessage, readMessage } from "./outgoing_message.ts";
import { type ProducerBaseOptions, ProducerCore } from "./producer_core.ts";
import { awaitReply, prepareRequest } from "./request_reply.ts";
import {
  type AnsweredPolicy,
  ONE_WAY,
  resolveRetryPolicy,
  type RetryOptions,
  type SendBounds,
} from "./send_policy.ts";
import {
  type CallOptions,
  type ProducerStats,
  resultOf,
  type SendOptions,
  type SendReceipt,
  type SendResult,
} from "./send_result.ts";
import { checkTopic } from "./validation.ts";

/** Configures a {@linkcode Producer}. */
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

/** Names the options of a producer. */
export const PRODUCER_OPTIONS: ReadonlySet<string> = new Set([
  ...CLIENT_OPTIONS,
  ...namesOf<Omit<ProducerOptions, keyof ClientOptions>>({
    producerGroup: true,
    topics: true,
    sendTimeout: true,
    maxMessageSize: true,
    sendHooks: true,
    messageTrace: true,
    autoBatch: true,
    retries: true,
    retryCodes: true,
    retryOnStoreNotOk: true,
    sendTimeoutPerTry: true,
    latencyFaultTolerance: true,
    maxSendsInFlight: true,
    maxSendBytesInFlight: true,
    maxSendsWaiting: true,
    maxSendBytesWaiting: true,
    compression: true,
    compressionLevel: true,
    compressBodyOver: true,
  }),
]);

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
  readonly #core: ProducerCore;
  readonly #policy: AnsweredPolicy;
  readonly #batchPolicy: AnsweredPolicy;
  readonly #requestPolicy: AnsweredPolicy;
  readonly #autoBatch: AutoBatchSettings | undefined;
  readonly #events = new Broadcast<ProducerEvent>();
  #batcher: AutoBatcher | undefined;

  /**
   * Checks the options; nothing is connected yet.
   *
   * @throws {InvalidArgumentError} when an option is wrong.
   */
  constructor(options: ProducerOptions);
  /**
   * Makes a producer of a `ProducerCore`, for the kinds of producers in this package. That is no public
   * type: it would make all of the client public.
   *
   * @ignore
   */
  constructor(options: ProducerOptions, core: object);
  /** @ignore Both signatures are above. */
  constructor(options: ProducerOptions, core?: object) {
    this.#core = core instanceof ProducerCore ? core : new ProducerCore(options, {
      topics: options?.topics,
      names: PRODUCER_OPTIONS,
      events: this.#events,
    });
    this.#policy = resolveRetryPolicy(options);
    this.#batchPolicy = { ...this.#policy, kind: "batch" };
    this.#requestPolicy = { ...this.#policy, kind: "request" };
    this.#autoBatch = resolveAutoBatch(options.autoBatch, this.#core);
  }

  /** Resolves when the producer is closed, with the reason. */
  get closed(): Promise<CloseReason> {
    return this.#core.closed;
  }

  /**
   * Reports whether it has started, and each of its topics has a broker with which it is registered; of
   * a producer without `topics`, any broker. For a readiness probe.
   */
  get isReady(): boolean {
    return this.#core.isReady;
  }

  /**
   * Finds the routes of the topics and registers with their brokers.
   *
   * @throws {RocketMQError} when that fails; the producer can be started again then.
   */
  start(options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#core.start(() => () => {}, options);
  }

  /**
   * Sends a message and waits until a broker has stored it.
   *
   * @throws {InvalidArgumentError} when the message can't be carried.
   * @throws {SendForbiddenError} when a send hook forbids it; no kind of send is excepted.
   * @throws {RocketMQError} the failure of the last attempt.
   */
  async send(message: DelayableMessage, options: SendOptions = {}): Promise<SendResult> {
    try {
      const core = this.#core, bounds = core.bounds(options, message);
      if (this.#autoBatch) return await this.#gather(message, bounds, this.#autoBatch);
      const outgoing = core.prepare(message, false);
      return resultOf(outgoing, await core.delivery.deliver(outgoing, bounds, this.#policy));
    } catch (error) {
      throw withCaller(error);
    }
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
    try {
      const bounds = this.#core.bounds(options, message);
      const outgoing = this.#core.prepare(message, false);
      await this.#core.delivery.deliver(outgoing, bounds, ONE_WAY);
      return outgoing.uniqueKey;
    } catch (error) {
      throw withCaller(error);
    }
  }

  /**
   * Sends messages of one topic as one batch, to one queue, and waits until a broker has stored all
   * of them. No message may be delayed, and all together may have `maxMessageSize` bytes: see
   * {@linkcode splitBatch}.
   *
   * @throws {InvalidArgumentError} when the messages can't be carried in one batch.
   * @throws {RocketMQError} the failure of the last attempt.
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
    const batch = prepareBatch(messages, queue !== undefined, this.#core.outgoing);
    const receipt = await traced(this.#core.delivery.deliver(batch, bounds, this.#batchPolicy));
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
    const [client, bounds] = this.#core.contact(options);
    const { producerGroup, settings, traces } = this.#core, { topic } = fields;
    const onAnswer = (messageId: string, response: RemotingCommand) => {
      const regionId = response.extFields[MessageProperty.Region];
      if (!traces || regionId === undefined) return;
      const timestamp = Math.floor(settings.clock.now());
      const success = response.code === ResponseCode.SUCCESS;
      traces.append({
        type: "Recall",
        timestamp,
        regionId,
        producerGroup,
        topic,
        messageId,
        success,
      });
    };
    return await traced(recallMessage(client, fields, { producerGroup, bounds, onAnswer }));
  }

  /**
   * Sends a message and waits for the reply of one of its consumers, within one `timeout` for both.
   *
   * @throws {InvalidArgumentError} when the message can't be carried.
   * @throws {ConnectionError} with code `TIMEOUT` when no reply came in time.
   * @throws {RocketMQError} when the message could not be sent.
   */
  async request(message: Message, options: SendOptions = {}): Promise<MessageExt> {
    const core = this.#core, bounds = core.bounds(options, message as DelayableMessage);
    const client = core.client!, correlationId = core.outgoing.uniqueKey();
    const { timeout } = bounds.deadline, { clientId } = client;
    const outgoing = prepareRequest(message, core.outgoing, { correlationId, clientId, timeout });
    const send = () => core.delivery.deliver(outgoing, bounds, this.#requestPolicy);
    const { clock } = core.settings;
    return await traced(awaitReply(outgoing, bounds, { client, clock, correlationId, send }));
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
    const [client, bounds] = this.#core.contact(options);
    await traced(createTopic(client, this.#core.settings, fields, bounds));
  }

  /**
   * Reads the message that an `offsetMessageId` names from its broker.
   *
   * @returns `undefined` when no broker of the topic has it, or not any more.
   * @throws {InvalidArgumentError} when `offsetMessageId` is none, or the topic is missing.
   * @throws {RocketMQError} when a broker can't be asked.
   */
  async viewMessage(
    offsetMessageId: string,
    options: CallOptions & { topic: string },
  ): Promise<MessageExt | undefined> {
    const { topic, ...bounded } = options ?? {};
    checkTopic(topic);
    const [client, bounds] = this.#core.contact(bounded);
    return await traced(new LookUp(client).view(offsetMessageId, topic, bounds));
  }

  /**
   * Finds messages by a business key or by the id that their producer gave, the oldest first. A
   * broker indexes what it stores with a delay of some milliseconds.
   *
   * @throws {InvalidArgumentError} when the query is not what it may be.
   * @throws {RocketMQError} when a broker can't be asked.
   */
  async queryMessages(query: MessageQuery, options: CallOptions = {}): Promise<MessageExt[]> {
    const [client, bounds] = this.#core.contact(options);
    checkNames(query, QUERY_FIELDS, "field of a query");
    return await traced(new LookUp(client).query(query, bounds));
  }

  /**
   * Iterates over what happens from now on. Each iteration has its own buffer of 1024 events; one that
   * does not keep up loses the oldest, counted in `stats().droppedEvents`.
   */
  events(): AsyncIterableIterator<ProducerEvent> {
    return this.#events.subscribe();
  }

  /** Returns what was counted, and how much is held now. */
  stats(): ProducerStats {
    return this.#core.stats();
  }

  /** Unregisters and closes, within `timeout` milliseconds. */
  async shutdown(options: { timeout?: number } = {}): Promise<void> {
    await this.#core.shutdown(options, () => Promise.resolve(true));
    this.#events.end();
  }

  /** Does the same as {@linkcode Producer.shutdown}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /** Sends a message together with others that go to the same place. */
  async #gather(
    message: DelayableMessage,
    bounds: SendBounds,
    settings: AutoBatchSettings,
  ): Promise<SendResult> {
    const { watch } = this.#core;
    const batcher = this.#batcher ??= this.#makeBatcher(settings);
    const read = readMessage(message, false, this.#core.outgoing);
    const receipt = watch.isActive
      ? await watch.around("send", encodeMessage(read), (amended) => batcher.send(amended, bounds))
      : await batcher.send(read, bounds);
    return resultOf(read, receipt);
  }

  /** Makes what gathers messages while the producer runs. It ends with the producer. */
  #makeBatcher(settings: AutoBatchSettings): AutoBatcher {
    const core = this.#core, { delivery } = core;
    const batcher = new AutoBatcher({
      ...settings,
      client: core.client!,
      clock: core.settings.clock,
      uniqueKey: core.outgoing.uniqueKey,
      policy: this.#policy,
      send: (outgoing, bounds, policy): Promise<SendReceipt> =>
        delivery.send(outgoing, bounds, policy),
    });
    core.addDrain((deadline) => batcher.drain(deadline));
    return batcher;
  }
}
