import { checkCount } from "../checks.ts";
import type { ClientInstance } from "../client/mod.ts";
import type { Clock } from "../clock.ts";
import { BrokerResponseError, InvalidArgumentError } from "../errors.ts";
import {
  type MessageExt,
  MessageProperty,
  openStoredMessage,
  parseOffsetMessageId,
  type StoredMessage,
} from "../message/mod.ts";
import { ResponseCode } from "../remoting/mod.ts";
import { formatAddress, type TopicRoute } from "../route/mod.ts";
import { MessageIndex } from "./message_index.ts";
import type { SendBounds } from "./send_receipt.ts";
import { checkTopic } from "./validation.ts";

/** What messages are looked for: those of one key, or of one unique key. */
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
   * @default {a day from now on}
   */
  to?: Date | number;
  /**
   * Most messages, the newest; a broker finds at most 64.
   *
   * @default {64}
   */
  limit?: number;
}

const DAY = 24 * 3_600_000;

/** The most that a broker finds. */
const MAX_FOUND = 64;

/** Looks messages up on the masters of a topic. */
export class LookUp {
  readonly #client: ClientInstance;
  readonly #clock: Clock;
  readonly #index: MessageIndex;

  constructor(client: ClientInstance, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#index = new MessageIndex(client, clock);
  }

  /** The messages of a key, the oldest first. @throws {RocketMQError} */
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
    const limit = checkCount("limit", query.limit, MAX_FOUND, 1, MAX_FOUND);
    const request = {
      topic,
      key: wanted,
      uniqueKey: key === undefined,
      limit,
      from: checkCount("from", timeOf(query.from), 0, 0, Number.MAX_SAFE_INTEGER),
      to: checkCount(
        "to",
        timeOf(query.to),
        Math.floor(this.#clock.now()) + DAY,
        0,
        Number.MAX_SAFE_INTEGER,
      ),
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

  /** The message that an offset message id names, or nothing. @throws {RocketMQError} */
  async view(
    offsetMessageId: string,
    topic: string,
    bounds: SendBounds,
  ): Promise<MessageExt | undefined> {
    checkTopic(topic, this.#client.namespace);
    const id = parseOffsetMessageId(offsetMessageId);
    const route = await this.#route(topic, bounds);
    const home = formatAddress(id), masters = mastersOf(route);
    const named = masters.filter((name) => route.masterAddress(name) === home);
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

async function open(message: StoredMessage, brokerName: string): Promise<MessageExt> {
  return { ...await openStoredMessage(message), brokerName };
}

/** Whether a message is what was looked for: an index goes by hashes. */
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
