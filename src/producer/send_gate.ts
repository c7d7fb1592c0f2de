import type { Clock } from "../clock.ts";
import { ConnectionError, InvalidStateError } from "../errors.ts";
import type { BodyCompressor } from "./body_compression.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { ReceiptOf, SendBounds, SendPolicy } from "./send_policy.ts";
import type { SendCounters } from "./send_result.ts";
import type { Sender } from "./sender.ts";
import type { SendWatch } from "./watch.ts";

/** Provides what a {@linkcode Delivery} works with. */
export interface DeliveryOptions {
  readonly watch: SendWatch;
  readonly gate: SendGate;
  readonly compressor: BodyCompressor;
  readonly sender: Sender;
  readonly counters: SendCounters;
}

/**
 * Takes every message to its broker, whatever its kind: those who observe the send are told that it
 * begins, it waits for its turn, is compressed and sent, and they are told how it ended.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /**
   * Sends a message, observed.
   *
   * @returns what the broker said; undefined if no answer is awaited.
   * @throws {SendForbiddenError} when a hook forbids it: it has not begun then, and counts as nothing.
   * @throws {ConnectionError} whose `written` says whether a broker may have it.
   * @throws {BrokerResponseError} @throws {ProtocolError}
   */
  deliver<P extends SendPolicy>(
    message: OutgoingMessage,
    bounds: SendBounds,
    policy: P,
  ): Promise<ReceiptOf<P>> {
    const { watch } = this.#options;
    if (!watch.isActive) return this.send(message, bounds, policy);
    return watch.around(
      policy.kind,
      message,
      (amended) => this.send(amended, bounds, policy),
    );
  }

  /** Sends a message whose observers are told elsewhere, see {@linkcode Delivery.deliver}. */
  async send<P extends SendPolicy>(
    message: OutgoingMessage,
    bounds: SendBounds,
    policy: P,
  ): Promise<ReceiptOf<P>> {
    const { counters, gate, compressor, sender } = this.#options;
    const size = message.body.length + message.encodedProperties.length;
    counters.sendsInFlight++;
    try {
      const turn = gate.enter(message.topic, size, bounds);
      if (turn) await turn;
      try {
        const receipt = await sender.send(compressor.compress(message), bounds, policy);
        counters.sends++;
        return receipt;
      } finally {
        gate.leave(size);
      }
    } catch (error) {
      counters.sendErrors++;
      throw error;
    } finally {
      if (--counters.sendsInFlight === 0) {
        this.#idle?.resolve();
        this.#idle = undefined;
      }
    }
  }

  /** Waits until no send is under way. */
  async idle(): Promise<void> {
    if (this.#options.counters.sendsInFlight === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  /** Refuses what waits for its turn, or to be tried again, because the producer ends. */
  close(): void {
    this.#options.gate.close();
    this.#options.sender.close();
  }
}

/** Bounds what may be under way together, and what may wait for that. */
export interface SendGateLimits {
  /** Most sends under way. */
  readonly maxSendsInFlight: number;
  /** Most bytes of their bodies and properties; a larger message goes alone. */
  readonly maxSendBytesInFlight: number;
  /** Most sends that wait. */
  readonly maxSendsWaiting: number;
  /** Most bytes of their bodies and properties. */
  readonly maxSendBytesWaiting: number;
}

/** A send that waits. */
interface Waiter {
  readonly size: number;
  /** Ends the wait, with an error or without. */
  readonly end: (error?: Error) => void;
}

/**
 * Bounds the sends, and their bytes, that are under way together. Others wait, each until its own
 * deadline, and go in the order in which they came, whatever their size.
 */
export class SendGate {
  readonly #clock: Clock;
  readonly #limits: SendGateLimits;
  readonly #line = new WaitLine<Waiter>();
  #sends = 0;
  #bytes = 0;
  #bytesWaiting = 0;

  constructor(clock: Clock, limits: SendGateLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Lets a send in; returns undefined if it need not wait. {@linkcode SendGate.leave} must follow with
   * the same size, unless the promise rejects.
   *
   * @throws {ConnectionError} with code `OVERLOADED` when too many wait already or the deadline
   * passed, or `ABORTED`. Nothing was written then.
   */
  enter(topic: string, size: number, bounds: SendBounds): Promise<void> | undefined {
    if (this.#line.size === 0 && this.#fits(size)) {
      this.#take(size);
      return undefined;
    }
    return this.#wait(topic, size, bounds);
  }

  /** Ends a send: those that fit now follow. */
  leave(size: number): void {
    this.#sends--;
    this.#bytes -= size;
    this.#admit();
  }

  /** Refuses all that wait, because the producer ends. */
  close(): void {
    for (let first = this.#line.first; first; first = this.#line.first) {
      first.end(new InvalidStateError("Cannot send: the producer was shut down while it waited"));
    }
  }

  #fits(size: number): boolean {
    if (this.#sends === 0) return true;
    const { maxSendsInFlight, maxSendBytesInFlight } = this.#limits;
    return this.#sends < maxSendsInFlight && this.#bytes + size <= maxSendBytesInFlight;
  }

  #take(size: number): void {
    this.#sends++;
    this.#bytes += size;
  }

  #admit(): void {
    for (let first = this.#line.first; first && this.#fits(first.size); first = this.#line.first) {
      this.#take(first.size);
      first.end();
    }
  }

  async #wait(topic: string, size: number, { deadline, signal }: SendBounds): Promise<void> {
    if (signal?.aborted) throw aborted(topic, signal);
    this.#checkRoom(topic, size);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = (error?: Error) => {
      this.#line.leave(place);
      this.#bytesWaiting -= size;
      this.#clock.clearTimer(timer);
      signal?.removeEventListener("abort", onAbort);
      if (error) reject(error);
      else resolve();
    };
    const giveUp = (error: Error) => {
      end(error);
      this.#admit();
    };
    const place = this.#line.join({ size, end });
    this.#bytesWaiting += size;
    const onAbort = () => giveUp(aborted(topic, signal!));
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = this.#clock.setTimer(
      () => giveUp(this.#overloaded(topic, `its turn did not come within ${deadline.timeout} ms`)),
      deadline.remaining,
    );
    await promise;
  }

  #checkRoom(topic: string, size: number): void {
    const { maxSendsWaiting, maxSendBytesWaiting } = this.#limits;
    if (this.#line.size >= maxSendsWaiting) {
      throw this.#overloaded(topic, `${maxSendsWaiting} others wait (maxSendsWaiting)`);
    }
    if (this.#line.size > 0 && this.#bytesWaiting + size > maxSendBytesWaiting) {
      const reason = `${this.#bytesWaiting} bytes wait, at most ${maxSendBytesWaiting} may ` +
        "(maxSendBytesWaiting)";
      throw this.#overloaded(topic, reason);
    }
  }

  #overloaded(topic: string, reason: string): ConnectionError {
    const { maxSendsInFlight, maxSendBytesInFlight } = this.#limits;
    return new ConnectionError(
      "OVERLOADED",
      `Cannot send to topic "${topic}": ${reason}, while ${this.#sends} sends of at most ` +
        `${maxSendsInFlight} (maxSendsInFlight) and ${this.#bytes} bytes of at most ` +
        `${maxSendBytesInFlight} (maxSendBytesInFlight) are under way. Await some sends before ` +
        "more are begun, or raise the bounds",
      { topic, isRetriable: true },
    );
  }
}

function aborted(topic: string, signal: AbortSignal): ConnectionError {
  return new ConnectionError(
    "ABORTED",
    `Cannot send to topic "${topic}": the caller aborted it before its turn came`,
    { topic, cause: signal.reason },
  );
}

/** Holds a place in a {@linkcode WaitLine}. */
interface Place<T> {
  /** What waits there. */
  readonly value: T;
  previous: Place<T> | undefined;
  next: Place<T> | undefined;
}

/**
 * Keeps what waits in the order in which it came; anything can leave it from anywhere.
 *
 * Why not a `Set`: its first element is found past the holes of all that have left, which makes a line
 * of 65536 about twenty times slower to empty.
 */
class WaitLine<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;
  #size = 0;

  /** Number of those that wait. */
  get size(): number {
    return this.#size;
  }

  /** The next one. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  /** Takes the last place. */
  join(value: T): Place<T> {
    const place: Place<T> = { value, previous: this.#last, next: undefined };
    if (this.#last) this.#last.next = place;
    else this.#first = place;
    this.#last = place;
    this.#size++;
    return place;
  }

  /** Gives up a place, once. */
  leave({ previous, next }: Place<T>): void {
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    this.#size--;
  }
}
