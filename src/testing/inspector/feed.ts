import type { Clock } from "../../clock.ts";
import { MessageProperty } from "../../message/mod.ts";
import type { TransactionEvent } from "../../transaction/mod.ts";
import { brokerFacts } from "./broker_steps.ts";
import { producerFacts } from "./producer_steps.ts";
import type { InspectedBroker, InspectedProducer } from "./source.ts";
import type { TransactionLog } from "./transaction_log.ts";

/** Stops listening to a source. */
export type StopFeed = () => Promise<void>;

/** Notes all that an embedded broker tells, and the half messages that it holds already. */
export function feedFromBroker(
  broker: InspectedBroker,
  log: TransactionLog,
  clock: Clock,
): StopFeed {
  const stop = follow(broker.events(), (event) => {
    const facts = brokerFacts(event);
    if (facts) log.add(facts, clock.now());
  });
  const seeding = noteHeld(broker, log, clock);
  return async () => {
    await stop();
    await seeding;
  };
}

/** Notes all that a producer tells. */
export function feedFromProducer(
  producer: InspectedProducer,
  log: TransactionLog,
  clock: Clock,
): StopFeed {
  return follow(producer.events(), (event) => {
    const now = clock.now();
    const facts = producerFacts(event as TransactionEvent, now);
    if (facts) log.add(facts, now);
  });
}

/** Half messages from before the inspector: of a broker that kept its store, or runs for longer. */
async function noteHeld(broker: InspectedBroker, log: TransactionLog, clock: Clock): Promise<void> {
  for (const { topic, keys, brokerName, storeTimestamp, properties } of await held(broker)) {
    const id = properties[MessageProperty.UniqueKey] ?? "";
    if (log.has(id)) continue;
    log.add({
      ...{ id, topic, keys, broker: brokerName ?? "" },
      group: properties[MessageProperty.ProducerGroup] ?? "",
      begins: true,
      checks: Number(properties[MessageProperty.TransactionCheckTimes] ?? 0),
      step: {
        at: storeTimestamp,
        origin: "broker",
        title: "Half message found",
        detail: "Stored before the inspector looked on",
        tone: "plain",
        isEffect: false,
      },
    }, clock.now());
  }
}

async function held(broker: InspectedBroker): ReturnType<InspectedBroker["halfMessages"]> {
  try {
    return await broker.halfMessages();
  } catch {
    return []; // A broker that ends meanwhile holds none.
  }
}

function follow<T>(events: AsyncIterable<T>, take: (event: T) => void): StopFeed {
  const iterator = events[Symbol.asyncIterator]();
  const read = async () => {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      take(next.value);
    }
  };
  const reading = read();
  return async () => {
    await iterator.return?.();
    await reading;
  };
}
