import type { Clock } from "../clock.ts";
import { BrokerResponseError, ConnectionError } from "../errors.ts";
import type { MessageQueue } from "../message/mod.ts";
import { ResponseCode } from "../remoting/mod.ts";
import { TooLateError } from "./send_policy.ts";

/** Says how long slow brokers are passed over. The two lists belong together, entry by entry. */
export interface LatencyTable {
  /** Milliseconds from which on a send was slow. */
  readonly latencyMax: readonly number[];
  /** Milliseconds for which its broker is passed over then. */
  readonly notAvailableDuration: readonly number[];
}

/** Milliseconds that a send without a usable answer counts as. */
const FAILURE_LATENCY = 10_000;

/** Response codes that tell of the state of the broker, not of the message. */
const TROUBLE_CODES: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.FLOW_CONTROL,
  ResponseCode.GO_AWAY,
]);

interface Fault {
  availableAt: number;
  /** The queue to which a send failed, as long as its broker counts as unreachable. */
  unreachable?: MessageQueue | undefined;
}

/** Notes how fast each broker took messages, and which are passed over for that. */
export class LatencyFaults {
  readonly #clock: Clock;
  readonly #table: LatencyTable;
  readonly #onUnreachable: (() => void) | undefined;
  readonly #faults = new Map<string, Fault>();

  /**
   * With `onUnreachable`, a broker that gave no answer is passed over until
   * {@linkcode LatencyFaults.setReachable} is told; otherwise only for its time.
   */
  constructor(clock: Clock, table: LatencyTable, onUnreachable?: () => void) {
    this.#clock = clock;
    this.#table = table;
    this.#onUnreachable = onUnreachable;
  }

  /** `true` if there is any broker to pass over. */
  get isAny(): boolean {
    return this.#faults.size > 0;
  }

  /** Names the brokers that were slow lately or can't be reached. */
  unavailable(): string[] {
    const now = this.#clock.monotonic();
    const names: string[] = [];
    for (const [brokerName, { availableAt, unreachable }] of this.#faults) {
      if (unreachable || now < availableAt) names.push(brokerName);
      else this.#faults.delete(brokerName);
    }
    return names;
  }

  /** Names the brokers that can't be reached. */
  unreachable(): string[] {
    return this.unreachableQueues().map(({ brokerName }) => brokerName);
  }

  /** Returns one queue of each broker that can't be reached. */
  unreachableQueues(): MessageQueue[] {
    return Array.from(this.#faults.values(), ({ unreachable }) => unreachable)
      .filter((queue) => queue !== undefined);
  }

  /** Notes that a broker answers again. It is still passed over until its time is over. */
  setReachable(brokerName: string): void {
    const fault = this.#faults.get(brokerName);
    if (fault) fault.unreachable = undefined;
  }

  /** Forgets a broker. */
  forget(brokerName: string): void {
    this.#faults.delete(brokerName);
  }

  /**
   * Sends to a queue and notes how long it took, or that it failed. If no answer is awaited, only a
   * failure says anything.
   */
  async observe<T>(queue: MessageQueue, send: () => Promise<T>, isAnswered: boolean): Promise<T> {
    const began = this.#clock.monotonic();
    try {
      const receipt = await send();
      if (isAnswered) this.#note(queue, this.#clock.monotonic() - began, true);
      return receipt;
    } catch (error) {
      // What ended on this side says nothing about the broker.
      const isUnreachable = error instanceof ConnectionError && error.code !== "ABORTED" &&
        error.code !== "OVERLOADED" && !(error instanceof TooLateError);
      const isInTrouble = error instanceof BrokerResponseError &&
        TROUBLE_CODES.has(error.responseCode);
      if (isUnreachable || isInTrouble) this.#note(queue, FAILURE_LATENCY, !isUnreachable);
      throw error;
    }
  }

  #note(queue: MessageQueue, latency: number, isReachable: boolean): void {
    const { brokerName } = queue;
    const { latencyMax, notAvailableDuration } = this.#table;
    const row = latencyMax.findLastIndex((limit) => latency >= limit);
    const duration = notAvailableDuration[row] ?? 0;
    const known = this.#faults.get(brokerName);
    if (!known && duration === 0 && isReachable) return;
    const fault = known ?? { availableAt: 0 };
    fault.availableAt = Math.max(fault.availableAt, this.#clock.monotonic() + duration);
    fault.unreachable = isReachable || !this.#onUnreachable ? undefined : queue;
    this.#faults.set(brokerName, fault);
    if (fault.unreachable) this.#onUnreachable?.();
  }
}
