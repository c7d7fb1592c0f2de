import type { OutgoingMessage } from "./outgoing_message.ts";
import type { RetryPolicy } from "./retry_policy.ts";
import type { SendGate } from "./send_gate.ts";
import type { SendBounds, Sender, SendReceipt } from "./sender.ts";

export type { RetryPolicy } from "./retry_policy.ts";

/** How a message is sent. */
export type SendKind = "send" | "oneway" | "batch" | "request" | "half";

/** The one way by which every message leaves, whatever its kind. */
export class Delivery {
  readonly #sender: Sender;
  readonly #gate: SendGate;

  /** What the gate does not let in waits. */
  constructor(sender: Sender, gate: SendGate) {
    this.#sender = sender;
    this.#gate = gate;
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
    policy: RetryPolicy,
  ): Promise<SendReceipt> {
    return await this.#deliver(
      kind,
      message,
      bounds,
      (ready) => this.#sender.sendWithRetries(ready, bounds, policy),
    );
  }

  /** Refuses what waits to be let in: the producer ends. */
  close(): void {
    this.#gate.close();
  }

  /** What is done around every send goes here. */
  async #deliver<T>(
    _kind: SendKind,
    message: OutgoingMessage,
    bounds: SendBounds,
    transmit: (message: OutgoingMessage) => Promise<T>,
  ): Promise<T> {
    const turn = this.#gate.enter(message, bounds);
    if (turn) await turn;
    try {
      return await transmit(message);
    } finally {
      this.#gate.leave(message);
    }
  }
}
