import type { Clock, TimerHandle } from "../../clock.ts";
import { MessageProperty } from "../../message/mod.ts";
import { SystemTopic } from "../broker/system_topics.ts";
import type { MessageStore } from "../store/message_store.ts";

/** Most bytes of marks in one message. */
const MAX_SIZE = 4096;

const QUEUE_ID = 0;

const SEPARATOR = ",";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** How {@linkcode DoneMarks} are made. */
export interface DoneMarksOptions {
  /** Where the marks are kept. */
  store: MessageStore;
  /** Time of batches. */
  clock: Clock;
  /** Milliseconds for which marks are gathered before they are stored. */
  interval: number;
  /** `host:port` of the broker. */
  storeHost: string;
}

/**
 * The marks of half messages that were decided: gathered in memory and stored together after a
 * while, as brokers do. A scan sees only those that are stored, and a broker that is killed forgets
 * the others: it asks again about what was decided already.
 */
export class DoneMarks {
  readonly #options: DoneMarksOptions;
  #pending: number[] = [];
  #pendingSize = 0;
  #timer: TimerHandle | undefined;
  #readOffset = 0;

  constructor(options: DoneMarksOptions) {
    this.#options = options;
  }

  /** Marks the half message at an offset. */
  add(halfOffset: number): void {
    this.#pending.push(halfOffset);
    this.#pendingSize += String(halfOffset).length + SEPARATOR.length;
    if (this.#pendingSize > MAX_SIZE) return this.flush();
    const { clock, interval } = this.#options;
    this.#timer ??= clock.setTimer(() => this.flush(), interval);
  }

  /** Stores the marks that were gathered. */
  flush(): void {
    const pending = this.forget();
    for (let text = ""; pending.length > 0; text = "") {
      while (pending.length > 0 && text.length < MAX_SIZE) text += pending.shift() + SEPARATOR;
      const { store, clock, storeHost } = this.#options;
      store.put({
        topic: SystemTopic.HalfDone,
        queueId: QUEUE_ID,
        body: encoder.encode(text),
        properties: { [MessageProperty.Tags]: "d", [MessageProperty.WaitStoreMessageOk]: "true" },
        bornTimestamp: Math.floor(clock.now()),
        bornHost: storeHost,
      });
    }
  }

  /** Drops the marks that were gathered, and gives them. */
  forget(): number[] {
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingSize = 0;
    return pending;
  }

  /** Reads the stored marks of half messages from an offset on. */
  collect(from: number): CollectedMarks {
    const collected = new CollectedMarks();
    const end = this.#options.store.queueLength(SystemTopic.HalfDone, QUEUE_ID);
    for (let offset = this.#readOffset; offset < end; offset++) {
      const message = this.#options.store.messageAt(SystemTopic.HalfDone, QUEUE_ID, offset)!;
      const offsets = decoder.decode(message.body).split(SEPARATOR)
        .filter((text) => text !== "").map(Number);
      collected.add(offset, offsets.filter((half) => half >= from));
    }
    return collected;
  }

  /** Takes note of what a scan has used up; it is not read again. */
  advance(collected: CollectedMarks): void {
    while (collected.isUsedUp(this.#readOffset)) this.#readOffset++;
  }
}

/** The marks that one scan knows. */
export class CollectedMarks {
  readonly #markOf = new Map<number, number>();
  readonly #left = new Map<number, Set<number>>();
  readonly #usedUp = new Set<number>();

  /** Enters the marks of one stored message. */
  add(markOffset: number, halfOffsets: readonly number[]): void {
    for (const half of halfOffsets) this.#markOf.set(half, markOffset);
    if (halfOffsets.length === 0) this.#usedUp.add(markOffset);
    else this.#left.set(markOffset, new Set(halfOffsets));
  }

  /** Uses up the mark of the half message at an offset; false when it has none. */
  take(halfOffset: number): boolean {
    const markOffset = this.#markOf.get(halfOffset);
    if (markOffset === undefined) return false;
    this.#markOf.delete(halfOffset);
    const left = this.#left.get(markOffset);
    left?.delete(halfOffset);
    if (left?.size === 0) this.#usedUp.add(markOffset);
    return true;
  }

  /** Whether a stored message of marks has none left. */
  isUsedUp(markOffset: number): boolean {
    return this.#usedUp.has(markOffset);
  }
}
