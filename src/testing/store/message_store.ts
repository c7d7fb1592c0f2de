import type { Clock } from "../../clock.ts";
import { InvalidArgumentError } from "../../errors.ts";
import {
  decodeStoredMessage,
  encodeStoredMessage,
  MessageProperty,
  type StoredMessage,
  SysFlag,
  transactionFlagOf,
} from "../../message/internal.ts";
import { CommitLog } from "./commit_log.ts";
import { ConsumeQueue } from "./consume_queue.ts";
import type { LogFile } from "./log_file.ts";
import { MessageIndex } from "./message_index.ts";
import { tagCodeOf } from "./tag_code.ts";

/** A message as it is handed to the store; what is left out is 0. */
export interface MessageInput {
  /** Topic that it is stored under. */
  topic: string;
  /** Queue of that topic. */
  queueId: number;
  /** Body as it came, perhaps compressed. */
  body: Uint8Array;
  /** All properties. */
  properties: Record<string, string>;
  /** The application's own number. */
  flag?: number;
  /** Compression and transaction state. */
  sysFlag?: number;
  /** When the producer made it, in milliseconds since 1970. */
  bornTimestamp: number;
  /** `host:port` of the producer. */
  bornHost: string;
  /** How often consumers gave it back. */
  reconsumeTimes?: number;
  /** Of a committed message: where its half message is in the log. */
  preparedTransactionOffset?: number;
}

/** Where a message was stored. */
export interface Placement {
  /** Position in the log, in bytes. */
  position: number;
  /** Offset in its queue. */
  queueOffset: number;
}

/** What came of storing messages: where they are, or why they are not there. */
export type PutResult =
  | { status: "stored"; placements: readonly [Placement, ...Placement[]] }
  | { status: "illegal" }
  | { status: "full" };

/** How a {@linkcode MessageStore} is made. */
export interface MessageStoreOptions {
  /** Time of storing. */
  clock: Clock;
  /** `host:port` of the broker, as it stands in every record. */
  storeHost: string;
  /** Most bytes of all records. */
  maxSize: number;
  /** Most bytes of one body. */
  maxMessageSize: number;
  /** Where records are kept beside the memory, if they are. */
  file?: LogFile;
  /** Is told of every message that came into a queue. */
  onArrival(topic: string, queueId: number, tagCode: number): void;
}

/** What a record may have beyond its body. */
const RECORD_ALLOWANCE = 64 * 1024;

/** Everything that a broker keeps of messages: the log, the queues and the index over it. */
export class MessageStore {
  readonly #options: MessageStoreOptions;
  readonly #log: CommitLog;
  readonly #queues = new Map<string, ConsumeQueue[]>();
  /** The messages by key. */
  readonly index: MessageIndex;

  constructor(options: MessageStoreOptions) {
    this.#options = options;
    this.#log = new CommitLog(options.maxSize);
    this.index = new MessageIndex(this);
  }

  /** Bytes of all records. */
  get size(): number {
    return this.#log.end;
  }

  /** Stores one message. */
  put(input: MessageInput): PutResult {
    return this.putAll([input]);
  }

