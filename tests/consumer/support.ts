import type { ConsumedMessage, ConsumerOptions } from "../../src/consumer/mod.ts";
import { Consumer } from "../../src/consumer/mod.ts";
import { Producer } from "../../src/producer/mod.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../src/testing/mod.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

export const TOPIC = "orders", GROUP = "warehouse";

/** An embedded broker in memory, a producer for it, and consumers of one group. */
export class Shop implements AsyncDisposable {
  readonly broker: EmbeddedBroker;
  readonly producer: Producer;
  readonly logger: RecordingLogger = new RecordingLogger();

  private constructor(broker: EmbeddedBroker, producer: Producer) {
    this.broker = broker;
    this.producer = producer;
  }

  static async open(options: EmbeddedBrokerOptions = {}): Promise<Shop> {
    const topics = [{ topic: TOPIC, queues: 2 }];
    const broker = await EmbeddedBroker.start({ listen: false, topics, ...options });
    const producer = new Producer({
      nameServers: broker.nameServer,
      dialer: broker.dialer,
      producerGroup: "shop",
      topics: [TOPIC],
    });
    await producer.start();
    return new Shop(broker, producer);
  }

  /** Sends messages with these bodies, in turn to the queues. */
  async send(bodies: readonly string[], more: { tags?: string; topic?: string } = {}) {
    for (const body of bodies) {
      await this.producer.send({ topic: TOPIC, body, ...more });
    }
  }

  /** Makes a consumer that is not started. */
  consumer(options: Partial<ConsumerOptions> = {}): Consumer {
    const { broker: { nameServer, dialer }, logger } = this;
    return new Consumer({
      ...{ nameServers: nameServer, dialer, logger },
      ...{ group: GROUP, subscriptions: { [TOPIC]: "*" }, ...options },
    });
  }

  async start(options: Partial<ConsumerOptions> = {}): Promise<Consumer> {
    const consumer = this.consumer(options);
    await consumer.start();
    return consumer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.producer.shutdown();
    await this.broker[Symbol.asyncDispose]();
  }
}

export function textOf({ body }: ConsumedMessage): string {
  return new TextDecoder().decode(body);
}

/** `["m0", "m1", …]` */
export function bodies(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `m${i}`);
}

/** Waits until something is so, or fails after some seconds. */
export async function until(what: string, isSo: () => boolean, timeout = 8_000): Promise<void> {
  const end = performance.now() + timeout;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Takes the next messages of a consumer, without settling them. */
export async function next(
  iterator: AsyncIterator<ConsumedMessage>,
  count: number,
): Promise<ConsumedMessage[]> {
  const messages: ConsumedMessage[] = [];
  while (messages.length < count) {
    const { value, done } = await iterator.next();
    if (done) break;
    messages.push(value);
  }
  return messages;
}
