import { Backoff } from "../backoff.ts";
import type { ClientInstance } from "../client/mod.ts";
import { type Clock, Deadline, sleep } from "../clock.ts";
import { ConnectionError } from "../errors.ts";
import type { MessageQueue } from "../message/mod.ts";
import { isTransientRefusal } from "../requests/mod.ts";
import type { LatencyFaults } from "./latency_faults.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import { choiceOf, QueueFinder } from "./queues.ts";
import {
  leastTime,
  mayRetry,
  type ReceiptOf,
  type SendBounds,
  type SendPolicy,
  TooLateError,
} from "./send_policy.ts";
import type { SendReceipt } from "./send_result.ts";
import { type Attempt, Transmitter } from "./transmit.ts";

/** Bounds of the first pause before a busy broker is tried again, and of the longest, in milliseconds. */
const MIN_BACKOFF = 100, MAX_BACKOFF = 500;

/** Milliseconds before a broker is tried again that could not be reached. */
const RETRY_DELAY = 50;

/** Least times for an answer that must be left for a last attempt after a shortened pause. */
const LAST_ATTEMPT = 2;

const NO_BROKERS: ReadonlySet<string> = new Set();

/** Configures a {@linkcode Sender}. */
export interface SenderOptions {
  readonly client: ClientInstance;
  readonly clock: Clock;
  /** Group under which brokers know the messages. */
  readonly producerGroup: string;
  /** Brokers that it names are passed over, and each send is noted there. */
  readonly faults?: LatencyFaults | undefined;
  /** Called when a send is tried again. */
  readonly onRetry?: () => void;
}

/** Sends a message, and again, to another broker or after a pause, when its policy says so. */
export class Sender {
  readonly #clock: Clock;
  readonly #options: SenderOptions;
  readonly #queues: QueueFinder;
  readonly #transmitter: Transmitter;
  readonly #closing = new AbortController();

  constructor(options: SenderOptions) {
    const { client, clock, producerGroup, faults } = options;
    this.#clock = clock;
    this.#options = options;
    this.#queues = new QueueFinder(client, clock, faults);
    this.#transmitter = new Transmitter({ client, clock, producerGroup, queues: this.#queues });
  }

  /**
   * Sends a message.
   *
   * @returns what the broker said; undefined if no answer is awaited.
   * @throws {ConnectionError} whose `written` says whether a broker may have it.
   * @throws {BrokerResponseError} when a broker refused it.
   * @throws {ProtocolError} when an answer makes no sense, and the message may be stored.
   */
  send<P extends SendPolicy>(
    message: OutgoingMessage,
    bounds: SendBounds,
    policy: P,
  ): Promise<ReceiptOf<P>> {
    return this.#send(message, bounds, policy) as Promise<ReceiptOf<P>>;
  }

  /** Tries nothing again, because the producer ends. */
  close(): void {
    this.#closing.abort();
  }

