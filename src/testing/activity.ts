import { Broadcast } from "../broadcast.ts";
import type { Clock } from "../clock.ts";
import { MessageProperty } from "../message/mod.ts";
import type { EmbeddedBrokerEvent } from "./events.ts";
import { type Counters, newCounters } from "./stats.ts";

/** Events that wait for one who looks on, before the oldest are lost. */
const CAPACITY = 100_000;

/** An event without what is the same for all. */
export type NewEvent = EmbeddedBrokerEvent extends infer E
  ? E extends EmbeddedBrokerEvent ? Omit<E, "time" | "brokerName"> : never
  : never;

/** What happens in an embedded cluster: told to those who look on, and counted. */
export class Activity {
  /** The counters. */
  readonly counters: Counters = newCounters();
  readonly #clock: Clock;
  readonly #broadcast = new Broadcast<EmbeddedBrokerEvent>(CAPACITY);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tells of an event. */
  publish(brokerName: string, event: NewEvent): void {
    this.#count(event);
    if (!this.#broadcast.hasSubscribers) return;
    this.#broadcast.publish({ ...event, brokerName, time: this.#clock.now() });
  }

  /** The events from now on. */
  events(): AsyncIterableIterator<EmbeddedBrokerEvent> {
    return this.#broadcast.subscribe();
  }

  /** Ends all iterations. */
  end(): void {
    this.#broadcast.end();
  }

  #count(event: NewEvent): void {
    const { counters } = this;
    switch (event.type) {
      case "messageStored":
        counters.sends++;
        break;
      case "halfStored":
        counters.sends++;
        counters.halves++;
        break;
      case "verdict":
        if (event.verdict === "unknown") counters.unknowns++;
        else if (event.responseCode !== 0) counters.refusedVerdicts++;
        break;
      case "visible":
        counters.commits++;
        break;
      case "gone":
        counters.rollbacks++;
        break;
      case "checked":
        if (event.client === undefined) counters.missedChecks++;
        else counters.checks++;
        break;
      case "givenUp":
        counters.giveUps++;
    }
  }
}

/** What events say of a message. */
export function messageFacts(
  topic: string,
  properties: Readonly<Record<string, string>>,
): { topic: string; transactionId: string; keys: string[] } {
  return {
    topic,
    transactionId: properties[MessageProperty.UniqueKey] ?? "",
    keys: (properties[MessageProperty.Keys] ?? "").split(" ").filter((key) => key !== ""),
  };
}

/** What events say of a transaction, by the properties of its half message. */
export function transactionFacts(
  properties: Readonly<Record<string, string>>,
): { topic: string; transactionId: string; keys: string[]; producerGroup: string } {
  return {
    ...messageFacts(properties[MessageProperty.RealTopic] ?? "", properties),
    producerGroup: properties[MessageProperty.ProducerGroup] ?? "",
  };
}
