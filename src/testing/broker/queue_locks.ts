/** How long a lock holds without being renewed, in milliseconds. */
const EXPIRY = 60_000;

/** A queue as lock requests name it. */
export interface LockedQueue {
  /** Name of its topic. */
  topic: string;
  /** Name of its broker. */
  brokerName: string;
  /** Its number. */
  queueId: number;
}

/** Which client of a group keeps a queue for itself, as consumers in order do. */
export class QueueLocks {
  readonly #locks = new Map<string, { clientId: string; renewedAt: number }>();

  /** Locks a queue, or renews the lock; false when another client has it. */
  lock(group: string, queue: LockedQueue, clientId: string, now: number): boolean {
    const key = keyOf(group, queue);
    const held = this.#locks.get(key);
    if (held && held.clientId !== clientId && now - held.renewedAt <= EXPIRY) return false;
    this.#locks.set(key, { clientId, renewedAt: now });
    return true;
  }

  /** Gives up a lock that this client has. */
  unlock(group: string, queue: LockedQueue, clientId: string): void {
    const key = keyOf(group, queue);
    if (this.#locks.get(key)?.clientId === clientId) this.#locks.delete(key);
  }

  /** Forgets all locks, as a broker does that ends. */
  clear(): void {
    this.#locks.clear();
  }
}

function keyOf(group: string, { topic, brokerName, queueId }: LockedQueue): string {
  return JSON.stringify([group, topic, brokerName, queueId]);
}
