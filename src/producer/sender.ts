import { type Clock, sleep } from "../clock.ts";
import { ConnectionError } from "../errors.ts";
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
import { type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { QueueSelector, type TopicRoute } from "../route/mod.ts";
import type { Connection } from "../transport/mod.ts";
import { checkRest, rethrowAt } from "./broker_error.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import { noQueue, type QueueChoice, selectByHash } from "./queue_choice.ts";

/** Milliseconds before a broker is tried again, when none could be reached. */
const PAUSE = 50;

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
  /** The ids of all messages of a batch; otherwise the one. */
  readonly offsetMessageIds: readonly string[];
  /** What a timer message is taken back with. */
  readonly recallHandle?: string | undefined;
  /** The physical offset in {@linkcode SendReceipt.offsetMessageId}. */
  readonly commitLogOffset: bigint;
  /** The connection that it was sent on. */
  readonly connection: Connection;
  /** The same, unless only sends may use it. */
  readonly verdictConnection: Connection | undefined;
}

/** The bounds of one send. */
export interface SendBounds {
  /** When it must be over. */
  deadline: Deadline;
  /** Ends it early. */
  signal?: AbortSignal | undefined;
  /** Chooses the queue; without it, a sharding key does, or it is the next one. */
  choose?: QueueChoice | undefined;
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
    return await this.#once(message, bounds, (queue) => this.sendTo(queue, message, bounds, true));
  }

  /**
   * Writes a message to a connection and waits for nothing else. Passes brokers over as
   * {@linkcode Sender.sendOnce} does.
   *
   * @throws {ConnectionError} when it was not written, or not as a whole.
   */
  async sendOneway(message: OutgoingMessage, bounds: SendBounds): Promise<void> {
    await this.#once(message, bounds, async (queue) => {
      const connection = await this.#connect(queue, message, bounds);
      const request = this.#request(queue, message);
      await connection.oneway(request, { timeout: bounds.deadline.remaining })
        .catch(rethrowAt(queue));
    });
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
    const avoid = await this.#othersThan(message, bounds);
    const chosen = await this.#chosenQueue(message, bounds);
    for (let triesLeft = 1 + retries;; triesLeft--) {
      const queue = chosen ?? await this.#nextQueue(message.topic, avoid, bounds);
      const share = triesLeft > 1 && this.#hasAlternative(message, queue, bounds)
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

  /**
   * Sends a message to a queue, with `needsRest` only if time is left for the answer. Errors as in
   * {@linkcode Sender.sendOnce}.
   */
  async sendTo(
    queue: MessageQueue,
    message: OutgoingMessage,
    bounds: SendBounds,
    needsRest = false,
  ): Promise<SendReceipt> {
    const { topic } = message;
    const { brokerName } = queue;
    const connection = await this.#connect(queue, message, bounds);
    if (needsRest) checkRest(bounds, queue);
    const response = await connection.request(this.#request(queue, message), {
      timeout: bounds.deadline.remaining,
      signal: bounds.signal,
    }).catch(rethrowAt(queue));
    const { address } = connection;
    const stored = readSendMessageResponse(response, { address, brokerName, topic });
    return {
      sendStatus: stored.status,
      messageQueue: { topic, brokerName, queueId: stored.queueId },
      queueOffset: stored.queueOffset,
      offsetMessageId: stored.offsetMessageId,
      offsetMessageIds: stored.offsetMessageIds,
      recallHandle: stored.recallHandle,
      commitLogOffset: parseOffsetMessageId(stored.offsetMessageId).offset,
      connection,
      verdictConnection: this.#client.hasVipChannel ? undefined : connection,
    };
  }

  async #once<T>(
    message: OutgoingMessage,
    bounds: SendBounds,
    deliver: (queue: MessageQueue) => Promise<T>,
  ): Promise<T> {
    const avoid = new Set<string>();
    const chosen = await this.#chosenQueue(message, bounds);
    let lastError: ConnectionError | undefined;
    for (;;) {
      const queue = chosen ?? await this.#nextQueue(message.topic, avoid, bounds);
      if (lastError && avoid.has(queue.brokerName)) {
        if (!lastError.isRetriable) throw lastError;
        await sleep(this.#clock, Math.min(PAUSE, bounds.deadline.remaining));
      }
      try {
        return await deliver(queue);
      } catch (error) {
        if (!(error instanceof ConnectionError) || error.written) throw error;
        if (error.code === "ABORTED" || error.code === "OVERLOADED" || bounds.deadline.passed) {
          throw error;
        }
        lastError = error;
        avoid.add(queue.brokerName);
      }
    }
  }

  #connect(
    queue: MessageQueue,
    message: OutgoingMessage,
    bounds: SendBounds,
  ): Promise<Connection> {
    const { remaining } = bounds.deadline;
    const timeout = this.#hasAlternative(message, queue, bounds) ? remaining / 2 : remaining;
    return this.#client.requestConnection(queue.brokerName, { timeout, signal: bounds.signal });
  }

  #request(queue: MessageQueue, message: OutgoingMessage): RemotingRequest {
    const request = createSendMessageRequest({
      producerGroup: this.#producerGroup,
      topic: message.topic,
      defaultTopic: DEFAULT_TOPIC,
      defaultTopicQueueNums: DEFAULT_TOPIC_QUEUES,
      queueId: queue.queueId,
      sysFlag: message.sysFlag,
      bornTimestamp: BigInt(Math.floor(this.#clock.now())),
      flag: message.flag,
      properties: message.properties,
      reconsumeTimes: 0,
      unitMode: false,
      batch: message.batch === true,
      bname: queue.brokerName,
    }, message.body);
    return message.replyTo !== undefined
      ? { ...request, code: RequestCode.SEND_REPLY_MESSAGE_V2 }
      : request;
  }

  /** The queue that was chosen for a message; undefined when any will do. */
  async #chosenQueue(
    message: OutgoingMessage,
    bounds: SendBounds,
  ): Promise<MessageQueue | undefined> {
    const choose = choiceOf(message, bounds);
    if (!choose) return undefined;
    const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
    let route = await this.#client.route(message.topic, rest());
    if (route.writableQueues.length === 0) {
      route = await this.#client.refreshRoute(message.topic, rest());
    }
    if (route.writableQueues.length === 0) throw noQueue(route);
    const queue = choose(route);
    if (route.masterAddress(queue.brokerName) !== undefined) return queue;
    route = await this.#client.refreshRoute(message.topic, rest());
    if (route.masterAddress(queue.brokerName) !== undefined) return queue;
    throw noQueue(route, queue.brokerName);
  }

  /** For a reply all brokers but that of its request; they are tried when that one fails. */
  async #othersThan({ topic, replyTo }: OutgoingMessage, bounds: SendBounds): Promise<Set<string>> {
    if (replyTo === undefined) return new Set();
    const { deadline, signal } = bounds;
    const route = await this.#client.route(topic, { timeout: deadline.remaining, signal });
    return new Set(route.brokerNames.filter((name) => route.masterAddress(name) !== replyTo));
  }

  async #nextQueue(
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
    throw noQueue(route);
  }

  #select(route: TopicRoute, avoid: ReadonlySet<string>): MessageQueue | undefined {
    let selector = this.#selectors.get(route.topic);
    if (!selector) {
      selector = new QueueSelector(() => this.#clock.random());
      this.#selectors.set(route.topic, selector);
    }
    const down = this.#client.downBrokers();
    if (down.length > 0) {
      const unwanted = new Set([...avoid, ...down]);
      const queue = selector.select(route.writableQueues, unwanted);
      if (queue && !unwanted.has(queue.brokerName)) return queue;
    }
    return selector.select(route.writableQueues, avoid);
  }

  /** Whether another broker can take a message when that of `queue` does not. */
  #hasAlternative(message: OutgoingMessage, queue: MessageQueue, bounds: SendBounds): boolean {
    if (choiceOf(message, bounds)) return false;
    const route = this.#client.peekRoute(message.topic);
    return route?.writableQueues.some(({ brokerName }) => brokerName !== queue.brokerName) ?? false;
  }
}

function choiceOf(message: OutgoingMessage, bounds: SendBounds): QueueChoice | undefined {
  return bounds.choose ??
    (message.shardingKey === undefined
      ? undefined
      : ({ writableQueues }) => selectByHash(message.shardingKey!)(writableQueues));
}

function mayRetry(error: unknown, retryCodes: ReadonlySet<number>): boolean {
  if (error instanceof ConnectionError) return error.code !== "OVERLOADED";
  const { responseCode } = error as { responseCode?: number };
  return responseCode !== undefined && retryCodes.has(responseCode);
}
