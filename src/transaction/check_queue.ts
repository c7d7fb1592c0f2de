import { InvalidStateError } from "../errors.ts";
import type { StoredMessage } from "../message/mod.ts";
import type { CheckBack } from "./check_back.ts";
import { brokerKeyOf, type HalfMessageHandle } from "./half_message.ts";
import type { TransactionRecord } from "./transaction_table.ts";

/** A check-back as it came. */
export interface IncomingCheck {
  /** The transaction that it is about. */
  readonly record: TransactionRecord;
  /** The half message as the broker sent it. */
  readonly message: StoredMessage;
  /** By what the broker that asks knows it. */
  readonly handle: HalfMessageHandle;
}

/** A check-back that waits for an answer, with those of the same transaction that came after it. */
export interface PendingCheck extends IncomingCheck {
  /** For each broker that asks the newest handle, that of the first broker first. */
  readonly handles: Map<string, HalfMessageHandle>;
}

/** Turns a pending check-back into what a listener gets; undefined when it can't be read. */
export type OpenCheck = (pending: PendingCheck) => Promise<CheckBack | undefined>;

/**
 * The check-backs that no listener has been asked about yet, as an async iterable with one consumer
 * at a time. It is bounded, and holds a transaction once: while one check-back of it waits or is
 * being answered, a later one only brings its handle: the broker that asks gets the same answer.
 */
export class CheckQueue implements AsyncIterable<CheckBack> {
  readonly #capacity: number;
  readonly #open: OpenCheck;
  readonly #waiting = new Map<string, PendingCheck>();
  readonly #running = new Map<string, PendingCheck>();
  readonly #wakeConsumer: (() => void)[] = [];
  readonly #wakeOnRelease: (() => void)[] = [];
  #consumed = false;
  #ended = false;

  constructor(capacity: number, open: OpenCheck) {
    this.#capacity = capacity;
    this.#open = open;
  }

  /** Whether check-backs are still taken in. */
  get isOpen(): boolean {
    return !this.#ended;
  }

  /** Whether something takes check-backs. */
  get hasConsumer(): boolean {
    return this.#consumed;
  }

  /** Check-backs that nobody has taken yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Check-backs that were taken and are not answered yet. */
  get running(): number {
    return this.#running.size;
  }

  /** Takes in a check-back, or its handle, or refuses it because too many wait. */
  offer(check: IncomingCheck): "asked" | "joined" | "dropped" {
    const { handle, record: { transactionId } } = check;
    const broker = brokerKeyOf(handle);
    const earlier = this.#running.get(transactionId) ?? this.#waiting.get(transactionId);
    if (earlier) {
      earlier.handles.set(broker, handle);
      return "joined";
    }
    if (this.#ended || this.#waiting.size >= this.#capacity) return "dropped";
    this.#waiting.set(transactionId, { ...check, handles: new Map([[broker, handle]]) });
    wakeAll(this.#wakeConsumer);
    return "asked";
  }

  /** Ends the answering of a check-back: the next one of its transaction is a new one. */
  release({ record: { transactionId } }: PendingCheck): void {
    if (!this.#running.delete(transactionId)) return;
    wakeAll(this.#wakeOnRelease);
  }

  /** Waits until fewer than `count` check-backs are being answered. */
  async whenBelow(count: number): Promise<void> {
    while (this.#running.size >= count) {
      await new Promise<void>((resolve) => this.#wakeOnRelease.push(resolve));
    }
  }

  /** Takes no more in. The consumer gets what waits, and then the end. */
  end(): void {
    this.#ended = true;
    if (!this.#consumed) this.#waiting.clear();
    wakeAll(this.#wakeConsumer);
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting.clear();
    wakeAll(this.#wakeConsumer);
    wakeAll(this.#wakeOnRelease);
  }

  /** After {@linkcode CheckQueue.end}: waits until everything that was taken in is answered. */
  async drained(): Promise<void> {
    while (this.#waiting.size > 0 || this.#running.size > 0) {
      await new Promise<void>((resolve) => this.#wakeOnRelease.push(resolve));
    }
  }

  /** @throws {InvalidStateError} while another consumer iterates. */
  [Symbol.asyncIterator](): AsyncIterableIterator<CheckBack> {
    if (this.#consumed) {
      throw new InvalidStateError(
        "Cannot iterate over the check-backs: something iterates over them already, " +
          "a listener with checkLocalTransaction or another loop",
      );
    }
    this.#consumed = true;
    let left = false;
    const iterator: AsyncIterableIterator<CheckBack> = {
      next: async () => {
        while (!left) {
          const check = await this.#take();
          if (check) return { value: check, done: false };
          if (this.#ended && this.#waiting.size === 0) break;
        }
        return await iterator.return!();
      },
      return: () => {
        if (!left) this.#consumed = false;
        left = true;
        if (this.#ended) this.clear();
        else wakeAll(this.#wakeConsumer);
        return Promise.resolve({ value: undefined, done: true });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** The next check-back that can be read, or undefined when the consumer should look again. */
  async #take(): Promise<CheckBack | undefined> {
    for (const [transactionId, check] of this.#waiting) {
      this.#waiting.delete(transactionId);
      this.#running.set(transactionId, check);
      const opened = await this.#open(check);
      if (!opened) this.release(check);
      return opened;
    }
    if (this.#ended) return undefined;
    await new Promise<void>((resolve) => this.#wakeConsumer.push(resolve));
    return undefined;
  }
}

function wakeAll(waiting: (() => void)[]): void {
  for (const wake of waiting.splice(0)) wake();
}
