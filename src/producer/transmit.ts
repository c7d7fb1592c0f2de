import { type ClientInstance, DEFAULT_TOPIC, DEFAULT_TOPIC_QUEUES } from "../client/mod.ts";
import type { Clock, Deadline } from "../clock.ts";
import { ConnectionError, InvalidArgumentError } from "../errors.ts";
import { encodeProperties, MessageProperty, type MessageQueue } from "../message/mod.ts";
import {
  type RemotingCommand,
  type RemotingRequest,
  ServerVersion,
  versionName,
} from "../remoting/internal.ts";
import {
  type PreparedHeaders,
  PreparedRequest,
  prepareSendMessageHeaders,
  readSendMessageResponse,
  type SendMessageVarying,
} from "../requests/mod.ts";
import type { Connection } from "../transport/mod.ts";
import { codeOf, type OutgoingMessage } from "./outgoing_message.ts";
import type { QueueFinder } from "./queues.ts";
import { leastTime, type SendBounds, type SendPolicy, TooLateError } from "./send_policy.ts";
import type { SendReceipt } from "./send_result.ts";

/** One attempt to send a message. */
export interface Attempt {
  readonly queue: MessageQueue;
  readonly message: OutgoingMessage;
  /** Bounds of the whole send. */
  readonly bounds: SendBounds;
  readonly policy: SendPolicy;
  /** When this attempt must be over. */
  deadline: Deadline;
}

/** The settings of a {@linkcode Transmitter}. */
interface TransmitterOptions {
  readonly client: ClientInstance;
  readonly clock: Clock;
  readonly producerGroup: string;
  readonly queues: QueueFinder;
}

/** Takes a message to one queue: one request, one answer. */
export class Transmitter {
  readonly #client: ClientInstance;
  readonly #clock: Clock;
  readonly #queues: QueueFinder;
  readonly #headers: PreparedHeaders<SendMessageVarying>;

