import type { Clock } from "../clock.ts";
import { ConnectionError, TopicRouteNotFoundError } from "../errors.ts";
import {
  type ClientInstance,
  Deadline,
  DEFAULT_TOPIC,
  DEFAULT_TOPIC_QUEUES,
} from "../client/mod.ts";
import { type MessageQueue, parseOffsetMessageId } from "../message/mod.ts";
import {
  createSendMessageRequest,
  readSendMessageResponse,
  type SendStatus,
} from "../requests/mod.ts";
import { QueueSelector, type TopicRoute } from "../route/mod.ts";
import type { Connection } from "../transport/mod.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";

/** What the broker said of a message that it stored, and where. */
export interface SendReceipt {
  /** How well it was stored. */
  readonly sendStatus: SendStatus;
  /** The queue that it went to; of a half message the one that it will go to. */
  readonly messageQueue: MessageQueue;
  /** Position in that queue; of a half message the position in the half topic. */
  readonly queueOffset: bigint;
  /** Where it was stored: broker address and physical offset. */
  readonly offsetMessageId: string;
  /** The physical offset in {@linkcode SendReceipt.offsetMessageId}. */
  readonly commitLogOffset: bigint;
  /** The connection that it was sent on. */
  readonly connection: Connection;
}

/** The bounds of one send. */
export interface SendBounds {
  /** When it must be over. */
  deadline: Deadline;
  /** Ends it early. */
  signal?: AbortSignal | undefined;
}

/** Finds a queue and a registered connection for a message, and sends it there. */
export class Sender {
  readonly #client: ClientInstance;
  readonly #clock: Clock;
  readonly #producerGroup: string;
  readonly #selectors = new Map<string, QueueSelector>();

  constructor(client: ClientInstance, clock: Clock, producerGroup: string) {
    this.#client = client;
    this.#clock = clock;
    this.#producerGroup = producerGroup;
  }

  /**
   * Sends a message once. Brokers that can't be reached are passed over as long as nothing of the
   * message was written; from then on it is never sent again.
   *
   * @throws {ConnectionError} whose `written` says whether the broker may have it.
   * @throws {BrokerResponseError} when the broker refused it. @throws {ProtocolError} when its
   * answer makes no sense, and the message may be stored.
   */
  async sendOnce(message: OutgoingMessage, bounds: SendBounds): Promise<SendReceipt> {
    const avoid = new Set<string>();
    for (;;) {
      const queue = await this.#chooseQueue(message.topic, avoid, bounds);
      try {
        return await this.sendTo(queue, message, bounds);
      } catch (error) {
        if (!(error instanceof ConnectionError) || error.written) throw error;
        if (error.code === "ABORTED" || error.code === "OVERLOADED" || bounds.deadline.passed) {
          throw error;
        }
        avoid.add(queue.brokerName);
      }
    }
  }

  /**
   * Sends a message, and again to another broker when it may help.
   *
   * @throws {RocketMQError} the failure of the last try.
   */
  async sendWithRetries(
    message: OutgoingMessage,
    bounds: SendBounds,
    retries: number,
    retryCodes: ReadonlySet<number>,
  ): Promise<SendReceipt> {
    const avoid = new Set<string>();
    for (let triesLeft = 1 + retries;; triesLeft--) {
      const queue = await this.#chooseQueue(message.topic, avoid, bounds);
      const share = triesLeft > 1 && this.#hasAlternative(message.topic, queue.brokerName)
        ? new Deadline(this.#clock, bounds.deadline.remaining / triesLeft)
        : bounds.deadline;
      try {
        return await this.sendTo(queue, message, { ...bounds, deadline: share });
      } catch (error) {
        if (triesLeft <= 1 || bounds.deadline.passed || bounds.signal?.aborted) throw error;
        if (!mayRetry(error, retryCodes)) throw error;
        avoid.add(queue.brokerName);
      }
    }
  }

  /** Sends a message to a queue. Errors as in {@linkcode Sender.sendOnce}. */
  async sendTo(
    queue: MessageQueue,
    message: OutgoingMessage,
    bounds: SendBounds,
  ): Promise<SendReceipt> {
    const { topic } = message;
    const { brokerName } = queue;
    const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
    const share = this.#hasAlternative(topic, brokerName)
      ? { timeout: bounds.deadline.remaining / 2, signal: bounds.signal }
      : rest();
    const connection = await this.#client.brokerConnection(brokerName, share);
    const request = createSendMessageRequest({
      producerGroup: this.#producerGroup,
      topic,
      defaultTopic: DEFAULT_TOPIC,
      defaultTopicQueueNums: DEFAULT_TOPIC_QUEUES,
      queueId: queue.queueId,
      sysFlag: message.sysFlag,
      bornTimestamp: BigInt(Math.floor(this.#clock.now())),
      flag: message.flag,
      properties: message.properties,
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
      bname: brokerName,
    }, message.body);
    const response = await connection.request(request, rest());
    const { address } = connection;
    const stored = readSendMessageResponse(response, { address, brokerName, topic });
    return {
      sendStatus: stored.status,
      messageQueue: { topic, brokerName, queueId: stored.queueId },
      queueOffset: stored.queueOffset,
      offsetMessageId: stored.offsetMessageId,
      commitLogOffset: parseOffsetMessageId(stored.offsetMessageId).offset,
      connection,
    };
  }

  async #chooseQueue(
    topic: string,
    avoid: ReadonlySet<string>,
    bounds: SendBounds,
  ): Promise<MessageQueue> {
    const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
    let route = await this.#client.route(topic, rest());
    let queue = this.#select(route, avoid);
    if (!queue) {
      route = await this.#client.refreshRoute(topic, rest());
      queue = this.#select(route, avoid);
    }
    if (queue) return queue;
    throw new TopicRouteNotFoundError(
      `Cannot send to topic "${topic}": ${route.describeUnwritable()}`,
      { topic, isRetriable: true },
    );
  }

  #select(route: TopicRoute, avoid: ReadonlySet<string>): MessageQueue | undefined {
    let selector = this.#selectors.get(route.topic);
    if (!selector) {
      selector = new QueueSelector(() => this.#clock.random());
      this.#selectors.set(route.topic, selector);
    }
    return selector.select(route.writableQueues, avoid);
  }

  #hasAlternative(topic: string, brokerName: string): boolean {
    const route = this.#client.peekRoute(topic);
    return route?.writableQueues.some((queue) => queue.brokerName !== brokerName) ?? false;
  }
}

function mayRetry(error: unknown, retryCodes: ReadonlySet<number>): boolean {
  if (error instanceof ConnectionError) return error.code !== "OVERLOADED";
  const { responseCode } = error as { responseCode?: number };
  return responseCode !== undefined && retryCodes.has(responseCode);
}
