import { type ClientInstance, DEFAULT_TOPIC, DEFAULT_TOPIC_QUEUES } from "../client/mod.ts";
import type { Clock } from "../clock.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { RemotingCommand, RemotingRequest } from "../remoting/mod.ts";
import {
  type PreparedHeaders,
  PreparedRequest,
  prepareSendMessageHeaders,
  readSendMessageResponse,
  type SendMessageVarying,
} from "../requests/mod.ts";
import type { Connection } from "../transport/mod.ts";
import { checkRest, errorAt } from "./broker_error.ts";
import { checkTimers, propertiesFor } from "./broker_release.ts";
import { codeOf, type OutgoingMessage } from "./outgoing_message.ts";
import type { QueueFinder } from "./queue_finder.ts";
import type { SendBounds, SendReceipt } from "./send_receipt.ts";

/** Takes a message to one queue. */
export class Transmitter {
  readonly #client: ClientInstance;
  readonly #clock: Clock;
  readonly #queues: QueueFinder;
  readonly #headers: PreparedHeaders<SendMessageVarying>;

  constructor(client: ClientInstance, clock: Clock, producerGroup: string, queues: QueueFinder) {
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
   * Sends a message and waits for the answer; with `needsRest` only if time is left for it.
   *
   * @throws {ConnectionError} whose `written` says whether the broker may have it.
   * @throws {BrokerResponseError} @throws {ProtocolError}
   */
  async send(
    queue: MessageQueue,
    message: OutgoingMessage,
    bounds: SendBounds,
    needsRest: boolean,
  ): Promise<SendReceipt> {
    const { topic } = message, { brokerName } = queue;
    const connection = this.#opened(queue, message) ??
      await this.#connect(queue, message, bounds);
    const { address } = connection, { deadline, signal } = bounds;
    const now = this.#clock.monotonic(), timeout = deadline.remainingAt(now);
    if (needsRest) checkRest(bounds, timeout, queue, address);
    let response: RemotingCommand;
    try {
      const request = this.#request(queue, message, connection);
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
      verdictConnection: this.#client.hasVipChannel ? undefined : connection,
      regionId: stored.regionId,
      traceOn: stored.traceOn,
    };
  }

  /** Writes a message and waits for nothing else. @throws {ConnectionError} */
  async sendOneway(
    queue: MessageQueue,
    message: OutgoingMessage,
    bounds: SendBounds,
  ): Promise<void> {
    const connection = this.#opened(queue, message) ??
      await this.#connect(queue, message, bounds);
    const { deadline, signal } = bounds;
    try {
      const request = this.#request(queue, message, connection);
      await connection.oneway(request, { timeout: deadline.remaining, signal });
    } catch (error) {
      throw errorAt(queue, error);
    }
  }

  /** The connection to a broker that is there already. */
  #opened(
    { brokerName }: MessageQueue,
    { timed, topic }: OutgoingMessage,
  ): Connection | undefined {
    const connection = this.#client.openConnection(brokerName);
    if (connection && timed) checkTimers(connection, brokerName, topic);
    return connection;
  }

  async #connect(
    queue: MessageQueue,
    message: OutgoingMessage,
    bounds: SendBounds,
  ): Promise<Connection> {
    const { brokerName } = queue, { signal } = bounds;
    const { remaining } = bounds.deadline;
    const timeout = this.#hasOther(queue, message, bounds) ? remaining / 2 : remaining;
    const connection = await this.#client.requestConnection(brokerName, { timeout, signal });
    if (message.timed) checkTimers(connection, brokerName, message.topic);
    return connection;
  }

  #hasOther({ brokerName }: MessageQueue, message: OutgoingMessage, bounds: SendBounds): boolean {
    return this.#queues.hasOther(message, bounds, (name) => name !== brokerName);
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
      batch: message.batch === true,
      bname: queue.brokerName,
    };
    const header = this.#headers.get(message.topic);
    return new PreparedRequest(codeOf(message), header, varying, message.body);
  }
}
