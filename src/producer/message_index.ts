import type { ClientInstance } from "../client/mod.ts";
import type { Clock } from "../clock.ts";
import { decodeStoredMessages, type StoredMessage } from "../message/mod.ts";
import {
  createQueryMessageRequest,
  createViewMessageRequest,
  readQueryMessageResponse,
  readViewMessageResponse,
} from "../requests/mod.ts";
import type { SendBounds } from "./send_receipt.ts";

/** What is looked for in a broker's index. */
export interface IndexQuery {
  /** Topic, a user's or one of the system. */
  topic: string;
  /** Business key, or unique key. */
  key: string;
  /** Whether `key` is a unique key. */
  uniqueKey: boolean;
  /** Most messages. */
  limit: number;
  /** Earliest store time in milliseconds since 1970. */
  from: number;
  /** Latest store time in milliseconds since 1970. */
  to: number;
}

/** Reads single messages from brokers: by key through their index, or by position. */
export class MessageIndex {
  readonly #client: ClientInstance;
  readonly #clock: Clock;

  constructor(client: ClientInstance, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Every record of a unique key in a topic on one broker. The index lags behind by some milliseconds. */
  byUniqueKey(
    brokerName: string,
    topic: string,
    key: string,
    bounds: SendBounds,
  ): Promise<StoredMessage[]> {
    const to = this.#clock.now() + 24 * 3_600_000;
    return this.query(brokerName, { topic, key, uniqueKey: true, limit: 64, from: 0, to }, bounds);
  }

  /** The messages that a broker's index has for a query. @throws {RocketMQError} */
  async query(
    brokerName: string,
    query: IndexQuery,
    bounds: SendBounds,
  ): Promise<StoredMessage[]> {
    const { topic } = query;
    const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
    const connection = await this.#client.requestConnection(brokerName, rest());
    const request = createQueryMessageRequest({
      topic,
      key: query.key,
      maxNum: query.limit,
      beginTimestamp: BigInt(Math.floor(query.from)),
      endTimestamp: BigInt(Math.floor(query.to)),
      indexType: query.uniqueKey ? "U" : "K",
    });
    const { address } = connection;
    const response = await connection.request(request, rest());
    return this.#open(readQueryMessageResponse(response, { address, brokerName, topic }).body);
  }

  /** The message at a position of a broker's commit log. @throws {RocketMQError} */
  async view(
    brokerName: string,
    topic: string,
    offset: bigint,
    bounds: SendBounds,
  ): Promise<StoredMessage | undefined> {
    const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
    const connection = await this.#client.requestConnection(brokerName, rest());
    const { address } = connection;
    const response = await connection.request(createViewMessageRequest({ offset, topic }), rest());
    return this.#open(readViewMessageResponse(response, { address, brokerName, topic }))[0];
  }

  #open(bytes: Uint8Array): StoredMessage[] {
    const messages = decodeStoredMessages(bytes), { namespace } = this.#client;
    if (namespace === undefined) return messages;
    return messages.map((message) => ({ ...message, topic: namespace.unwrap(message.topic) }));
  }
}
