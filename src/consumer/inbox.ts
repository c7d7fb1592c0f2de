import type { IncomingMessage } from "./incoming_message.ts";

/** The messages that were read and not begun yet, of all queues, in the order of their arrival. */
export class Inbox {
  readonly #mayBegin: (message: IncomingMessage) => boolean;
  readonly #ready = new Set<IncomingMessage>();
  #change = Promise.withResolvers<void>();
  #isEnding = false;

  /** @param mayBegin Reports whether this member has the queue of a message now. */
  constructor(mayBegin: (message: IncomingMessage) => boolean) {
    this.#mayBegin = mayBegin;
  }

  /** Counts the messages. */
  get size(): number {
    return this.#ready.size;
  }

  /** Adds a message. */
  add(message: IncomingMessage): void {
    this.#ready.add(message);
    this.wake();
  }

  /** Takes out a message that must not be begun any more. */
  remove(message: IncomingMessage): void {
    this.#ready.delete(message);
  }

  /** Lets those who wait look again, because a queue may be worked on again. */
  wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  /** Gives what is there, and then nothing more. */
  end(): void {
    this.#isEnding = true;
    this.wake();
  }

  /**
   * Waits for a message, and has `begin` called with it in the same turn. Returns `undefined` when there
   * will be none, or when `signal` aborts.
   */
  async take(
    begin: (message: IncomingMessage) => void,
    signal: AbortSignal,
  ): Promise<IncomingMessage | undefined> {
    const aborted = Promise.withResolvers<void>();
    const onAbort = () => aborted.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal.aborted) {
        for (const message of this.#ready) {
          if (!this.#mayBegin(message)) continue;
          this.#ready.delete(message);
          begin(message);
          return message;
        }
        if (this.#isEnding && this.#ready.size === 0) return undefined;
        await Promise.race([this.#change.promise, aborted.promise]);
      }
      return undefined;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}
