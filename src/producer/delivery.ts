import type { OutgoingMessage } from "./outgoing_message.ts";
import type { SendCounters } from "./producer_stats.ts";
import type { RetryPolicy } from "./retry_policy.ts";
import type { SendGate } from "./send_gate.ts";
import type { SendKind } from "./send_hooks.ts";
import type { SendBounds, Sender, SendReceipt } from "./sender.ts";

export type { RetryPolicy } from "./retry_policy.ts";

/** The one way by which every message leaves, whatever its kind. */
export class Delivery {
  readonly #sender: Sender;
  readonly #gate: SendGate;

  readonly #counters: SendCounters;

  /** What the gate does not let in waits. */
  constructor(sender: Sender, gate: SendGate, counters: SendCounters) {
    this.#sender = sender;
    this.#gate = gate;
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
    policy: RetryPolicy,
  ): Promise<SendReceipt> {
    const onRetry = () => void this.#counters.sendRetries++;
    return await this.#deliver(
      kind,
      message,
      bounds,
      (ready) => this.#sender.sendWithRetries(ready, bounds, policy, onRetry),
    );
  }

  /** Refuses what waits to be let in: the producer ends. */
  close(): void {
    this.#gate.close();
  }

  /** What is done around every send goes here. */
  async #deliver<T extends SendReceipt | void>(
    _kind: SendKind,
    message: OutgoingMessage,
    bounds: SendBounds,
    transmit: (message: OutgoingMessage) => Promise<T>,
  ): Promise<T> {
    const counters = this.#counters, { observation } = message;
    counters.sendsInFlight++;
    try {
      const turn = this.#gate.enter(message, bounds);
      if (turn) await turn;
      try {
        const result = observation
          ? await observation.watch(message, () => transmit(message))
          : await transmit(message);
        counters.sends++;
        return result;
      } finally {
        this.#gate.leave(message);
      }
    } catch (error) {
      counters.sendErrors++;
      throw error;
    } finally {
      counters.sendsInFlight--;
    }
  }
}