  /** Stores several messages, or none of them. */
  putAll(inputs: readonly MessageInput[]): PutResult {
    const storeTimestamp = Math.floor(this.#options.clock.now());
    const records: Uint8Array[] = [];
    const added = new Map<ConsumeQueue, number>();
    let position = this.#log.end;
    for (const input of inputs) {
      const queue = this.#queueFor(input);
      const queueOffset = queue ? queue.length + (added.get(queue) ?? 0) : 0;
      const record = this.#encode(input, { position, queueOffset }, storeTimestamp);
      if (record === undefined) return { status: "illegal" };
      records.push(record);
      position += record.length;
      if (queue) added.set(queue, (added.get(queue) ?? 0) + 1);
    }
    if (!this.#log.hasRoomFor(position - this.#log.end)) return { status: "full" };
    const placements = inputs.map((input, at) => this.#append(input, records[at]!, storeTimestamp));
    return { status: "stored", placements: placements as [Placement, ...Placement[]] };
  }

  /** The queue of a topic, if anything was ever stored in it. */
  queue(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.#queues.get(topic)?.[queueId];
  }

  /** How many messages a queue has. */
  queueLength(topic: string, queueId: number): number {
    return this.queue(topic, queueId)?.length ?? 0;
  }

  /** The queues of a topic that have messages, by number. */
  queueIds(topic: string): number[] {
    return Object.keys(this.#queues.get(topic) ?? []).map(Number);
  }

  /** The record of a queue at an offset: a view that is not to be written to. */
  recordAt(topic: string, queueId: number, offset: number): Uint8Array | undefined {
    const position = this.queue(topic, queueId)?.positionAt(offset);
    return position === undefined ? undefined : this.record(position);
  }

  /** The message of a queue at an offset. */
  messageAt(topic: string, queueId: number, offset: number): StoredMessage | undefined {
    const record = this.recordAt(topic, queueId, offset);
    return record && decodeStoredMessage(record);
  }

  /**
   * What is at a position of the log, by the size that stands there, which is any number where no
   * record begins; undefined where the log is too short for it.
   *
   * @throws {RangeError} when that size is negative.
   */
  record(position: number): Uint8Array | undefined {
    const size = this.#log.readInt32(position);
    if (size !== undefined && size < 0) throw new RangeError(`newLimit < 0: (${size} < 0)`);
    return size === undefined ? undefined : this.#log.read(position, size);
  }

  /** The message that begins at a position of the log, if one does. */
  message(position: number): StoredMessage | undefined {
    const record = this.record(position);
    if (record === undefined) return undefined;
    try {
      return decodeStoredMessage(record);
    } catch {
      return undefined;
    }
  }

  /** Takes over the next record of an earlier process. */
  restore(message: StoredMessage, record: Uint8Array): void {
    this.#enter({ ...message, preparedTransactionOffset: 0 }, record, message.storeTimestamp);
  }

  /** Closes the file. */
  close(): void {
    this.#options.file?.close();
  }

  #append(input: MessageInput, record: Uint8Array, storeTimestamp: number): Placement {
    this.#options.file?.append(record);
    return this.#enter(input, record, storeTimestamp);
  }

  #enter(input: MessageInput, record: Uint8Array, storeTimestamp: number): Placement {
    const position = this.#log.append(record);
    this.index.add(input, position, storeTimestamp);
    const queue = this.#queueFor(input);
    if (!queue) return { position, queueOffset: 0 };
    const tagCode = tagCodeOf(input.properties[MessageProperty.Tags]);
    const queueOffset = queue.append(position, tagCode);
    this.#options.onArrival(input.topic, input.queueId, tagCode);
    return { position, queueOffset };
  }

  /** The queue that a message goes to; old-style prepared and rolled back ones go to none. */
  #queueFor({ topic, queueId, sysFlag = 0 }: MessageInput): ConsumeQueue | undefined {
    const state = transactionFlagOf(sysFlag);
    if (state === SysFlag.TransactionPrepared || state === SysFlag.TransactionRollback) return;
    let queues = this.#queues.get(topic);
    if (!queues) this.#queues.set(topic, queues = []);
    return queues[queueId] ??= new ConsumeQueue();
  }

  /** The record of a message, or undefined where it is larger than a broker takes. */
  #encode(
    input: MessageInput,
    { position, queueOffset }: Placement,
    storeTimestamp: number,
  ): Uint8Array | undefined {
    const { maxMessageSize, storeHost } = this.#options;
    if (input.body.length > maxMessageSize) return undefined;
    try {
      const record = encodeStoredMessage({
        ...input,
        preparedTransactionOffset: BigInt(input.preparedTransactionOffset ?? 0),
        commitLogOffset: BigInt(position),
        queueOffset: BigInt(queueOffset),
        storeHost,
        storeTimestamp,
      });
      return record.length > maxMessageSize + RECORD_ALLOWANCE ? undefined : record;
    } catch (error) {
      if (error instanceof InvalidArgumentError) return undefined;
      throw error;
    }
  }
}