  constructor({ client, clock, producerGroup, queues }: TransmitterOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#queues = queues;
    this.#headers = prepareSendMessageHeaders({
      producerGroup,
      defaultTopic: DEFAULT_TOPIC,
      defaultTopicQueueNums: DEFAULT_TOPIC_QUEUES,
    });
  }

  /**
   * Writes a message to a registered connection, and waits for the answer if the policy says so.
   *
   * @throws {ConnectionError} whose `written` says whether the broker may have it.
   * @throws {BrokerResponseError} @throws {ProtocolError} @throws {InvalidArgumentError}
   */
  async transmit(attempt: Attempt): Promise<SendReceipt | undefined> {
    const { queue, message, deadline, bounds, policy } = attempt;
    const { brokerName } = queue, { topic } = message;
    const connection = this.#client.openConnection(brokerName) ??
      await this.#connect(attempt);
    if (message.timed) checkTimers(connection, brokerName, topic);
    const { address } = connection, { signal } = bounds;
    const now = this.#clock.monotonic(), timeout = deadline.remainingAt(now);
    if (bounds.deadline.remainingAt(now) < leastTime(bounds, policy)) {
      throw tooLate(queue, address, bounds, now);
    }
    const request = this.#request(queue, message, connection);
    let response: RemotingCommand;
    try {
      if (!policy.awaitAnswer) {
        await connection.oneway(request, { timeout, signal, now });
        return undefined;
      }
      response = await connection.request(request, { timeout, signal, now });
    } catch (error) {
      throw errorAt(queue, error);
    }
    const kind = message.replyTo === undefined ? "message" : "reply";
    const stored = readSendMessageResponse(response, { address, brokerName, topic }, kind);
    return {
      sendStatus: stored.status,
      messageQueue: { topic, brokerName, queueId: stored.queueId },
      queueOffset: stored.queueOffset,
      offsetMessageId: stored.offsetMessageId,
      offsetMessageIds: stored.offsetMessageIds,
      innerBatch: stored.batchUniqId !== undefined,
      recallHandle: stored.recallHandle,
      commitLogOffset: stored.commitLogOffset,
      connection,
      brokerConnection: this.#client.hasVipChannel ? undefined : connection,
      bodySize: message.body.length,
      checkImmunity: message.checkImmunity,
      regionId: stored.regionId,
      traceOn: stored.traceOn,
    };
  }

  /** Waits for a connection, and leaves time for another broker if there is one. */
  async #connect({ queue, message, deadline, bounds }: Attempt): Promise<Connection> {
    const { brokerName } = queue, { remaining } = deadline;
    const hasOther = this.#queues.hasOther(message, bounds, (name) => name !== brokerName);
    const timeout = hasOther ? remaining / 2 : remaining;
    return await this.#client.requestConnection(brokerName, { timeout, signal: bounds.signal });
  }

  #request(
    queue: MessageQueue,
    message: OutgoingMessage,
    connection: Connection,
  ): RemotingRequest {
    const varying = {
      queueId: queue.queueId,
      sysFlag: message.sysFlag,
      bornTimestamp: BigInt(Math.floor(this.#clock.now())),
      flag: message.flag,
      properties: propertiesFor(connection, message),
      batch: message.parts !== undefined,
      bname: queue.brokerName,
    };
    const header = this.#headers.get(message.topic);
    return new PreparedRequest({ code: codeOf(message), header, varying, body: message.body });
  }
}

function tooLate(
  { brokerName, topic }: MessageQueue,
  address: string,
  { deadline }: SendBounds,
  now: number,
): TooLateError {
  const left = Math.floor(deadline.remainingAt(now)), { timeout } = deadline;
  return new TooLateError(
    "TIMEOUT",
    `Cannot send to broker "${brokerName}" at ${address}: ` +
      (left === 0
        ? `the ${timeout} ms for the send were over before it could leave`
        : `of ${timeout} ms for the send only ${left} were left when it could leave, too few for an answer`),
    { address, brokerName, topic, isRetriable: true },
  );
}

/** Adds the broker to what a connection threw. */
function errorAt({ brokerName, topic }: MessageQueue, error: unknown): unknown {
  if (!(error instanceof ConnectionError) || error.brokerName !== undefined) return error;
  const { address, written, isRetriable, cause } = error;
  return new ConnectionError(error.code as ConnectionErrorCode, error.message, {
    address,
    written,
    isRetriable,
    brokerName,
    topic,
    ...(cause === undefined ? {} : { cause }),
  });
}

type ConnectionErrorCode = ConstructorParameters<typeof ConnectionError>[0];

/**
 * Refuses a timer message for a broker that has no timers: it would deliver the message immediately. A
 * broker that does not tell its version may have them.
 *
 * @throws {InvalidArgumentError} naming the broker, its version and what helps.
 */
function checkTimers(connection: Connection, brokerName: string, topic: string): void {
  const { peerVersion, address } = connection;
  if (!isBefore5(peerVersion)) return;
  throw new InvalidArgumentError(
    `Cannot send message to topic "${topic}": broker "${brokerName}" at ${address} is of version ` +
      `${
        versionName(peerVersion)
      } and would deliver it immediately, delay and deliverAt need 5.0.0 or ` +
      "later: use delayLevel",
    { topic, brokerName, address },
  );
}

/**
 * Returns the properties of a message as its broker takes them. A broker before 5.0 adds those of a
 * batch to each of its messages, which would all get the id of the batch.
 */
function propertiesFor({ peerVersion }: Connection, message: OutgoingMessage): string {
  if (!message.parts || !isBefore5(peerVersion)) return message.encodedProperties;
  const { [MessageProperty.UniqueKey]: _, ...properties } = message.properties;
  return encodeProperties(properties);
}

function isBefore5(version: number): boolean {
  return versionName(version) !== undefined && version < ServerVersion.V5_0_0;
}
