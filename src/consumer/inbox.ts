import type { IncomingMessage } from "./incoming_message.ts";

/** Messages of which one is handled at a time, in their order. */
interface Lane {
  readonly waiting: Set<IncomingMessage>;
  /** `true` while a message of it is handled. */
  isBusy: boolean;
}

/**
 * The messages that were read and not begun yet, of all queues, in the order of their arrival. Of a lane
 * only the first one can be begun, and only if no other one is being handled.
 */
export class Inbox {
  readonly #mayBegin: (message: IncomingMessage) => boolean;
  #ready = new Set<IncomingMessage>();
  readonly #lanes = new Map<string, Lane>();
  #change = Promise.withResolvers<void>();
  #size = 0;
  #isEnding = false;

  /** @param mayBegin Reports whether this member has the queue of a message now. */
  constructor(mayBegin: (message: IncomingMessage) => boolean) {
    this.#mayBegin = mayBegin;
  }

  /** Counts the messages. */
  get size(): number {
    return this.#size;
  }

  /** Adds a message. One that comes again is the next one, and takes its lane over. */
  add(message: IncomingMessage, isAgain = false): void {
    this.#size++;
    const { lane: name } = message;
    if (name === undefined) {
      if (isAgain) this.#ready = new Set([message, ...this.#ready]);
      else this.#ready.add(message);
    } else {
      let lane = this.#lanes.get(name);
      if (!lane) this.#lanes.set(name, lane = { waiting: new Set(), isBusy: false });
      if (isAgain) {
        const [first] = lane.waiting;
        if (first) this.#ready.delete(first);
        const behind = [...lane.waiting];
        lane.waiting.clear();
        for (const it of [message, ...behind]) lane.waiting.add(it);
        lane.isBusy = false;
      } else {
        lane.waiting.add(message);
      }
      this.#offerFirst(name, lane);
    }
    this.wake();
  }

  /** Takes out a message that must not be begun any more, and one that was begun and is over. */
  remove(message: IncomingMessage): void {
    const lane = message.lane === undefined ? undefined : this.#lanes.get(message.lane);
    const isWaiting = lane ? lane.waiting.delete(message) : this.#ready.has(message);
    this.#ready.delete(message);
    if (isWaiting) this.#size--;
    if (lane && isWaiting) this.#offerFirst(message.lane!, lane);
    else this.release(message);
  }

  /** Takes note that a message that was begun is over: the next one of its lane can be begun. */
  release(message: IncomingMessage): void {
    const lane = message.lane === undefined ? undefined : this.#lanes.get(message.lane);
    if (!lane) return;
    lane.isBusy = false;
    this.#offerFirst(message.lane!, lane);
    this.wake();
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
          this.#begin(message);
          begin(message);
          return message;
        }
        if (this.#isEnding && this.#size === 0) return undefined;
        await Promise.race([this.#change.promise, aborted.promise]);
      }
      return undefined;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #begin(message: IncomingMessage): void {
    this.#ready.delete(message);
    this.#size--;
    const lane = message.lane === undefined ? undefined : this.#lanes.get(message.lane);
    if (!lane) return;
    lane.waiting.delete(message);
    lane.isBusy = true;
  }

  #offerFirst(name: string, lane: Lane): void {
    if (lane.isBusy) return;
    const [first] = lane.waiting;
    if (first) this.#ready.add(first);
    else this.#lanes.delete(name);
  }
}
