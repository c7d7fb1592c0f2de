import { Backoff } from "../backoff.ts";
import { type Clock, sleep } from "../clock.ts";
import { BrokerResponseError, ConnectionError } from "../errors.ts";
import type { MessageQueue } from "../message/mod.ts";
import { ResponseCode } from "../remoting/mod.ts";
import type { SendBounds, SendReceipt } from "./send_receipt.ts";

/** Response codes of a broker that can't take more for the moment, and stored nothing. */
const BUSY_CODES: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.FLOW_CONTROL,
]);

/** Bounds of the first pause before a busy broker is tried again, and of the longest, in milliseconds. */
const MIN_PAUSE = 100, MAX_PAUSE = 1_000;

/** The tries of one send that have failed so far, and what follows from them for the next. */
export class FailedTries {
  /** Names of the brokers that have failed, or are to be tried last. */
  readonly brokers: Set<string>;
  /** To be called when a send is tried again. */
  readonly onRetry: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  readonly #busy = new Set<string>();
  #backoff: Backoff | undefined;
  #lastError: unknown;
  #mayBeStored = false;
  #weakReceipt: SendReceipt | undefined;

  /** @param closing Aborts when nothing is tried again. */
  constructor(clock: Clock, closing: AbortSignal, brokers: Set<string>, onRetry?: () => void) {
    this.#clock = clock;
    this.#closing = closing;
    this.brokers = brokers;
    this.onRetry = onRetry;
  }

  /** What the last broker said that has stored the message, but not as safely as asked. */
  get weakReceipt(): SendReceipt | undefined {
    return this.#weakReceipt;
  }

  /** Takes in that a broker has stored the message, but not as safely as asked. */
  addWeak({ brokerName }: MessageQueue, receipt: SendReceipt): void {
    this.brokers.add(brokerName);
    this.#weakReceipt = receipt;
  }

  /** Takes in the failure of a try. */
  add({ brokerName }: MessageQueue, error: unknown): void {
    this.brokers.add(brokerName);
    this.#lastError = error;
    if (error instanceof ConnectionError && error.written) this.#mayBeStored = true;
    if (error instanceof BrokerResponseError && BUSY_CODES.has(error.responseCode)) {
      this.#busy.add(brokerName);
    }
  }

  /** All brokers have failed: the next round leaves out only the last one. */
  beginAnew({ brokerName }: MessageQueue): void {
    this.brokers.clear();
    this.brokers.add(brokerName);
  }

  /**
   * Waits before a try of a broker that has said that it is busy; others are tried at once.
   *
   * @throws {BrokerResponseError} what the broker said, when the time does not last for the pause.
   * @throws {ConnectionError} with code `ABORTED`.
   */
  async rest({ brokerName, topic }: MessageQueue, bounds: SendBounds): Promise<void> {
    if (!this.#busy.has(brokerName)) return;
    this.#backoff ??= new Backoff(this.#clock, MIN_PAUSE, MAX_PAUSE);
    const delay = this.#backoff.next();
    if (delay >= bounds.deadline.remaining) throw this.#lastError;
    await pause(this.#clock, delay, this.#closing, bounds.signal, topic);
  }

  /** The error that a send ends with: the last one, unless it hides that an earlier try may have been stored. */
  finalError(error: unknown): unknown {
    if (!this.#mayBeStored || !(error instanceof ConnectionError) || error.written) return error;
    const { code, address, brokerName, topic, isRetriable } = error;
    return new ConnectionError(
      code as ConstructorParameters<typeof ConnectionError>[0],
      `${error.message}. An earlier try had no answer, its broker may have stored the message`,
      { address, brokerName, topic, isRetriable, written: true, cause: error },
    );
  }
}

/**
 * Waits between two tries.
 *
 * @throws {ConnectionError} with code `ABORTED`, when the caller or the end of the producer ends the
 * wait; nothing is on its way then.
 */
export async function pause(
  clock: Clock,
  delay: number,
  closing: AbortSignal,
  signal: AbortSignal | undefined,
  topic: string,
): Promise<void> {
  try {
    await sleep(clock, delay, signal ? AbortSignal.any([signal, closing]) : closing);
  } catch (cause) {
    const reason = signal?.aborted ? "the caller aborted it" : "the producer was shut down";
    throw new ConnectionError(
      "ABORTED",
      `Cannot send to topic "${topic}": ${reason} before it was tried again`,
      { topic, cause },
    );
  }
}
