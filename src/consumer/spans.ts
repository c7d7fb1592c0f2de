import type { Clock } from "../clock.ts";
import { type Attributes, errorType, SpanKind, type Telemetry } from "../telemetry.ts";
import type { IncomingMessage } from "./incoming_message.ts";

/** Who consumes. */
interface SpanOwner {
  readonly clock: Clock;
  readonly group: string;
  clientId(): string;
}

/** Makes a span and two measurements of each call of a handler. Its trace is that of the message. */
export class ConsumerSpans {
  readonly #telemetry: Telemetry;
  readonly #owner: SpanOwner;
  readonly #duration;
  readonly #messages;

  constructor(telemetry: Telemetry, owner: SpanOwner) {
    this.#telemetry = telemetry;
    this.#owner = owner;
    this.#duration = telemetry.durations(
      "messaging.process.duration",
      "Duration of the processing of messages",
    );
    this.#messages = telemetry.counter(
      "messaging.client.consumed.messages",
      "{message}",
      "Number of messages that were delivered to the application",
    );
  }

  /** Has a message handled within a span. */
  async handle(message: IncomingMessage, work: () => void | Promise<void>): Promise<void> {
    const { clock, group, clientId } = this.#owner, { topic, queue } = message;
    const operation: Attributes = {
      "messaging.system": "rocketmq",
      "messaging.destination.name": topic,
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.consumer.group.name": group,
    };
    const span = this.#telemetry.startSpan(`process ${topic}`, {
      kind: SpanKind.Consumer,
      parent: this.#telemetry.extract(message.properties),
      attributes: {
        ...operation,
        "messaging.client.id": clientId(),
        "messaging.message.id": message.uniqueKey,
        "messaging.message.body.size": message.body.length,
        "messaging.destination.partition.id": String(queue.queueId),
        "rocketmq.message.tag": message.tags,
        "rocketmq.message.keys": message.keys.length > 0 ? message.keys : undefined,
        "rocketmq.message.delivery_attempt": message.attempt,
      },
    });
    const begin = clock.monotonic();
    let error: unknown;
    try {
      await span.run(work);
    } catch (cause) {
      error = cause;
      throw cause;
    } finally {
      const failure = { "error.type": errorType(error) };
      this.#duration((clock.monotonic() - begin) / 1_000, { ...operation, ...failure });
      this.#messages(1, { ...operation, ...failure });
      span.end(failure, error);
    }
  }
}
