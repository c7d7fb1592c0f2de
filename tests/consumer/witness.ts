import { assertEquals } from "@std/assert";
import type { ConsumedMessage, MessageHandler } from "../../src/consumer/mod.ts";

/** What a witness saw. */
export interface Sightings {
  /** Messages that were delivered. */
  messages: number;
  /** Deliveries beyond the first one of each message. */
  extra: number;
  /** Deliveries that began while another member worked on the same queue. */
  twoOwners: number;
  /** Deliveries that began before one of a lower offset of the queue, or after a higher one. */
  outOfOrder: number;
}

/** Sees every delivery to every member of a group. */
export class Witness {
  /** Who was given each message, by unique key. */
  readonly deliveries = new Map<string, string[]>();
  readonly #working = new Map<string, Map<string, number>>();
  readonly #lastOffset = new Map<string, bigint>();
  #twoOwners = 0;
  #outOfOrder = 0;

  /** Makes a handler that takes `time` milliseconds. */
  handler(member: string, time: number, work?: MessageHandler): MessageHandler {
    return async (message) => {
      const end = this.begin(member, message);
      try {
        if (time > 0) await new Promise((resolve) => setTimeout(resolve, time));
        await work?.(message);
      } finally {
        end();
      }
    };
  }

  /** Notes that a member begins a message. Call what is returned when it has ended. */
  begin(member: string, { uniqueKey, queue, offset }: ConsumedMessage): () => void {
    const before = this.deliveries.get(uniqueKey) ?? [];
    this.deliveries.set(uniqueKey, [...before, member]);
    const key = `${queue.topic}@${queue.brokerName}@${queue.queueId}`;
    let working = this.#working.get(key);
    if (!working) this.#working.set(key, working = new Map());
    for (const [other, count] of working) if (other !== member && count > 0) this.#twoOwners++;
    working.set(member, (working.get(member) ?? 0) + 1);
    if (offset < (this.#lastOffset.get(key) ?? -1n)) this.#outOfOrder++;
    else this.#lastOffset.set(key, offset);
    return () => working.set(member, working.get(member)! - 1);
  }

  /** Messages that were delivered so far. */
  get size(): number {
    return this.deliveries.size;
  }

  sightings(): Sightings {
    const counts = Array.from(this.deliveries.values(), (members) => members.length);
    return {
      messages: counts.length,
      extra: counts.reduce((sum, count) => sum + count - 1, 0),
      twoOwners: this.#twoOwners,
      outOfOrder: this.#outOfOrder,
    };
  }

  /** Asserts that each of so many messages was delivered once, in order, by one owner at a time. */
  assertExact(messages: number): void {
    assertEquals(this.sightings(), { messages, extra: 0, twoOwners: 0, outOfOrder: 0 });
  }
}
