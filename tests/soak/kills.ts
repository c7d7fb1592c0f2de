import { sleep, systemClock } from "../../src/clock.ts";
import type { RocketMQCluster } from "../support/cluster.ts";

/** Kills one broker after the other with SIGKILL and restarts it at once, until it is ended. */
export class Kills implements AsyncDisposable {
  readonly #cluster: RocketMQCluster;
  readonly #interval: number;
  readonly #running: Promise<void>;
  readonly #ending = Promise.withResolvers<void>();
  #count = 0;

  /** @param interval Milliseconds from one kill to the next; 0 for none. */
  constructor(cluster: RocketMQCluster, interval: number) {
    this.#cluster = cluster;
    this.#interval = interval;
    this.#running = interval === 0 ? Promise.resolve() : this.#killOn();
    this.#running.catch(() => {}); // the end tells
  }

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** Waits until the broker that was killed last is up again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.resolve();
    await this.#running;
  }

  async #killOn(): Promise<void> {
    const begin = performance.now();
    for (;;) {
      // A restart that takes longer than the interval puts off the next kill, not the ones after it.
      const round = Math.floor((performance.now() - begin) / this.#interval) + 1;
      if (await this.#endsBefore(begin + round * this.#interval)) return;
      const broker = this.#cluster.brokers[this.#count++ % this.#cluster.brokers.length]!;
      await broker.kill();
      await broker.start();
    }
  }

  async #endsBefore(time: number): Promise<boolean> {
    const waiting = new AbortController();
    const reached = sleep(systemClock, time - performance.now(), waiting.signal).then(() => false);
    reached.catch(() => {}); // it was given up
    try {
      return await Promise.race([reached, this.#ending.promise.then(() => true)]);
    } finally {
      waiting.abort();
    }
  }
}
