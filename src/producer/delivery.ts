import type { OutgoingMessage } from "./outgoing_message.ts";
import type { SendCounters } from "./producer_stats.ts";
import type { SendKind } from "./send_hooks.ts";
import type { SendBounds, Sender, SendReceipt } from "./sender.ts";

/** How often a send is tried again, and after which response codes. */
export interface RetryPolicy {
  /** Tries after the first. */
  retries: number;
  /** Response codes after which it is tried again. */
  retryCodes: ReadonlySet<number>;
}

/** The one way by which every message leaves, whatever its kind. */
export class Delivery {
  readonly #sender: Sender;

  readonly #counters: SendCounters;

  constructor(sender: Sender, counters: SendCounters) {
    this.#sender = sender;
    this.#counters = counters;
  }

  /** Sends a half message. See {@linkcode Sender.sendOnce}. */
  async half(message: OutgoingMessage, bounds: SendBounds): Promise<SendReceipt> {
    return await this.#deliver(
      "half",
      message,
      bounds,
      (ready) => this.#sender.sendOnce(ready, bounds),
    );
  }

  /** Sends a message without awaiting an answer. See {@linkcode Sender.sendOneway}. */
  async oneway(message: OutgoingMessage, bounds: SendBounds): Promise<void> {
    await this.#deliver(
      "oneway",
      message,
      bounds,
      (ready) => this.#sender.sendOneway(ready, bounds),
    );
  }

  /** Sends anything else. See {@linkcode Sender.sendWithRetries}. */
  async send(
    kind: "send" | "batch" | "request",
    message: OutgoingMessage,
    bounds: SendBounds,
    { retries, retryCodes }: RetryPolicy,
  ): Promise<SendReceipt> {
    const onRetry = () => void this.#counters.sendRetries++;
    return await this.#deliver(
      kind,
      message,
      bounds,
      (ready) => this.#sender.sendWithRetries(ready, bounds, retries, retryCodes, onRetry),
    );
  }

  /** What is done around every send goes here. */
  async #deliver<T extends SendReceipt | void>(
    _kind: SendKind,
    message: OutgoingMessage,
    _bounds: SendBounds,
    transmit: (message: OutgoingMessage) => Promise<T>,
  ): Promise<T> {
    const counters = this.#counters, { observation } = message;
    counters.sendsInFlight++;
    try {
      const result = observation
        ? await observation.watch(message, () => transmit(message))
        : await transmit(message);
      counters.sends++;
      return result;
    } catch (error) {
      counters.sendErrors++;
      throw error;
    } finally {
      counters.sendsInFlight--;
    }
  }
}
