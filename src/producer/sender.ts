import type { Clock } from "../clock.ts";
import { ConnectionError } from "../errors.ts";
import { type ClientInstance, Deadline } from "../client/mod.ts";
import type { MessageQueue } from "../message/mod.ts";
import { FailedTries, pause } from "./failed_tries.ts";
import type { LatencyFaults } from "./latency_faults.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import { choiceOf, QueueFinder } from "./queue_finder.ts";
import { mayRetry, type RetryPolicy } from "./retry_policy.ts";
import type { SendBounds, SendReceipt } from "./send_receipt.ts";
import { Transmitter } from "./transmitter.ts";

const NONE: ReadonlySet<string> = new Set();

/** Milliseconds before a broker is tried again, when none could be reached. */
const PAUSE = 50;

/** Finds a queue and a registered connection for a message, and sends it there. */
export class Sender {
  readonly #clock: Clock;
  readonly #faults: LatencyFaults | undefined;
  readonly #queues: QueueFinder;
  readonly #transmitter: Transmitter;
  readonly #closing = new AbortController();

  /** With `faults`, brokers that they tell of are passed over, and each send is taken in there. */
  constructor(
    client: ClientInstance,
    clock: Clock,
    producerGroup: string,
    faults?: LatencyFaults,
  ) {
    this.#clock = clock;
    this.#faults = faults;
    this.#queues = new QueueFinder(client, clock, faults);
    this.#transmitter = new Transmitter(client, clock, producerGroup, this.#queues);
  }

