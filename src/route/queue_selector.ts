import type { MessageQueue } from "../message/mod.ts";

const NONE: ReadonlySet<string> = new Set();

/**
 * Takes the queues of one topic in turn, from a random start, so that many producers that start
 * together do not all begin with the same queue. Each topic needs a selector of its own.
 */
export class QueueSelector {
  readonly #start: number;
  #next: number | undefined;

  /** `random` gives a number in [0, 1) and is asked once. */
  constructor(random: () => number) {
    this.#start = random();
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
    const first = (this.#next ?? Math.floor(this.#start * count)) % count;
    for (let step = 0; step < count; step++) {
      const at = (first + step) % count;
      if (!avoid.has(queues[at]!.brokerName)) return this.#take(queues, at);
    }
    return count === 0 ? undefined : this.#take(queues, first);
  }

  #take(queues: readonly MessageQueue[], at: number): MessageQueue {
    this.#next = at + 1;
    return queues[at]!;
  }
}
