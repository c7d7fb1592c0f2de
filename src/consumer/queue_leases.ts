import { type Clock, sleep } from "../clock.ts";
import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { CallBounds } from "./queue_calls.ts";
import { queueKey } from "./queue_key.ts";

/** Milliseconds for which a lock counts after it was asked for. Brokers keep it for 60 s. */
const VALIDITY = 45_000;

/** Milliseconds after which a lock is renewed. */
const RENEWAL = 15_000;

/** Milliseconds between two requests for queues that another member has. */
const RETRY_INTERVAL = 300;

/** Milliseconds for which a broker keeps a lock that is not renewed. */
const LOCK_LIFE = 60_000;

/** What leases need of the consumer. */
interface LeaseOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asks a broker for locks, and returns those that this client has. */
  lock(
    brokerName: string,
    queues: readonly MessageQueue[],
    bounds: CallBounds,
  ): Promise<MessageQueue[]>;
  /** Gives up locks. */
  unlock(brokerName: string, queues: readonly MessageQueue[], bounds: CallBounds): Promise<void>;
  /** Frees locks that dead members left. Returns `true` if there may have been any. */
  freeDead(brokerName: string, queues: readonly MessageQueue[]): Promise<boolean>;
  /** Called when this client got a queue that it did not have. */
  onGained(queue: MessageQueue): void;
  /** Called when it is not known any more whether this client has a queue. */
  onDoubted(queue: MessageQueue): void;
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
  /** Set when the lock is given up. Resolves when the broker has confirmed that, or forgot the lock. */
  release: { readonly done: PromiseWithResolvers<void>; readonly until: number } | undefined;
}

