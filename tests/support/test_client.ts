import { Credentials, type CredentialsOptions, signRequest } from "../../src/access/mod.ts";
import { systemClock } from "../../src/clock.ts";
import { type Logger, ThrottledLogger } from "../../src/logger.ts";
import { decodeMessages, type MessageExt } from "../../src/message/mod.ts";
import type { RemotingCommand, RemotingRequest } from "../../src/remoting/mod.ts";
import {
  createGetMaxOffsetRequest,
  createGetRouteInfoRequest,
  createPullMessageRequest,
  createQueryMessageRequest,
  readGetMaxOffsetResponse,
  readGetRouteInfoResponse,
  readPullMessageResponse,
  readQueryMessageResponse,
} from "../../src/requests/mod.ts";
import { parseAddress, TopicRoute } from "../../src/route/mod.ts";
import { connect, type Connection, type Dialer, dialTcp } from "../../src/transport/mod.ts";

/** A logger that keeps quiet. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

/** Warnings that nobody reads. */
export const silentWarnings = new ThrottledLogger(silentLogger, systemClock);

/** Where a queue is, and how it is reached. */
interface QueueAt {
  address: string;
  brokerName: string;
  queueId: number;
}

/**
 * Looks at a cluster from outside: what a consumer sees, and what the broker's index knows. It goes
 * through the pure requests and a plain connection only, not through the client under test.
 */
export class TestClient implements AsyncDisposable {
  readonly #nameServer: string;
  readonly #dialer: Dialer;
  readonly #credentials: Credentials | undefined;
  readonly #connections = new Map<string, Connection>();

  /**
   * @param nameServers As clients take them; the first one is asked.
   * @param credentials Sign every request.
   */
  constructor(nameServers: string, dialer: Dialer = dialTcp, credentials?: CredentialsOptions) {
    this.#nameServer = nameServers.split(";")[0]!;
    this.#dialer = dialer;
    if (credentials) this.#credentials = new Credentials(credentials);
  }

  /** Every message of a topic that a consumer gets, by queue. */
  async visibleMessages(topic: string): Promise<MessageExt[]> {
    const messages: MessageExt[] = [];
    for (const queue of await this.#queues(topic)) {
      for await (const found of this.#pull(topic, queue)) messages.push(...found);
    }
    return messages;
  }

  /** What the broker's index knows under a unique key, in a topic of the user or of the system. */
  async query(topic: string, transactionId: string, systemTopic?: string): Promise<MessageExt[]> {
    const found: MessageExt[] = [];
    for (const address of new Set((await this.#queues(topic)).map((queue) => queue.address))) {
      const request = createQueryMessageRequest({
        topic: systemTopic ?? topic,
        key: transactionId,
        maxNum: 64,
        beginTimestamp: 0n,
        endTimestamp: BigInt(Date.now() + 3_600_000),
        uniqueKeyQuery: true,
      });
      const response = await this.#ask(address, request);
      const answer = readQueryMessageResponse(response, { address, topic });
      if (answer) found.push(...await decodeMessages(answer.body));
    }
    return found;
  }

  /** Sends a request to an address and gives the response, whatever its code is. */
  request(address: string, request: RemotingRequest): Promise<RemotingCommand> {
    return this.#ask(address, request);
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections.values()) connection.close();
    return Promise.resolve();
  }

  async #queues(topic: string): Promise<QueueAt[]> {
    const response = await this.#ask(this.#nameServer, createGetRouteInfoRequest(topic));
    const data = readGetRouteInfoResponse(response, { address: this.#nameServer, topic });
    if (!data) return [];
    const route = new TopicRoute(topic, data);
    return data.queueDatas.flatMap(({ brokerName, readQueueNums }) => {
      const address = route.masterAddress(brokerName);
      if (address === undefined) return [];
      return Array.from({ length: readQueueNums }, (_, queueId) => ({
        address,
        brokerName,
        queueId,
      }));
    });
  }

  async *#pull(topic: string, { address, queueId }: QueueAt): AsyncGenerator<MessageExt[]> {
    const context = { address, topic };
    const response = await this.#ask(address, createGetMaxOffsetRequest({ topic, queueId }));
    const end = readGetMaxOffsetResponse(response, context);
    for (let offset = 0n; offset < end;) {
      const request = createPullMessageRequest({
        consumerGroup: "visible_messages",
        topic,
        queueId,
        queueOffset: offset,
      });
      const answer = readPullMessageResponse(await this.#ask(address, request), context);
      if (answer.nextBeginOffset <= offset) throw new Error(`Cannot pull ${topic} past ${offset}`);
      offset = answer.nextBeginOffset;
      if (answer.status === "FOUND") yield await decodeMessages(answer.body);
    }
  }

  async #ask(address: string, request: RemotingRequest): Promise<RemotingCommand> {
    let connection = this.#connections.get(address);
    if (!connection?.isOpen) {
      connection = await connect({
        ...parseAddress(address),
        address,
        dialer: this.#dialer,
        clock: systemClock,
        warnings: silentWarnings,
        timeout: 3_000,
      });
      this.#connections.set(address, connection);
    }
    const signed = this.#credentials ? signRequest(request, this.#credentials) : request;
    return await connection.request(signed, { timeout: 5_000 });
  }
}
