import type { BodyCompressor } from "./body_compression.ts";
import { type OutgoingMessage, ownBody } from "./outgoing_message.ts";
import type { SendCounters } from "./producer_stats.ts";
import type { RetryPolicy } from "./retry_policy.ts";
import type { SendGate } from "./send_gate.ts";
import type { SendKind } from "./send_hooks.ts";
import type { SendBounds, SendReceipt } from "./send_receipt.ts";
import type { Sender } from "./sender.ts";

/** The one way by which every message leaves, whatever its kind. */
export class Delivery {
  readonly #sender: Sender;
  readonly #gate: SendGate;
  readonly #compressor: BodyCompressor;
  readonly #counters: SendCounters;
  #onIdle: (() => void) | undefined;

  /** What the gate does not let in waits. */
  constructor(sender: Sender, gate: SendGate, compressor: BodyCompressor, counters: SendCounters) {
    this.#sender = sender;
    this.#gate = gate;
    this.#compressor = compressor;
    this.#counters = counters;
  }

  /** Sends a half message. See {@linkcode Sender.sendOnce}. */
  half(message: OutgoingMessage, bounds: SendBounds): Promise<SendReceipt> {
    return this.#deliver(
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
  send(
    kind: "send" | "batch" | "request",
    message: OutgoingMessage,
    bounds: SendBounds,
    policy: RetryPolicy,
  ): Promise<SendReceipt> {
    const onRetry = () => void this.#counters.sendRetries++;
    return this.#deliver(
      kind,
      message,
      bounds,
      (ready) => this.#sender.sendWithRetries(ready, bounds, policy, onRetry),
    );
  }

  /** Waits until no send is under way. */
  async idle(): Promise<void> {
    if (this.#counters.sendsInFlight === 0) return;
    await new Promise<void>((resolve) => this.#onIdle = resolve);
  }

  /** Refuses what waits to be let in, or to be tried again: the producer ends. */
  close(): void {
    this.#gate.close();
    this.#sender.close();
  }

  /**
   * What is done around every send goes here. A body that is borrowed gets memory of its own before
   * anything is waited for.
   */
  async #deliver<T extends SendReceipt | void>(
    kind: SendKind,
    message: OutgoingMessage,
    bounds: SendBounds,
    transmit: (message: OutgoingMessage) => Promise<T>,
  ): Promise<T> {
    const counters = this.#counters, { observation, topic } = message;
    const size = message.body.length + message.properties.length;
    counters.sendsInFlight++;
    try {
      const turn = this.#gate.enter(topic, size, bounds);
      const held = turn ? ownBody(message) : message;
      if (turn) await turn;
      try {
        const ready = kind === "batch" ? held : ownBody(this.#compressor.compress(held));
        const result = observation
          ? await observation.watch(ready, () => transmit(ready))
          : await transmit(ready);
        counters.sends++;
        return result;
      } finally {
        this.#gate.leave(size);
      }
    } catch (error) {
      counters.sendErrors++;
      throw error;
    } finally {
      if (--counters.sendsInFlight === 0) this.#onIdle?.();
    }
  }
}
