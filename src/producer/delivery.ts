import type { BodyCompressor } from "./body_compression.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { SendBounds, Sender, SendReceipt } from "./sender.ts";

/** How a message is sent. */
export type SendKind = "send" | "oneway" | "batch" | "request" | "half";

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
  readonly #compress: BodyCompressor;

  constructor(sender: Sender, compress: BodyCompressor) {
    this.#sender = sender;
    this.#compress = compress;
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
    return await this.#deliver(
      kind,
      message,
      bounds,
      (ready) => this.#sender.sendWithRetries(ready, bounds, retries, retryCodes),
    );
  }

  /** What is done around every send goes here. */
  async #deliver<T>(
    kind: SendKind,
    message: OutgoingMessage,
    _bounds: SendBounds,
    transmit: (message: OutgoingMessage) => Promise<T>,
  ): Promise<T> {
    return await transmit(kind === "batch" ? message : this.#compress(message));
  }
}
