import { type Clock, sleep } from "../clock.ts";
import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { MessageQueue } from "../message/mod.ts";
import { queueKey } from "./queue_calls.ts";

/** Milliseconds for which a lock counts after it was asked for. Brokers keep it for 60 s. */
const VALIDITY = 45_000;

/** Milliseconds after which a lock is renewed. */
const RENEWAL = 15_000;

/** Milliseconds between two requests for queues that another member has. */
const RETRY_INTERVAL = 500;

/** What leases need of the consumer. */
interface LeaseOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asks a broker for locks, and returns those that this client has. */
  lock(brokerName: string, queues: readonly MessageQueue[]): Promise<MessageQueue[]>;
  /** Called when this client got a queue that it did not have. */
  onGained(queue: MessageQueue): void;
  /** Called when the broker confirmed a queue again that was in doubt. */
  onConfirmed(queue: MessageQueue): void;
  /** Called when a queue was lost. */
  onLost(queue: MessageQueue, reason: string): void;
}

interface Lease {
  readonly queue: MessageQueue;
  isHeld: boolean;
  /** `true` if the broker confirmed the lock since the last connection to it was made. */
  isConfirmed: boolean;
  /** Counts the events after which an answer on its way says nothing any more. */
  generation: number;
  validUntil: number;
  renewAt: number;
}

/**
 * Keeps which queues this client may work on: those whose lock the broker gave to it. Only one client of
 * a group has a queue. The lock lives in the memory of the broker. So it counts again only after the
 * broker confirmed it over the new connection.
 */
export class QueueLeases {
  readonly #options: LeaseOptions;
  readonly #leases = new Map<string, Lease>();
  readonly #served = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #change = Promise.withResolvers<void>();

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Returns the queues that this client has. */
  held(): MessageQueue[] {
    return [...this.#leases.values()].filter(({ isHeld }) => isHeld).map(({ queue }) => queue);
  }

  /** Reports whether this client may begin messages of a queue and commit its offset now. */
  isValid(queue: MessageQueue): boolean {
    const lease = this.#leases.get(queueKey(queue));
    return lease !== undefined && lease.isHeld && lease.isConfirmed &&
      this.#options.clock.monotonic() < lease.validUntil;
  }

  /** Asks for the locks of these queues too, and keeps them. */
  want(queues: readonly MessageQueue[]): void {
    for (const queue of queues) {
      if (this.#leases.has(queueKey(queue))) continue;
      const none = { isHeld: false, isConfirmed: false, generation: 0 };
      this.#leases.set(queueKey(queue), { queue, ...none, validUntil: 0, renewAt: 0 });
      if (!this.#served.has(queue.brokerName)) {
        this.#served.set(queue.brokerName, this.#serve(queue.brokerName));
      }
    }
    this.#wake();
  }

  /** Renews the lock of a queue no more. */
  drop(queue: MessageQueue): void {
    this.#leases.delete(queueKey(queue));
  }

  /** Lets the leases of a broker count only after it confirmed them again. */
  doubt(brokerName: string): void {
    for (const lease of this.#leases.values()) {
      if (lease.queue.brokerName !== brokerName) continue;
      lease.isConfirmed = false;
      lease.generation++;
    }
    this.#wake();
  }

  /** Asks for no more locks, and renews none. Those that are held count until they end. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the consumer closes"));
    this.#wake();
    await Promise.all(this.#served.values());
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  async #serve(brokerName: string): Promise<void> {
    const { clock } = this.#options, { signal } = this.#stopping;
    const isServed = (lease: Lease) => lease.queue.brokerName === brokerName;
    while (!signal.aborted) {
      const { promise: changed } = this.#change, now = clock.monotonic();
      const leases = [...this.#leases.values()].filter(isServed);
      const due = leases.filter(({ isConfirmed, renewAt }) => !isConfirmed || now >= renewAt);
      if (due.length > 0) await this.#lock(brokerName, due);
      let next = RENEWAL;
      for (const lease of leases) {
        const left = lease.renewAt - clock.monotonic();
        next = Math.min(next, lease.isConfirmed ? left : RETRY_INTERVAL);
        if (lease.isHeld && clock.monotonic() >= lease.validUntil) {
          this.#lose(lease, "its lock could not be renewed in time");
        }
      }
      const waiting = new AbortController();
      await Promise.race([
        sleep(clock, Math.max(next, 10), AbortSignal.any([signal, waiting.signal])).catch(() => {}),
        changed,
      ]);
      waiting.abort();
    }
  }

  async #lock(brokerName: string, due: readonly Lease[]): Promise<void> {
    const { clock, logger, lock, onGained, onConfirmed } = this.#options;
    const sentAt = clock.monotonic();
    const generations = new Map(due.map((lease) => [lease, lease.generation]));
    let locked: ReadonlySet<string>;
    try {
      locked = new Set((await lock(brokerName, due.map(({ queue }) => queue))).map(queueKey));
    } catch (error) {
      logger.debug(`Cannot lock queues of broker "${brokerName}": ${describe(error)}`);
      for (const lease of due) lease.renewAt = clock.monotonic() + RETRY_INTERVAL;
      return;
    }
    for (const [lease, generation] of generations) {
      const { queue } = lease, key = queueKey(queue);
      if (this.#leases.get(key) !== lease || lease.generation !== generation) continue;
      if (!locked.has(key)) {
        lease.isConfirmed = false;
        if (lease.isHeld) this.#lose(lease, "another member of the group has locked it");
        continue;
      }
      const isNew = !lease.isHeld, wasInDoubt = !lease.isConfirmed;
      lease.isHeld = lease.isConfirmed = true;
      lease.validUntil = sentAt + VALIDITY;
      lease.renewAt = sentAt + RENEWAL;
      if (isNew) onGained(queue);
      else if (wasInDoubt) onConfirmed(queue);
    }
  }

  #lose(lease: Lease, reason: string): void {
    lease.isHeld = lease.isConfirmed = false;
    this.#options.onLost(lease.queue, reason);
  }
}
