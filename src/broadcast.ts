/** What one subscriber has not taken yet. */
interface Subscriber<T> {
  readonly buffer: T[];
  /** Settles when there is something new. Absent while nobody waits. */
  change?: PromiseWithResolvers<void>;
  ended: boolean;
}

/**
 * Hands each value to every subscriber that iterates. A subscriber that does not keep up loses its
 * oldest values. So no subscriber can slow down the publisher or fill its memory.
 */
export class Broadcast<T> {
  readonly #capacity: number;
  readonly #subscribers = new Set<Subscriber<T>>();
  #ended = false;
  #dropped = 0;

  constructor(capacity = 1024) {
    this.#capacity = capacity;
  }

  /** Reports whether anyone would see a value. If not, a publisher need not make it. */
  get hasSubscribers(): boolean {
    return this.#subscribers.size > 0;
  }

  /** Values that were lost by slow subscribers. */
  get dropped(): number {
    return this.#dropped;
  }

  publish(value: T): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.buffer.length >= this.#capacity) {
        subscriber.buffer.shift();
        this.#dropped++;
      }
      subscriber.buffer.push(value);
      wake(subscriber);
    }
  }

  /** Ends every iteration after the values that are there. */
  end(): void {
    this.#ended = true;
    for (const subscriber of this.#subscribers) {
      subscriber.ended = true;
      wake(subscriber);
    }
  }

  /** Subscribes now, not at the first `next()`. */
  subscribe(): AsyncIterableIterator<T> {
    const subscriber: Subscriber<T> = { buffer: [], ended: this.#ended };
    if (!this.#ended) this.#subscribers.add(subscriber);
    const leave = () => {
      this.#subscribers.delete(subscriber);
      subscriber.ended = true;
      subscriber.buffer.length = 0;
      wake(subscriber);
      return Promise.resolve<IteratorResult<T>>({ value: undefined, done: true });
    };
    const next = async (): Promise<IteratorResult<T>> => {
      while (subscriber.buffer.length === 0) {
        if (subscriber.ended) return await leave();
        subscriber.change ??= Promise.withResolvers<void>();
        await subscriber.change.promise;
      }
      return { value: subscriber.buffer.shift()!, done: false };
    };
    const iterator: AsyncIterableIterator<T> = {
      next,
      return: leave,
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }
}

function wake<T>(subscriber: Subscriber<T>): void {
  subscriber.change?.resolve();
  delete subscriber.change;
}
