import type { MessageQueue } from "../message/mod.ts";

const NONE: ReadonlySet<string> = new Set();

/**
 * Takes the queues of one topic in turn, from a random start, so that many producers that start
 * together do not all begin with the same queue. Each topic needs a selector of its own.
 */
export class QueueSelector {
  #next: number;

  /** `random` gives a number in [0, 1) and is asked once. */
  constructor(random: () => number) {
    this.#next = Math.floor(random() * 2 ** 31);
  }

  /**
   * The next queue, if possible of a broker that is not in `avoid`; undefined when there is none
   * at all. `queues` may be another list each time.
   */
  select(
    queues: readonly MessageQueue[],
    avoid: ReadonlySet<string> = NONE,
  ): MessageQueue | undefined {
    const count = queues.length;
    for (let step = 0; step < count; step++) {
      const queue = queues[(this.#next + step) % count]!;
      if (!avoid.has(queue.brokerName)) {
        this.#next = (this.#next + step) % count + 1;
        return queue;
      }
    }
    return count === 0 ? undefined : queues[this.#next++ % count];
  }
}