  /**
   * Sends a message once. Brokers that can't be reached are passed over as long as nothing of the
   * message was written; from then on it is never sent again, not even when the broker refused it.
   *
   * @throws {ConnectionError} whose `written` says whether the broker may have it.
   * @throws {BrokerResponseError} when the broker refused it. @throws {ProtocolError} when its
   * answer makes no sense, and the message may be stored.
   */
  sendOnce(message: OutgoingMessage, bounds: SendBounds): Promise<SendReceipt> {
    return this.#once(
      message,
      bounds,
      (queue) => this.#sendTo(queue, message, bounds, true),
    );
  }

  /**
   * Writes a message to a connection and waits for nothing else. Passes brokers over as
   * {@linkcode Sender.sendOnce} does.
   *
   * @throws {ConnectionError} when it was not written, or not as a whole.
   */
  async sendOneway(message: OutgoingMessage, bounds: SendBounds): Promise<void> {
    await this.#once(message, bounds, (queue) => {
      const send = () => this.#transmitter.sendOneway(queue, message, bounds);
      return this.#faults ? this.#faults.observe(queue, send, false) : send();
    });
  }

  /**
   * Sends a message, and again to another broker when it may help; to one that has said that it is
   * busy only after a pause.
   *
   * @throws {RocketMQError} the failure of the last try.
   */
  async sendWithRetries(
    message: OutgoingMessage,
    bounds: SendBounds,
    policy: RetryPolicy,
    onRetry?: () => void,
  ): Promise<SendReceipt> {
    const tries = new FailedTries(
      this.#clock,
      this.#closing.signal,
      await this.#queues.othersThan(message, bounds),
      onRetry,
    );
    const chosen = await this.#queues.chosen(message, bounds);
    try {
      return await this.#tryOnAndOn(message, chosen, bounds, policy, tries);
    } catch (error) {
      if (tries.weakReceipt) return tries.weakReceipt;
      throw tries.finalError(error);
    }
  }

  async #tryOnAndOn(
    message: OutgoingMessage,
    chosen: MessageQueue | undefined,
    bounds: SendBounds,
    { retries, retryCodes, retryOnStoreNotOk, timeoutPerTry }: RetryPolicy,
    tries: FailedTries,
  ): Promise<SendReceipt> {
    for (let triesLeft = 1 + retries;; triesLeft--) {
      const queue = chosen ?? await this.#queues.next(message.topic, tries.brokers, bounds);
      await tries.rest(queue, bounds);
      if (triesLeft <= retries) tries.onRetry?.();
      const deadline = this.#deadlineOfTry(queue, message, bounds, triesLeft, timeoutPerTry);
      const isLast = () => triesLeft <= 1 || bounds.deadline.passed || bounds.signal?.aborted;
      try {
        const receipt = await this.#sendTo(queue, message, { ...bounds, deadline });
        if (receipt.sendStatus === "SEND_OK" || !retryOnStoreNotOk || isLast()) return receipt;
        tries.addWeak(queue, receipt);
        if (!this.#hasUntried(message, bounds, tries)) return receipt;
      } catch (error) {
        if (isLast() || !mayRetry(error, retryCodes)) throw error;
        tries.add(queue, error);
        if (this.#hasUntried(message, bounds, tries)) continue;
        if (tries.weakReceipt) throw error;
        tries.beginAnew(queue);
      }
    }
  }

  /** A try that is not the last one leaves time for those that follow. */
  #deadlineOfTry(
    queue: MessageQueue,
    message: OutgoingMessage,
    bounds: SendBounds,
    triesLeft: number,
    timeoutPerTry: number | undefined,
  ): Deadline {
    const { remaining } = bounds.deadline;
    if (triesLeft <= 1) return bounds.deadline;
    if (timeoutPerTry !== undefined) {
      return timeoutPerTry < remaining ? new Deadline(this.#clock, timeoutPerTry) : bounds.deadline;
    }
    if (!this.#hasAlternative(message, queue, bounds)) return bounds.deadline;
    return new Deadline(this.#clock, remaining / triesLeft);
  }

  /** Sends a message to a queue, with `needsRest` only if time is left for the answer. */
  #sendTo(
    queue: MessageQueue,
    message: OutgoingMessage,
    bounds: SendBounds,
    needsRest = false,
  ): Promise<SendReceipt> {
    if (!this.#faults) return this.#transmitter.send(queue, message, bounds, needsRest);
    const send = () => this.#transmitter.send(queue, message, bounds, needsRest);
    return this.#faults.observe(queue, send, true);
  }

  /** Tries nothing again: the producer ends. */
  close(): void {
    this.#closing.abort();
  }

  async #once<T>(
    message: OutgoingMessage,
    bounds: SendBounds,
    deliver: (queue: MessageQueue) => Promise<T>,
  ): Promise<T> {
    const { deadline, signal } = bounds;
    let avoid = NONE;
    const chosen = choiceOf(message, bounds) && await this.#queues.chosen(message, bounds);
    let lastError: ConnectionError | undefined;
    for (;;) {
      const queue = chosen ?? this.#queues.known(message.topic, avoid) ??
        await this.#queues.next(message.topic, avoid, bounds);
      if (lastError && avoid.has(queue.brokerName)) {
        if (!lastError.isRetriable) throw lastError;
        const delay = Math.min(PAUSE, deadline.remaining);
        await pause(this.#clock, delay, this.#closing.signal, signal, message.topic);
      }
      try {
        return await deliver(queue);
      } catch (error) {
        if (!(error instanceof ConnectionError) || error.written) throw error;
        if (error.code === "ABORTED" || error.code === "OVERLOADED" || deadline.passed) {
          throw error;
        }
        lastError = error;
        avoid = new Set([...avoid, queue.brokerName]);
      }
    }
  }

  #hasUntried(message: OutgoingMessage, bounds: SendBounds, { brokers }: FailedTries): boolean {
    return this.#queues.hasOther(message, bounds, (name) => !brokers.has(name));
  }

  /** Whether another broker can take a message when that of `queue` does not. */
  #hasAlternative(message: OutgoingMessage, queue: MessageQueue, bounds: SendBounds): boolean {
    return this.#queues.hasOther(message, bounds, (name) => name !== queue.brokerName);
  }
}
