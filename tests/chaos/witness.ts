import {
  crc32,
  decodeMessages,
  decodeStoredMessage,
  type MessageExt,
} from "../../src/message/mod.ts";
import { MAGIC_V1, MAGIC_V2 } from "../../src/message/stored_message.ts";
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

/** A broker that is the master of its name. */
export interface Master {
  name: string;
  address: string;
}

/** Where brokers put half messages that they discard. */
const DISCARDED_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";

/** Where brokers keep half messages. */
const HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC";

/** Queues of the topic on each broker. */
const QUEUES = 4;

/** Reads all that is visible, from all queues of all brokers, and what brokers discarded. */
export class Witness implements AsyncDisposable {
  /** What is visible, in the order of reading, copies too. */
  readonly visible: Seen[] = [];
  /** Transactions that brokers discarded. */
  readonly discarded: string[] = [];
  readonly #topic: string;
  readonly #masters: () => Promise<readonly Master[]>;
  readonly #client = new TestClient("");
  readonly #offsets = new Map<string, bigint>();

  /** @param masters Gives the brokers themselves, not proxies, that are masters now. */
  constructor(topic: string, masters: () => Promise<readonly Master[]>) {
    this.#topic = topic;
    this.#masters = masters;
  }

  /** Reads what has come since the last call. Rejects while a broker does not answer. */
  async look(): Promise<void> {
    for (const master of await this.#masters()) {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        await this.#pull(master, this.#topic, queueId, (message) => {
          this.visible.push({
            transactionId: message.messageId,
            key: message.keys[0] ?? "",
            sum: message.bodyCrcValid ? crc32(message.body) : -1,
            storedAt: message.storeTimestamp,
          });
        });
      }
      await this.#pull(master, DISCARDED_TOPIC, 0, ({ messageId, properties }) => {
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
    for (const { address } of await this.#masters()) {
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

  /** A slave that was promoted has the records of its master in the same places. */
  async #pull(
    { name, address }: Master,
    topic: string,
    queueId: number,
    take: (message: MessageExt) => void,
  ): Promise<void> {
    const place = `${name} ${topic} ${queueId}`;
    const from = this.#offsets.get(place) ?? 0n;
    this.#offsets.set(place, await pull(this.#client, address, topic, queueId, from, take));
  }
}

/** Reads a queue from an offset to its end, which it returns. */
async function pull(
  client: TestClient,
  address: string,
  topic: string,
  queueId: number,
  from: bigint,
  take: (message: MessageExt) => void,
): Promise<bigint> {
  const context = { address, topic };
  const ask = createGetMaxOffsetRequest({ topic, queueId });
  const end = readGetMaxOffsetResponse(await client.request(address, ask), context);
  let offset = from;
  while (offset < end) {
    const request = createPullMessageRequest({
      ...{ consumerGroup: "witness", topic, queueId },
      queueOffset: offset,
    });
    const answer = readPullMessageResponse(await client.request(address, request), context);
    if (answer.nextBeginOffset <= offset) {
      throw new Error(`Cannot pull ${address} ${topic} ${queueId} past ${offset}`);
    }
    if (answer.status === "FOUND") (await decodeMessages(answer.body)).forEach(take);
    offset = answer.nextBeginOffset;
  }
  return offset;
}

/** The transactions whose half messages a broker has, decided ones too. */
export async function halfMessagesOn(address: string): Promise<string[]> {
  await using client = new TestClient("");
  const ids = new Set<string>();
  await pull(client, address, HALF_TOPIC, 0, 0n, ({ messageId }) => {
    ids.add(messageId);
  });
  return [...ids];
}

/** The transactions whose half messages are in the commit log of a broker, whether it runs or not. */
export async function halfMessagesIn(folder: string): Promise<string[]> {
  const log = `${folder}/store/commitlog`;
  const files = (await Array.fromAsync(Deno.readDir(log), ({ name }) => name)).sort();
  const ids = new Set<string>();
  for (const file of files) {
    for (const record of recordsIn(await Deno.readFile(`${log}/${file}`))) {
      const { topic, properties } = decodeStoredMessage(record);
      if (topic === HALF_TOPIC) ids.add(properties.UNIQ_KEY!);
    }
  }
  return [...ids];
}

/** The messages in a file of a commit log, up to where it was filled. */
export function* recordsIn(file: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = 0; at + 8 <= file.length;) {
    const size = view.getInt32(at), magic = view.getInt32(at + 4);
    const isMessage = (magic === MAGIC_V1 || magic === MAGIC_V2) && size > 8;
    if (!isMessage || at + size > file.length) return;
    yield file.subarray(at, at + size);
    at += size;
  }
}
