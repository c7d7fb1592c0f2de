import { Broadcast } from "../../src/broadcast.ts";
import type { EmbeddedBrokerEvent, InspectedBroker } from "../../src/testing/mod.ts";

/** Facts of a transaction in these tests. */
const FACTS = { brokerName: "broker-a", topic: "orders", producerGroup: "shop" };

/** A broker that has no messages and says what a test wants it to say. */
export class ScriptedBrokerSource implements InspectedBroker {
  readonly nameServer = "127.0.0.1:9876";
  /** How often it was told to ask back. */
  checks = 0;
  readonly #events = new Broadcast<EmbeddedBrokerEvent>();

  /** Whether somebody listens to it. */
  get isWatched(): boolean {
    return this.#events.hasSubscribers;
  }

  events(): AsyncIterableIterator<EmbeddedBrokerEvent> {
    return this.#events.subscribe();
  }

  halfMessages(): Promise<[]> {
    return Promise.resolve([]);
  }

  messageOf(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  checkNow(): number {
    return ++this.checks;
  }

  /** Tells that a half message was stored. */
  stores(transactionId: string, { time = 1_000, keys = ["key"] } = {}): void {
    this.#events.publish({ type: "halfStored", time, transactionId, ...FACTS, keys });
  }

  /** Tells that a message was committed. */
  commits(transactionId: string, time = 1_005): void {
    this.#events.publish({
      ...{ type: "visible", time, transactionId, ...FACTS, keys: [] },
      ...{ queueId: 0, queueOffset: 0n },
    });
  }
}
