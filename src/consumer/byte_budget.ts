/** Bytes that a broker puts into the answer to one pull, beside the one message that it always gives. */
const PULL_SIZE = 256 * 1024;

/** Bytes that are held for a pull, and then for its messages. */
export interface Reservation {
  /** Replaces what was reserved by the bytes that came. */
  settle(bytes: number): void;
  /** Gives back some of these bytes. */
  release(bytes: number): void;
  /** Gives back all that is left. */
  releaseAll(): void;
}

/** A pull that waits for room. */
interface Waiting {
  readonly isBusy: boolean;
  resolve(reservation: Reservation): void;
}

/**
 * Shares one number of bytes among all queues, in the order in which they ask. A pull of a queue with a
 * backlog reserves what a broker may answer. A pull that waits at the end of its queue reserves nothing:
 * so many idle queues leave the budget to the busy ones. Memory stays within the budget and one answer
 * for each pull in flight.
 */
export class ByteBudget {
  readonly #limit: number;
  readonly #waiting = new Set<Waiting>();
  #used = 0;
  #largest = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns the bytes that are reserved or held. */
  get used(): number {
    return this.#used;
  }

  /** Counts the pulls that wait for room. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes note of the size of a message: later pulls of busy queues reserve room for one like it. */
  learn(messageSize: number): void {
    this.#largest = Math.max(this.#largest, messageSize);
  }

  /**
   * Waits until there is room for a pull.
   *
   * @param isBusy `true` if the queue is known to have more messages.
   * @throws the signal's reason when it aborts first.
   */
  acquire(isBusy: boolean, signal: AbortSignal): Promise<Reservation> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#waiting.delete(waiting);
        reject(signal.reason);
        this.#admit();
      };
      const waiting: Waiting = {
        isBusy,
        resolve: (reservation) => {
          signal.removeEventListener("abort", onAbort);
          resolve(reservation);
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(waiting);
      this.#admit();
    });
  }

  #admit(): void {
    for (const waiting of this.#waiting) {
      const size = waiting.isBusy ? PULL_SIZE + this.#largest : 0;
      const fits = this.#used === 0 || this.#used + size < this.#limit;
      if (!fits) return;
      this.#waiting.delete(waiting);
      waiting.resolve(this.#reserve(size));
    }
  }

  #reserve(size: number): Reservation {
    let held = size;
    this.#used += size;
    const change = (to: number) => {
      this.#used += to - held;
      held = to;
      this.#admit();
    };
    return {
      settle: (bytes) => change(bytes),
      release: (bytes) => change(Math.max(0, held - bytes)),
      releaseAll: () => change(0),
    };
  }
}
