import { checkCount, namesOf, shown } from "../checks.ts";
import type { ClientInstance } from "../client/mod.ts";
import { BrokerResponseError, InvalidArgumentError } from "../errors.ts";
import {
  decodeStoredMessages,
  formatSocketAddress,
  type MessageExt,
  MessageProperty,
  type OffsetMessageId,
  openStoredMessage,
  parseOffsetMessageId,
  parseSocketAddress,
  type StoredMessage,
} from "../message/internal.ts";
import { ResponseCode } from "../remoting/mod.ts";
import {
  createQueryMessageRequest,
  createViewMessageRequest,
  readQueryMessageResponse,
  readViewMessageResponse,
} from "../requests/mod.ts";
import { formatAddress, type TopicRoute } from "../route/mod.ts";
import type { SendBounds } from "./send_policy.ts";
import { checkTopic } from "./validation.ts";

/** Most messages that a broker finds. */
const MAX_FOUND = 64;

/** Ends a look-up at no date, as Java's admin tool does: `Long.MAX_VALUE`. */
const NO_END = 2n ** 63n - 1n;

/** Describes what is looked for in a broker's index. */
export interface IndexQuery {
  /** Topic, a user's or one of the system. */
  topic: string;
  /** Business key, or unique key. */
  key: string;
  /** `true` if `key` is a unique key. */
  uniqueKey: boolean;
  /** Most messages. */
  limit: number;
  /** Earliest store time in milliseconds since 1970. */
  from: number;
  /**
   * Latest store time in milliseconds since 1970.
   *
   * @default {no end: the clocks of brokers and clients may differ by any time}
   */
  to?: number | undefined;
}

/** Reads single messages from brokers: by key through their index, or by position. */
export class MessageIndex {
  readonly #client: ClientInstance;

  constructor(client: ClientInstance) {
    this.#client = client;
  }

  /** Finds the records of a unique key in a topic on one broker. The index lags behind by some milliseconds. */
  byUniqueKey(
    brokerName: string,
    topic: string,
    key: string,
    bounds: SendBounds,
  ): Promise<StoredMessage[]> {
    const query = { topic, key, uniqueKey: true, limit: MAX_FOUND, from: 0 };
    return this.query(brokerName, query, bounds);
  }

  /** Finds the messages that a broker's index has for a query. @throws {RocketMQError} */
  async query(
    brokerName: string,
    query: IndexQuery,
    bounds: SendBounds,
  ): Promise<StoredMessage[]> {
    const { topic, from, to } = query;
    const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
    const connection = await this.#client.requestConnection(brokerName, rest());
    const request = createQueryMessageRequest({
      topic,
      key: query.key,
      maxNum: query.limit,
      beginTimestamp: BigInt(Math.floor(from)),
      endTimestamp: to === undefined ? NO_END : BigInt(Math.floor(to)),
      indexType: query.uniqueKey ? "U" : "K",
    });
    const { address } = connection;
    const response = await connection.request(request, rest());
    return this.#open(readQueryMessageResponse(response, { address, brokerName, topic }).body);
  }

  /** Reads the message at a position of a broker's commit log. @throws {RocketMQError} */
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

/** Describes the messages that are looked for: those of one key, or of one unique key. */
export interface MessageQuery {
  /** Topic that they are in. */
  topic: string;
  /** One of their business keys. */
  key?: string;
  /** The `messageId` that their producer gave. */
  uniqueKey?: string;
  /**
   * Earliest store time, a `Date` or milliseconds since 1970.
   *
   * @default {0}
   */
  from?: Date | number;
  /**
   * Latest store time, a `Date` or milliseconds since 1970.
   *
   * @default {no end}
   */
  to?: Date | number;
  /**
   * Most messages, the newest; a broker finds at most 64.
   *
   * @default {64}
   */
  limit?: number;
}

/** Names the fields of a query. */
export const QUERY_FIELDS: ReadonlySet<string> = namesOf<MessageQuery>({
  topic: true,
  key: true,
  uniqueKey: true,
  from: true,
  to: true,
  limit: true,
});

/** Reads an id that an application gave. @throws {InvalidArgumentError} when it is none. */
export function readOffsetMessageId(id: unknown): OffsetMessageId {
  try {
    return parseOffsetMessageId(id as string);
  } catch {
    throw new InvalidArgumentError(
      `Cannot look a message up: ${
        shown(id)
      } is no offset message id, which has 32 or 56 hexadecimal digits`,
    );
  }
}

/** Looks messages up on the masters of a topic. */
export class LookUp {
  readonly #client: ClientInstance;
  readonly #index: MessageIndex;

