import { MessageProperty } from "../message/mod.ts";
import {
  type Attributes,
  errorType,
  type Measure,
  SpanKind,
  type Telemetry,
} from "../telemetry.ts";
import { DELAY_PROPERTIES, type ReadMessage } from "./outgoing_message.ts";
import type { SendObservation, SendObserver, SendStart } from "./watch.ts";

/** Property that carries the context of a span. */
const TRACE_PARENT = "traceparent";

/** Makes a span and two measurements of each send, and puts the span's context into each message. */
export class SpanObserver implements SendObserver {
  readonly #telemetry: Telemetry;
  readonly #facts: () => Attributes;
  readonly #group: Attributes;
  readonly #duration;
  readonly #messages;

  /** @param facts Gives the attributes of every span. @param producerGroup Group of the producer. */
  constructor(telemetry: Telemetry, facts: () => Attributes, producerGroup: string) {
    this.#telemetry = telemetry;
    this.#facts = facts;
    this.#group = groupOf(producerGroup);
    this.#duration = operationDuration(telemetry);
    this.#messages = telemetry.counter(
      "messaging.client.sent.messages",
      "{message}",
      "Number of messages that a producer attempted to send",
    );
  }

  begin({ topic, parts, messageId, kind }: SendStart): SendObservation {
    const [{ properties }] = parts as [ReadMessage];
    const type = typeOf(properties), name = type === "transaction" ? `send_${kind}` : "send";
    const operation: Attributes = {
      "messaging.system": "rocketmq",
      "messaging.destination.name": topic,
      "messaging.operation.name": name,
      "messaging.operation.type": "send",
    };
    const measured = { ...operation, ...this.#group };
    const isBatch = kind === "batch";
    const level = properties[MessageProperty.DelayTimeLevel];
    const deliverAt = properties[MessageProperty.TimerDeliverMs];
    const span = this.#telemetry.startSpan(`${name} ${topic}`, {
      kind: SpanKind.Producer,
      attributes: {
        ...operation,
        ...this.#facts(),
        "messaging.message.id": messageId,
        "messaging.message.body.size": parts.reduce((sum, { body }) => sum + body.length, 0),
        "messaging.batch.message_count": isBatch ? parts.length : undefined,
        "rocketmq.message.type": type,
        "rocketmq.message.tag": isBatch ? undefined : properties[MessageProperty.Tags],
        "rocketmq.message.keys": isBatch ? undefined : properties[MessageProperty.Keys]?.split(" "),
        "rocketmq.message.group": properties[MessageProperty.ShardingKey],
        "rocketmq.message.delay_time_level": level === undefined ? undefined : Number(level),
        "rocketmq.message.delivery_timestamp": deliverAt === undefined
          ? undefined
          : Number(deliverAt),
      },
    });
    const carrier = this.#telemetry.inject(span.context);
    return {
      context: span.context,
      add: (own) => own[TRACE_PARENT] === undefined ? carrier : undefined,
      end: ({ duration, error, receipt }) => {
        const address = receipt?.connection.address ?? (error as { address?: string })?.address;
        const where = serverOf(address);
        const failure = { "error.type": errorType(error) };
        this.#duration(duration / 1_000, { ...measured, ...where, ...failure });
        this.#messages(parts.length, { ...measured, ...where, ...failure });
        const queueId = receipt?.messageQueue.queueId;
        span.end({
          ...where,
          ...failure,
          "messaging.destination.partition.id": queueId === undefined ? undefined : `${queueId}`,
          "rocketmq.send_status": receipt?.sendStatus,
        }, error);
      },
    };
  }
}

/** Returns the group of a producer as an attribute; the conventions have one for consumers only. */
export function groupOf(producerGroup: string): Attributes {
  return { "rocketmq.producer.group": producerGroup };
}

/** Returns the histogram of how long operations take, in seconds. */
export function operationDuration(telemetry: Telemetry): Measure {
  return telemetry.durations(
    "messaging.client.operation.duration",
    "Duration of messaging operations of a client",
  );
}

/** Turns a `host:port` into attributes. */
export function serverOf(address: string | undefined): Attributes {
  const match = address?.match(/^(.*):(\d+)$/);
  if (!match) return {};
  return { "server.address": match[1]!.replace(/^\[|\]$/g, ""), "server.port": Number(match[2]) };
}

function typeOf(properties: Readonly<Record<string, string>>): string {
  if (properties[MessageProperty.TransactionPrepared] !== undefined) return "transaction";
  if ([...DELAY_PROPERTIES].some((name) => properties[name] !== undefined)) return "delay";
  return properties[MessageProperty.ShardingKey] === undefined ? "normal" : "fifo";
}
