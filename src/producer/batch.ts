import { checkCount } from "../checks.ts";
import { InvalidArgumentError, ProtocolError } from "../errors.ts";
import {
  createProperties,
  encodeBatch,
  type Message,
  MessageProperty,
  type MessageQueue,
} from "../message/internal.ts";
import type { SendStatus } from "../requests/mod.ts";
import {
  DELAY_PROPERTIES,
  encodeMessage,
  type OutgoingMessage,
  type OutgoingOptions,
  type ReadMessage,
  readMessage,
} from "./outgoing_message.ts";
import type { SendOptions, SendReceipt } from "./send_result.ts";
import { DEFAULT_MAX_MESSAGE_SIZE } from "./validation.ts";

/** Configures the send of a batch: the whole batch goes to one queue. */
export type SendBatchOptions = Omit<SendOptions, "selector">;

/** Tells where one message of a batch was stored. */
export interface BatchedMessage {
  /** The id that the producer gave it (`UNIQ_KEY`); consumers see the same. */
  readonly messageId: string;
  /**
   * The id that says where it is stored: broker address and position in the commit log. In a topic
   * with the attribute `queue.type=BatchCQ` all messages of a batch have the same.
   */
  readonly offsetMessageId: string;
  /** Position in the queue. */
  readonly queueOffset: bigint;
}

/** Describes a batch that was sent and stored. */
export interface SendBatchResult {
  /** How safely it was stored. */
  readonly sendStatus: SendStatus;
  /** The id that the producer gave the batch; no message has it. */
  readonly batchId: string;
  /** The queue that all of its messages are in. */
  readonly messageQueue: MessageQueue;
  /** Its messages, in the order in which they were handed over. */
  readonly messages: readonly BatchedMessage[];
}

/** A batch that is ready to send. */
export interface OutgoingBatch extends OutgoingMessage {
  readonly parts: readonly ReadMessage[];
}

const encoder = new TextEncoder();

/** As long as every unique key. */
const UNIQUE_KEY_PLACEHOLDER = "0".repeat(32);

/**
 * Splits messages, in their order, into batches that {@linkcode Producer.sendBatch} can send. Send
 * them one after the other to keep the order.
 *
 * @param maxSize Most bytes of one batch, bodies, properties and lengths together.
 * @throws {InvalidArgumentError} when a message can't be carried, or is alone larger than that.
 *
 * @example
 * ```ts
 * import { type Message, type Producer, splitBatch } from "@rocketmq-deno/client";
 *
 * async function sendAll(producer: Producer, messages: Message[]): Promise<void> {
 *   for (const batch of splitBatch(messages)) await producer.sendBatch(batch);
 * }
 * ```
 */
export function splitBatch(
  messages: Iterable<Message>,
  maxSize: number = DEFAULT_MAX_MESSAGE_SIZE,
): Message[][] {
  checkCount("maxSize", maxSize, { min: 1, max: 2 ** 31 - 1, unit: " bytes" });
  const batches: Message[][] = [];
  let room = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    if (size > maxSize) {
      throw refuse(
        message.topic,
        `a message has ${size} bytes with its properties, at most ${maxSize} are allowed`,
      );
    }
    if (size > room) {
      batches.push([]);
      room = maxSize;
    }
    batches.at(-1)!.push(message);
    room -= size;
  }
  return batches;
}

/** Checks messages and makes one batch of them. @throws {InvalidArgumentError} */
export function prepareBatch(
  messages: readonly Message[],
  queueIsNamed: boolean,
  options: OutgoingOptions,
): OutgoingBatch {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new InvalidArgumentError("Cannot send batch: a list of at least one message is needed");
  }
  const parts = messages.map((message) => readMessage(message, false, options));
  const { topic } = parts[0]!;
  if (isRetryTopic(topic)) throw refuse(topic, "a retry topic takes none");
  for (const [index, part] of parts.entries()) {
    if (part.topic !== topic) {
      throw refuse(topic, `message ${index} is for topic "${part.topic}", one topic is allowed`);
    }
    const reason = whyAlone(part);
    if (reason) throw refuse(topic, `message ${index} ${reason}, send it by itself`);
  }
  const shardingKeys = new Set(
    parts.map(({ shardingKey }) => shardingKey).filter((key) => key !== undefined),
  );
  if (shardingKeys.size > 1 && !queueIsNamed) {
    throw refuse(
      topic,
      `its messages have ${shardingKeys.size} sharding keys, and a batch goes to one queue: ` +
        "make a batch for each key, or name the queue",
    );
  }
  if (new Set(parts.map(waitOf)).size > 1) {
    throw refuse(
      topic,
      "waitStoreMessageOk differs between its messages, and counts for all of them",
    );
  }
  const body = encodeBatch(parts);
  if (body.length > options.maxMessageSize) {
    throw refuse(
      topic,
      `it has ${body.length} bytes, at most ${options.maxMessageSize} are allowed: ` +
        "splitBatch() makes smaller ones",
    );
  }
  const [shardingKey] = shardingKeys;
  return { ...assembleBatch(parts, body, options.uniqueKey()), shardingKey };
}