  async #send(
    message: OutgoingMessage,
    bounds: SendBounds,
    policy: SendPolicy,
  ): Promise<SendReceipt | undefined> {
    const { topic, replyTo } = message;
    const choose = choiceOf(message, bounds);
    const chosen = choose && await this.#queues.chosen(choose, topic, bounds);
    let failed = replyTo === undefined
      ? undefined
      : new FailedAttempts(this.#clock, await this.#queues.othersThan(replyTo, topic, bounds));
    try {
      for (let attemptsLeft = 1 + policy.retries;; attemptsLeft--) {
        const avoid = failed?.brokers ?? NO_BROKERS;
        const queue = chosen ?? this.#queues.known(topic, avoid) ??
          await this.#queues.next(topic, avoid, bounds);
        const attempt: Attempt = { queue, message, bounds, policy, deadline: bounds.deadline };
        if (failed?.hasAny) await this.#pause(attempt, failed);
        attempt.deadline = this.#deadlineOf(attempt, attemptsLeft);
        try {
          const receipt = await this.#attempt(attempt);
          if (!receipt || receipt.sendStatus === "SEND_OK" || !policy.retryOnStoreNotOk) {
            return receipt;
          }
          failed ??= new FailedAttempts(this.#clock);
          failed.addWeak(queue, receipt);
          if (isLast(attemptsLeft, bounds) || !this.#hasUntried(message, bounds, failed)) {
            return receipt;
          }
        } catch (error) {
          failed ??= new FailedAttempts(this.#clock);
          if (error instanceof TooLateError) throw failed.lastError ?? error;
          failed.add(queue, error);
          if (isLast(attemptsLeft, bounds) || !mayRetry(error, policy)) throw error;
          if (this.#hasUntried(message, bounds, failed)) continue;
          if (error instanceof ConnectionError && !error.isRetriable) throw error;
          if (failed.weakReceipt) return failed.weakReceipt;
          failed.beginAnew(queue);
        }
      }
    } catch (error) {
      if (!failed) throw error;
      if (failed.weakReceipt) return failed.weakReceipt;
      throw failed.finalError(error);
    }
  }

  #attempt(attempt: Attempt): Promise<SendReceipt | undefined> {
    const { faults } = this.#options;
    if (!faults) return this.#transmitter.transmit(attempt);
    const { queue, policy } = attempt;
    return faults.observe(
      queue,
      () => this.#transmitter.transmit(attempt),
      policy.awaitAnswer,
    );
  }

  /** Leaves time for the attempts that follow, if this is not the last one. */
  #deadlineOf(
    { queue, message, bounds, policy }: Attempt,
    attemptsLeft: number,
  ): Deadline {
    const { resendAfterWrite, timeoutPerTry } = policy;
    // What is not sent again once it has left needs no time for that.
    if (attemptsLeft <= 1 || !resendAfterWrite) return bounds.deadline;
    const { remaining } = bounds.deadline;
    if (timeoutPerTry !== undefined) {
      return timeoutPerTry < remaining ? new Deadline(this.#clock, timeoutPerTry) : bounds.deadline;
    }
    if (!this.#queues.hasOther(message, bounds, (name) => name !== queue.brokerName)) {
      return bounds.deadline;
    }
    return new Deadline(this.#clock, remaining / attemptsLeft);
  }

  /**
   * Waits before a broker that has failed gets another attempt; others get one immediately.
   *
   * @throws what the last attempt failed with, when too little time would be left.
   * @throws {ConnectionError} with code `ABORTED`, when the caller or the end of the producer ends the
   * wait. Nothing is on its way then.
   */
  async #pause(
    { queue, bounds, policy }: Attempt,
    failed: FailedAttempts,
  ): Promise<void> {
    const { brokerName, topic } = queue;
    const { signal } = bounds, { remaining } = bounds.deadline;
    const least = leastTime(bounds, policy);
    let delay = failed.delayBefore(brokerName);
    if (delay + least >= remaining) {
      // The last pause may be short, if that leaves more than the least for the last attempt.
      const short = remaining - LAST_ATTEMPT * least;
      if (short < Math.min(delay, RETRY_DELAY)) throw failed.lastError;
      delay = Math.min(delay, short);
    }
    if (delay > 0) {
      const closing = this.#closing.signal;
      try {
        await sleep(this.#clock, delay, signal ? AbortSignal.any([signal, closing]) : closing);
      } catch (cause) {
        const reason = signal?.aborted ? "the caller aborted it" : "the producer was shut down";
        throw new ConnectionError(
          "ABORTED",
          `Cannot send to topic "${topic}": ${reason} before it was tried again`,
          { topic, cause },
        );
      }
    }
    this.#options.onRetry?.();
  }

  /** Reports whether a broker can take the message that has not failed yet. */
  #hasUntried(message: OutgoingMessage, bounds: SendBounds, { brokers }: FailedAttempts): boolean {
    return this.#queues.hasOther(message, bounds, (name) => !brokers.has(name));
  }
}

function isLast(attemptsLeft: number, { deadline, signal }: SendBounds): boolean {
  return attemptsLeft <= 1 || deadline.passed || signal?.aborted === true;
}

/** Remembers the attempts of one send that have failed. */
class FailedAttempts {
  /** Names of the brokers that have failed, or are to be tried last. */
  readonly brokers: Set<string>;
  readonly #clock: Clock;
  readonly #busy = new Set<string>();
  readonly #unreachable = new Set<string>();
  #backoff: Backoff | undefined;
  #lastError: unknown;
  #mayBeStored = false;
  #weakReceipt: SendReceipt | undefined;

  constructor(clock: Clock, brokers = new Set<string>()) {
    this.#clock = clock;
    this.brokers = brokers;
  }

  /** `true` once an attempt has failed. */
  get hasAny(): boolean {
    return this.#lastError !== undefined || this.#weakReceipt !== undefined;
  }

  /** What the last attempt failed with. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** What the last broker said that has stored the message, but not as safely as asked. */
  get weakReceipt(): SendReceipt | undefined {
    return this.#weakReceipt;
  }

  addWeak({ brokerName }: MessageQueue, receipt: SendReceipt): void {
    this.brokers.add(brokerName);
    this.#weakReceipt = receipt;
  }

  add({ brokerName }: MessageQueue, error: unknown): void {
    this.brokers.add(brokerName);
    this.#lastError = error;
    if (isTransientRefusal(error)) this.#busy.add(brokerName);
    if (!(error instanceof ConnectionError)) return;
    if (error.written) this.#mayBeStored = true;
    else this.#unreachable.add(brokerName);
  }

  /** Begins another round, when all brokers have failed: it leaves out only the last one. */
  beginAnew({ brokerName }: MessageQueue): void {
    this.brokers.clear();
    this.brokers.add(brokerName);
  }

  /** Milliseconds of the pause before a broker is tried. */
  delayBefore(brokerName: string): number {
    if (this.#busy.has(brokerName)) {
      this.#backoff ??= new Backoff(this.#clock, MIN_BACKOFF, MAX_BACKOFF);
      return this.#backoff.next();
    }
    return this.#unreachable.has(brokerName) ? RETRY_DELAY : 0;
  }

  /** Makes the error of the send: the last one must not hide that an earlier attempt may have been stored. */
  finalError(error: unknown): unknown {
    if (!this.#mayBeStored || !(error instanceof ConnectionError) || error.written) return error;
    const { code, address, brokerName, topic, isRetriable } = error;
    return new ConnectionError(
      code as ConstructorParameters<typeof ConnectionError>[0],
      `${error.message}. An earlier attempt had no answer, its broker may have stored the message`,
      { address, brokerName, topic, isRetriable, written: true, cause: error },
    );
  }
}
