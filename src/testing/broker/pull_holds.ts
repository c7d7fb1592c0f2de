import type { Clock } from "../../clock.ts";
import type { ServerConnection } from "../net/server_connection.ts";

/** A pull that waits. */
interface Hold {
  readonly connection: ServerConnection;
  matches(tagCode: number): boolean;
  end(): void;
}

/**
 * The pulls that found nothing and wait for a message. They are woken as soon as one comes and
 * answered when their time is up; a real broker looks at the time every five seconds only.
 */
export class PullHolds {
  readonly #clock: Clock;
  readonly #holds = new Map<string, Set<Hold>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when a message has come whose tag `matches`, or after `timeout` milliseconds. */
  wait(options: {
    topic: string;
    queueId: number;
    connection: ServerConnection;
    timeout: number;
    matches(tagCode: number): boolean;
  }): Promise<void> {
    const { topic, queueId, connection, timeout, matches } = options;
    const key = keyOf(topic, queueId);
    const holds = this.#holds.get(key) ?? new Set();
    this.#holds.set(key, holds);
    const { promise, resolve } = Promise.withResolvers<void>();
    const hold: Hold = {
      connection,
      matches,
      end: () => {
        this.#clock.clearTimer(timer);
        holds.delete(hold);
        if (holds.size === 0 && this.#holds.get(key) === holds) this.#holds.delete(key);
        resolve();
      },
    };
    const timer = this.#clock.setTimer(hold.end, timeout);
    holds.add(hold);
    return promise;
  }

  /** Wakes the pulls that wait for a message of a queue. */
  notify(topic: string, queueId: number, tagCode: number): void {
    for (const hold of [...this.#holds.get(keyOf(topic, queueId)) ?? []]) {
      if (hold.matches(tagCode)) hold.end();
    }
  }

  /** Drops the pulls of a connection that is over. */
  forget(connection: ServerConnection): void {
    for (const holds of [...this.#holds.values()]) {
      for (const hold of [...holds]) if (hold.connection === connection) hold.end();
    }
  }
}

function keyOf(topic: string, queueId: number): string {
  return `${topic}@${queueId}`;
}