  constructor(client: ClientInstance) {
    this.#client = client;
    this.#index = new MessageIndex(client);
  }

  /** Finds the messages of a key, the oldest first. @throws {RocketMQError} */
  async query(query: MessageQuery, bounds: SendBounds): Promise<MessageExt[]> {
    const { topic, key, uniqueKey } = query;
    checkTopic(topic, this.#client.namespace);
    const wanted = key ?? uniqueKey;
    if (
      typeof wanted !== "string" || wanted === "" || (key !== undefined && uniqueKey !== undefined)
    ) {
      throw new InvalidArgumentError(
        "Cannot query messages: either key or uniqueKey is needed, and not empty",
        { topic },
      );
    }
    const limit = checkCount("limit", query.limit, { fallback: MAX_FOUND, min: 1, max: MAX_FOUND });
    const request = {
      topic,
      key: wanted,
      uniqueKey: key === undefined,
      limit,
      from: checkCount("from", timeOf(query.from), {
        fallback: 0,
        min: 0,
        max: Number.MAX_SAFE_INTEGER,
      }),
      to: query.to === undefined
        ? undefined
        : checkCount("to", timeOf(query.to), { fallback: 0, min: 0, max: Number.MAX_SAFE_INTEGER }),
    };
    const route = await this.#route(topic, bounds);
    const found = await Promise.all(
      mastersOf(route).map(async (brokerName) => {
        const messages = await this.#index.query(brokerName, request, bounds);
        return await Promise.all(messages.map((message) => open(message, brokerName)));
      }),
    );
    return found.flat()
      .filter((message) => isMeant(message, query))
      .sort((a, b) => a.storeTimestamp - b.storeTimestamp)
      .slice(-limit);
  }

  /** Reads the message that an offset message id names, if it is there. @throws {RocketMQError} */
  async view(
    offsetMessageId: string,
    topic: string,
    bounds: SendBounds,
  ): Promise<MessageExt | undefined> {
    checkTopic(topic, this.#client.namespace);
    const id = readOffsetMessageId(offsetMessageId);
    const route = await this.#route(topic, bounds);
    const home = formatAddress(id), masters = mastersOf(route);
    const named = masters.filter((name) => likeInIds(route.masterAddress(name)!) === home);
    for (const brokerName of named.length > 0 ? named : masters) {
      const message = await this.#read(brokerName, topic, id.offset, bounds);
      // Each broker has its own log: at this offset of another one is another message, or none.
      if (message?.offsetMessageId === offsetMessageId.toUpperCase()) return message;
    }
    return undefined;
  }

  async #read(
    brokerName: string,
    topic: string,
    offset: bigint,
    bounds: SendBounds,
  ): Promise<MessageExt | undefined> {
    try {
      const message = await this.#index.view(brokerName, topic, offset, bounds);
      return message && await open(message, brokerName);
    } catch (error) {
      if (error instanceof BrokerResponseError && isNotFound(error)) return undefined;
      throw error;
    }
  }

  #route(topic: string, { deadline, signal }: SendBounds): Promise<TopicRoute> {
    return this.#client.route(topic, { timeout: deadline.remaining, signal });
  }
}

/** Writes the address of a broker as ids name it: they have IPv6 in Java's form. */
function likeInIds(address: string): string {
  const socketAddress = parseSocketAddress(address);
  return socketAddress ? formatSocketAddress(socketAddress.ip, socketAddress.port) : address;
}

async function open(message: StoredMessage, brokerName: string): Promise<MessageExt> {
  return { ...await openStoredMessage(message), brokerName };
}

/** Reports whether a message is what was looked for: an index goes by hashes. */
function isMeant(message: MessageExt, { topic, key, uniqueKey }: MessageQuery): boolean {
  if (message.topic !== topic) return false;
  if (key !== undefined) return message.keys.includes(key);
  return message.properties[MessageProperty.UniqueKey] === uniqueKey;
}

function isNotFound({ responseCode, remark }: BrokerResponseError): boolean {
  return responseCode === ResponseCode.SYSTEM_ERROR &&
    remark?.startsWith("can not find message") === true;
}

function mastersOf(route: TopicRoute): string[] {
  return route.brokerNames.filter((name) => route.masterAddress(name) !== undefined);
}

function timeOf(time: Date | number | undefined): number | undefined {
  return time instanceof Date ? time.getTime() : time;
}
