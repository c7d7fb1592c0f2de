import type { Clock } from "../clock.ts";
import type { ConsumedMessage, IncomingMessage } from "./incoming_message.ts";

/** How batches are gathered. */
export interface BatchOptions {
  /** Most messages of a batch. */
  size: number;
  /**
   * Milliseconds that a batch may wait for more after its first message.
   *
   * @default {50}
   */
  wait?: number;
}

/** Messages that are handled together. */
export class Batch implements Iterable<ConsumedMessage> {
  /** The messages, in the order in which they came. */
  readonly messages: readonly ConsumedMessage[];
  readonly #open: readonly IncomingMessage[];

  /** @ignore Batches come from a consumer. */
  constructor(messages: readonly object[]) {
    this.#open = messages as readonly IncomingMessage[];
    this.messages = this.#open;
  }

  /** Acknowledges every message that is not settled yet. */
  ack(): void {
    for (const message of this.#undecided()) message.ack();
  }

  /** Has every message delivered again that is not settled yet. */
  retry(options: { delay?: number } = {}): void {
    for (const message of this.#undecided()) message.retry(options);
  }

  /** Iterates over the messages. */
  [Symbol.iterator](): Iterator<ConsumedMessage> {
    return this.messages[Symbol.iterator]();
  }

  #undecided(): IncomingMessage[] {
    return this.#open.filter(({ isDecided }) => !isDecided);
  }
}

/** Waits for a message, and then for more. Returns none if there will be none. */
export async function gatherBatch(
  take: (signal?: AbortSignal) => Promise<IncomingMessage | undefined>,
  { size, wait, clock }: { size: number; wait: number; clock: Clock },
): Promise<IncomingMessage[]> {
  const first = await take();
  if (!first) return [];
  const messages = [first], over = new AbortController();
  const timer = clock.setTimer(() => over.abort(), wait);
  while (messages.length < size) {
    const message = await take(over.signal);
    if (!message) break;
    messages.push(message);
  }
  clock.clearTimer(timer);
  return messages;
}
