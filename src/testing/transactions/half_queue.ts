import {
  MessageProperty,
  type StoredMessage,
  withTransactionFlag,
} from "../../message/internal.ts";
import { SystemTopic } from "../broker/system_topics.ts";
import type { MessageInput, MessageStore, Placement, PutResult } from "../store/message_store.ts";

/** The one queue that all half messages of a broker are in. */
const QUEUE_ID = 0;

/** The half messages of a broker: one queue of the store, and which of its records are undecided. */
export class HalfQueue {
  /** Offset of the record at which the next scan begins. */
  scanOffset = 0;
  readonly #store: MessageStore;
  readonly #onDecided: () => void;
  readonly #undecided = new Map<number, number>();

  /** @param onDecided Is told when a half message is no longer undecided. */
  constructor(store: MessageStore, onDecided: () => void) {
    this.#store = store;
    this.#onDecided = onDecided;
  }

  /** Offset that the next record will get. */
  get length(): number {
    return this.#store.queueLength(SystemTopic.Half, QUEUE_ID);
  }

  /** How many half messages are undecided. */
  get undecidedCount(): number {
    return this.#undecided.size;
  }

  /** The newest records of the undecided half messages, the oldest first. */
  undecided(): StoredMessage[] {
    return [...this.#undecided.values()].map((position) => this.#store.message(position)!);
  }

  /** The record at an offset. */
  messageAt(offset: number): StoredMessage | undefined {
    return this.#store.messageAt(SystemTopic.Half, QUEUE_ID, offset);
  }

  /** What a message is stored as that was sent as a half message of its topic and queue. */
  prepare(input: MessageInput): MessageInput {
    const uniqueKey = input.properties[MessageProperty.UniqueKey];
    return {
      ...input,
      topic: SystemTopic.Half,
      queueId: QUEUE_ID,
      sysFlag: withTransactionFlag(input.sysFlag ?? 0, 0),
      properties: {
        ...input.properties,
        ...(uniqueKey ? { [MessageProperty.TransactionId]: uniqueKey } : {}),
        [MessageProperty.RealTopic]: input.topic,
        [MessageProperty.RealQueueId]: String(input.queueId),
      },
    };
  }

  /** Stores a half message that was prepared. */
  put(input: MessageInput): PutResult {
    const result = this.#store.put(input);
    if (result.status === "stored") {
      const { queueOffset, position } = result.placements[0];
      this.#undecided.set(queueOffset, position);
    }
    return result;
  }

  /**
   * Stores a half message again, at the end of the queue, as brokers do before they ask about it.
   * Its `flag` is lost on the way, as it is there. Undefined when the store is full.
   */
  rewrite(old: StoredMessage, properties: Record<string, string>): Placement | undefined {
    const { body, sysFlag, bornTimestamp, bornHost } = old;
    const message = { body, sysFlag, bornTimestamp, bornHost, properties };
    const result = this.put({ ...message, topic: SystemTopic.Half, queueId: QUEUE_ID });
    if (result.status !== "stored") return undefined;
    this.#undecided.delete(Number(old.queueOffset));
    return result.placements[0];
  }

  /** Stores a record that was given up as a half message that was never asked about. */
  resume(message: StoredMessage): PutResult {
    const { body, flag, sysFlag, bornTimestamp, bornHost, reconsumeTimes } = message;
    return this.put({
      ...{ body, flag, sysFlag, bornTimestamp, bornHost, reconsumeTimes },
      topic: SystemTopic.Half,
      queueId: QUEUE_ID,
      properties: { ...message.properties, [MessageProperty.TransactionCheckTimes]: "0" },
    });
  }

  /**
   * Takes over the records of an earlier process.
   *
   * @param undecided Offsets of those that are undecided.
   * @returns The offsets of the others.
   */
  restore(undecided: ReadonlySet<number>): number[] {
    const queue = this.#store.queue(SystemTopic.Half, QUEUE_ID), decided: number[] = [];
    for (let offset = 0; offset < this.length; offset++) {
      if (undecided.has(offset)) this.#undecided.set(offset, queue!.positionAt(offset)!);
      else decided.push(offset);
    }
    return decided;
  }

  /** Reports whether the record at an offset still waits for commit or rollback. */
  isUndecided(offset: bigint): boolean {
    return this.#undecided.has(Number(offset));
  }

  /** Takes note that the record at an offset was decided or given up. */
  decide(offset: number): void {
    if (this.#undecided.delete(offset)) this.#onDecided();
  }

  /** Takes note that the verdict over the record at an offset was forgotten. */
  reopen(offset: number): void {
    const queue = this.#store.queue(SystemTopic.Half, QUEUE_ID);
    const position = queue?.positionAt(offset);
    if (position !== undefined && offset >= this.scanOffset) this.#undecided.set(offset, position);
  }
}