/** Puts other properties into the messages of a batch, if it has room for them. */
export function amendBatch(
  batch: OutgoingMessage,
  properties: readonly Record<string, string>[],
  maxSize: number,
): OutgoingMessage {
  const parts = batch.parts!.map((part, index) => ({ ...part, properties: properties[index]! }));
  const body = encodeBatch(parts);
  return body.length <= maxSize ? { ...batch, parts, body } : batch;
}

/** Makes a batch of checked messages of one topic. */
export function assembleBatch(
  parts: readonly ReadMessage[],
  body: Uint8Array,
  uniqueKey: string,
  properties: Record<string, string> = {},
): OutgoingBatch {
  const instanceId = parts[0]!.properties[MessageProperty.InstanceId];
  const batch = encodeMessage({
    topic: parts[0]!.topic,
    body,
    flag: 0,
    sysFlag: 0,
    properties: {
      ...properties,
      [MessageProperty.WaitStoreMessageOk]: waitOf(parts[0]!),
      [MessageProperty.UniqueKey]: uniqueKey,
      ...(instanceId === undefined ? {} : { [MessageProperty.InstanceId]: instanceId }),
    },
    uniqueKey,
  });
  return { ...batch, parts };
}

/** Makes what a caller gets for a batch. @throws {ProtocolError} when the answer is about another number. */
export function batchResultOf(batch: OutgoingBatch, receipt: SendReceipt): SendBatchResult {
  const { sendStatus, messageQueue, queueOffset, offsetMessageIds, innerBatch } = receipt;
  const { topic, parts } = batch;
  if (offsetMessageIds.length !== (innerBatch ? 1 : parts.length)) {
    const { brokerName } = messageQueue;
    throw new ProtocolError(
      `Cannot read the answer of broker "${brokerName}" to a batch for topic "${topic}": ` +
        `it names ${offsetMessageIds.length} messages, the batch has ${parts.length}`,
      { topic, brokerName },
    );
  }
  return {
    sendStatus,
    batchId: batch.uniqueKey,
    messageQueue,
    messages: parts.map(({ uniqueKey }, index) => ({
      messageId: uniqueKey,
      offsetMessageId: offsetMessageIds[innerBatch ? 0 : index]!,
      queueOffset: queueOffset + BigInt(index),
    })),
  };
}

/** Reports whether a topic is that of messages that consumers gave back; it takes no batches. */
export function isRetryTopic(topic: string): boolean {
  return topic.startsWith("%RETRY%");
}

/** Tells what keeps a message out of any batch: a broker does it for single messages only. */
export function whyAlone({ properties }: Pick<ReadMessage, "properties">): string | undefined {
  for (const name of DELAY_PROPERTIES) if (Object.hasOwn(properties, name)) return "has a delay";
  if (Object.hasOwn(properties, MessageProperty.Priority)) return "has a priority";
  if (Object.hasOwn(properties, MessageProperty.LiteTopic)) return "has a lite topic";
}

/** Reports whether the broker answers a message only when it is safe, as it stands in its properties. */
function waitOf({ properties }: Pick<ReadMessage, "properties">): string {
  return properties[MessageProperty.WaitStoreMessageOk]!;
}

/** Counts the bytes that a message takes in a batch. */
function sizeOf(message: Message): number {
  const properties = createProperties(message);
  properties[MessageProperty.UniqueKey] = UNIQUE_KEY_PLACEHOLDER;
  properties[MessageProperty.WaitStoreMessageOk] = String(message.waitStoreMessageOk ?? true);
  const body = typeof message.body === "string" ? encoder.encode(message.body) : message.body;
  return encodeBatch([{ body: new Uint8Array(), properties }]).length + body.length;
}

function refuse(topic: string, reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot send batch to topic "${topic}": ${reason}`, { topic });
}
