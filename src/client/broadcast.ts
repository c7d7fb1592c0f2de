/** Values that one subscriber has not taken yet, and who waits for the next. */
interface Subscriber<T> {
  readonly buffer: T[];
  wake?: () => void;
  ended: boolean;
}

/**
 * Hands each value to every subscriber that iterates. A subscriber that does not keep up loses its
 * oldest values, so that nobody who looks on can slow down or fill up the one who publishes.
 */
export class Broadcast<T> {
  readonly #capacity: number;
  readonly #subscribers = new Set<Subscriber<T>>();
  #ended = false;
  #dropped = 0;

  constructor(capacity = 1024) {
    this.#capacity = capacity;
  }

  /** Whether anyone would see a value: lets a publisher skip making it. */
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
      subscriber.wake?.();
    }
  }

  /** Ends every iteration after the values that are there. */
  end(): void {
    this.#ended = true;
    for (const subscriber of this.#subscribers) {
      subscriber.ended = true;
      subscriber.wake?.();
    }
  }

  /** Subscribes from now on, not from the first `next()` on. */
  subscribe(): AsyncIterableIterator<T> {
    const subscriber: Subscriber<T> = { buffer: [], ended: this.#ended };
    if (!this.#ended) this.#subscribers.add(subscriber);
    const leave = () => {
      this.#subscribers.delete(subscriber);
      subscriber.ended = true;
      subscriber.wake?.();
      return Promise.resolve<IteratorResult<T>>({ value: undefined, done: true });
    };
    const next = async (): Promise<IteratorResult<T>> => {
      while (subscriber.buffer.length === 0) {
        if (subscriber.ended) return await leave();
        const { promise, resolve } = Promise.withResolvers<void>();
        subscriber.wake = resolve;
        await promise;
        delete subscriber.wake;
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
