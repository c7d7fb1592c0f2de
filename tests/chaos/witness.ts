import { crc32, decodeMessages, type MessageExt } from "../../src/message/mod.ts";
import { ResponseCode } from "../../src/remoting/mod.ts";
import {
  createGetMaxOffsetRequest,
  createPullMessageRequest,
  createQueryMessageRequest,
  readGetMaxOffsetResponse,
  readPullMessageResponse,
} from "../../src/requests/mod.ts";
import { TestClient } from "../support/test_client.ts";

/** A message that a consumer gets. */
export interface Seen {
  transactionId: string;
  /** Its business key: the number of the message. */
  key: string;
  /** Checksum of the body that came. */
  sum: number;
  /** Milliseconds since 1970 by the broker's clock. */
  storedAt: number;
}

/** Where brokers put half messages that they discard. */
const DISCARDED_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";

/** Queues of the topic on each broker. */
const QUEUES = 4;

/** Reads all that is visible, from all queues of all brokers, and what brokers discarded. */
export class Witness implements AsyncDisposable {
  /** What is visible, in the order of reading, copies too. */
  readonly visible: Seen[] = [];
  /** Transactions that brokers discarded. */
  readonly discarded: string[] = [];
  readonly #topic: string;
  readonly #addresses: readonly string[];
  readonly #client: TestClient;
  readonly #offsets = new Map<string, bigint>();

  /** @param addresses Of the brokers themselves, not of proxies. */
  constructor(topic: string, addresses: readonly string[]) {
    this.#topic = topic;
    this.#addresses = addresses;
    this.#client = new TestClient(addresses[0]!);
  }

  /** Reads what has come since the last call. Rejects while a broker does not answer. */
  async look(): Promise<void> {
    for (const address of this.#addresses) {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        await this.#pull(address, this.#topic, queueId, (message) => {
          this.visible.push({
            transactionId: message.messageId,
            key: message.keys[0] ?? "",
            sum: message.bodyCrcValid ? crc32(message.body) : -1,
            storedAt: message.storeTimestamp,
          });
        });
      }
      await this.#pull(address, DISCARDED_TOPIC, 0, ({ messageId, properties }) => {
        if (properties.REAL_TOPIC === this.#topic) this.discarded.push(messageId);
      });
    }
  }

  /**
   * Looks up each message that is visible more than once; gives when the copies that the brokers'
   * indexes know were stored.
   */
  async lookUpCopies(): Promise<Record<string, number[]>> {
    const seen = new Set<string>(), found: Record<string, number[]> = {};
    for (const { transactionId } of this.visible) {
      if (seen.has(transactionId)) found[transactionId] ??= await this.#lookUp(transactionId);
      seen.add(transactionId);
    }
    return found;
  }

  async #lookUp(transactionId: string): Promise<number[]> {
    const storedAt: number[] = [];
    for (const address of this.#addresses) {
      const request = createQueryMessageRequest({
        ...{ topic: this.#topic, key: transactionId, maxNum: 64, uniqueKeyQuery: true },
        ...{ beginTimestamp: 0n, endTimestamp: BigInt(Number.MAX_SAFE_INTEGER) },
      });
      const response = await this.#client.request(address, request);
      if (response.code !== ResponseCode.SUCCESS) continue;
      for (const message of await decodeMessages(response.body)) {
        if (message.messageId === transactionId) storedAt.push(message.storeTimestamp);
      }
    }
    return storedAt.sort((a, b) => a - b);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }

  async #pull(
    address: string,
    topic: string,
    queueId: number,
    take: (message: MessageExt) => void,
  ): Promise<void> {
    const place = `${address} ${topic} ${queueId}`;
    const context = { address, topic };
    const ask = createGetMaxOffsetRequest({ topic, queueId });
    const end = readGetMaxOffsetResponse(await this.#client.request(address, ask), context);
    for (let offset = this.#offsets.get(place) ?? 0n; offset < end;) {
      const request = createPullMessageRequest({
        ...{ consumerGroup: "witness", topic, queueId },
        queueOffset: offset,
      });
      const response = await this.#client.request(address, request);
      const answer = readPullMessageResponse(response, context);
      if (answer.nextBeginOffset <= offset) throw new Error(`Cannot pull ${place} past ${offset}`);
      if (answer.status === "FOUND") (await decodeMessages(answer.body)).forEach(take);
      offset = answer.nextBeginOffset;
      this.#offsets.set(place, offset);
    }
  }
}