/**
 * Keeps which queues this client may work on: those whose lock the broker gave to it. Only one client of
 * a group has a queue. The lock lives in the memory of the broker. So it counts again only after the
 * broker confirmed it over the new connection. A broker that does not answer gives it to nobody else.
 * So a queue is lost only when the broker says that another client has it.
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

  /** Reports whether this client may begin messages of a queue and commit its offset now. */
  isValid(queue: MessageQueue): boolean {
    const lease = this.#leases.get(queueKey(queue));
    return lease !== undefined && lease.isHeld && lease.isConfirmed &&
      this.#options.clock.monotonic() < lease.validUntil;
  }

  /** Returns the queues that this client has, wants or is giving up. */
  queues(): MessageQueue[] {
    return Array.from(this.#leases.values(), ({ queue }) => queue);
  }

  /** Asks for the lock of a queue, and keeps it. A queue that is being given up has to be free first. */
  want(queue: MessageQueue): void {
    if (this.#leases.has(queueKey(queue)) || this.#stopping.signal.aborted) return;
    const none = { isHeld: false, isConfirmed: false, generation: 0, release: undefined };
    this.#leases.set(queueKey(queue), { queue, ...none, validUntil: 0, renewAt: 0 });
    if (!this.#served.has(queue.brokerName)) {
      this.#served.set(queue.brokerName, this.#serve(queue.brokerName));
    }
    this.#wake();
  }

  /**
   * Gives up the lock of a queue, also one that was asked for in vain: the answer may have been lost.
   * Resolves when the broker has confirmed it, or has forgotten the lock.
   */
  async release(queue: MessageQueue): Promise<void> {
    const lease = this.#leases.get(queueKey(queue));
    if (!lease) return;
    lease.isHeld = lease.isConfirmed = false;
    lease.renewAt = 0;
    lease.release ??= {
      done: Promise.withResolvers<void>(),
      until: this.#options.clock.monotonic() + LOCK_LIFE,
    };
    this.#wake();
    await lease.release.done.promise;
  }

  /** Lets the leases of a broker count only after it confirmed them again. */
  doubt(brokerName: string): void {
    for (const lease of this.#leases.values()) {
      if (lease.queue.brokerName === brokerName) this.#doubt(lease);
    }
    this.#wake();
  }

  /**
   * Ends everything: asks for no more locks, and gives up all of them.
   *
   * @param insist Repeats a request. Returns `false` if the broker confirmed none.
   * @returns the queues whose locks no broker confirmed to be free.
   */
  async close(
    insist: (unlock: (bounds: CallBounds) => Promise<void>) => Promise<boolean>,
  ): Promise<MessageQueue[]> {
    this.#stopping.abort(new Error("the consumer closes"));
    this.#wake();
    await Promise.all(this.#served.values());
    const byBroker = Map.groupBy(this.queues(), ({ brokerName }) => brokerName);
    const locked: MessageQueue[] = [];
    await Promise.all(Array.from(byBroker, async ([brokerName, queues]) => {
      const { unlock } = this.#options;
      const isFree = await insist((bounds) => unlock(brokerName, queues, bounds));
      if (!isFree) locked.push(...queues);
    }));
    for (const { release } of this.#leases.values()) release?.done.resolve();
    this.#leases.clear();
    return locked;
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  async #serve(brokerName: string): Promise<void> {
    const { clock } = this.#options, { signal } = this.#stopping;
    const leases = () =>
      [...this.#leases.values()].filter(({ queue }) => queue.brokerName === brokerName);
    while (!signal.aborted) {
      const { promise: changed } = this.#change;
      await this.#unlock(brokerName, leases().filter(({ release }) => release));
      const now = clock.monotonic();
      const due = leases().filter(({ release, isConfirmed, renewAt }) =>
        !release && (!isConfirmed || now >= renewAt)
      );
      if (due.length > 0 && !signal.aborted) await this.#lock(brokerName, due);
      let next = RENEWAL;
      for (const lease of leases()) {
        const left = lease.renewAt - clock.monotonic();
        next = Math.min(next, lease.isConfirmed ? left : RETRY_INTERVAL);
        if (lease.isConfirmed && clock.monotonic() >= lease.validUntil) this.#doubt(lease);
      }
      const waiting = new AbortController();
      await Promise.race([
        sleep(clock, Math.max(next, 10), AbortSignal.any([signal, waiting.signal])).catch(() => {}),
        changed,
      ]);
      waiting.abort();
    }
  }

  async #unlock(brokerName: string, leases: readonly Lease[]): Promise<void> {
    if (leases.length === 0) return;
    const { clock, logger, unlock } = this.#options;
    let isFree = true;
    try {
      await unlock(brokerName, leases.map(({ queue }) => queue), {});
    } catch (error) {
      logger.debug(`Cannot unlock queues of broker "${brokerName}": ${describe(error)}`);
      isFree = false;
    }
    const now = clock.monotonic();
    for (const lease of leases) {
      if (!isFree && now < lease.release!.until) continue;
      this.#leases.delete(queueKey(lease.queue));
      lease.release!.done.resolve();
    }
  }

  async #lock(brokerName: string, due: readonly Lease[]): Promise<void> {
    const { clock, logger, onGained, onConfirmed } = this.#options;
    const sentAt = clock.monotonic();
    const generations = new Map(due.map((lease) => [lease, lease.generation]));
    let locked: ReadonlySet<string>;
    try {
      locked = await this.#askForLocks(brokerName, due);
    } catch (error) {
      logger.debug(`Cannot lock queues of broker "${brokerName}": ${describe(error)}`);
      for (const lease of due) lease.renewAt = clock.monotonic() + RETRY_INTERVAL;
      return;
    }
    for (const [lease, generation] of generations) {
      const { queue } = lease;
      if (lease.release || lease.generation !== generation) continue;
      if (!locked.has(queueKey(queue))) {
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

  async #askForLocks(brokerName: string, due: readonly Lease[]): Promise<ReadonlySet<string>> {
    const { lock, freeDead } = this.#options, { signal } = this.#stopping;
    const ask = async (queues: readonly MessageQueue[]) =>
      (await lock(brokerName, queues, { signal })).map(queueKey);
    const locked = new Set(await ask(due.map(({ queue }) => queue)));
    const refused = due.filter(({ queue, isHeld }) => !isHeld && !locked.has(queueKey(queue)))
      .map(({ queue }) => queue);
    if (refused.length > 0 && await freeDead(brokerName, refused)) {
      for (const key of await ask(refused)) locked.add(key);
    }
    return locked;
  }

  #doubt(lease: Lease): void {
    lease.isConfirmed = false;
    lease.generation++;
    if (lease.isHeld) this.#options.onDoubted(lease.queue);
  }

  #lose(lease: Lease, reason: string): void {
    lease.isHeld = lease.isConfirmed = false;
    this.#options.onLost(lease.queue, reason);
  }
}
