import { setImmediate } from "node:timers";

/** Something that is to happen. */
export interface Scheduled {
  /** When, in virtual milliseconds. */
  readonly at: number;
  /** Set to leave it out. */
  cancelled: boolean;
}

interface Entry extends Scheduled {
  readonly order: number;
  readonly run: () => void;
  /** Whether it reaches code of the client, whose promises have to settle before the next event. */
  readonly reachesClient: boolean;
}

/** Virtual time: a heap of events, of which those of one moment happen in the order of their making. */
export class Scheduler {
  readonly #heap: Entry[] = [];
  #now = 0;
  #order = 0;
  #executed = 0;

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  /** How many events have happened: a finer order than time. */
  get executed(): number {
    return this.#executed;
  }

  /** Lets something happen inside of a server or of the network, where no promise is involved. */
  after(delay: number, run: () => void): Scheduled {
    return this.#add(delay, run, false);
  }

  /** Lets something happen to a client; what that sets off ends before the next event. */
  wake(delay: number, run: () => void): Scheduled {
    return this.#add(delay, run, true);
  }

  /** Runs all events up to a moment. @throws {Error} when there are more than `limit`. */
  async run(until: number, limit = 400_000): Promise<void> {
    await drain();
    for (;;) {
      const next = this.#heap[0];
      if (!next || next.at > until) break;
      this.#removeFirst();
      if (next.cancelled) continue;
      this.#now = next.at;
      if (++this.#executed > limit) throw new Error(`More than ${limit} events: a loop?`);
      next.run();
      if (next.reachesClient) await drain();
    }
    this.#now = until;
  }

  #add(delay: number, run: () => void, reachesClient: boolean): Scheduled {
    const at = this.#now + Math.max(0, delay);
    const entry: Entry = { at, run, reachesClient, order: this.#order++, cancelled: false };
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
    return entry;
  }

  #removeFirst(): void {
    const heap = this.#heap, last = heap.pop()!;
    const size = heap.length;
    if (size === 0) return;
    let index = 0;
    for (let child = 1; child < size; child = 2 * index + 1) {
      if (child + 1 < size && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Lets every promise settle that waits for nothing but other promises. */
function drain(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
