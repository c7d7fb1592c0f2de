import { MessageProperty } from "../message/mod.ts";
import { type Attributes, errorType, SpanKind, type Telemetry } from "../telemetry.ts";
import { DELAY_PROPERTIES, type ReadMessage } from "./outgoing_message.ts";
import type { SendObservation, SendObserver, SendStart } from "./watch.ts";

/** Property that carries the context of a span. */
const TRACE_PARENT = "traceparent";

/** Makes a span and two measurements of each send, and puts the span's context into each message. */
export class SpanObserver implements SendObserver {
  readonly #telemetry: Telemetry;
  readonly #clientId: () => string;
  readonly #duration;
  readonly #messages;

  constructor(telemetry: Telemetry, clientId: () => string) {
    this.#telemetry = telemetry;
    this.#clientId = clientId;
    this.#duration = operationDuration(telemetry);
    this.#messages = telemetry.counter(
      "messaging.client.sent.messages",
      "{message}",
      "Number of messages that a producer attempted to send",
    );
  }

  begin({ topic, producerGroup, parts, messageId, kind }: SendStart): SendObservation {
    const [{ properties }] = parts as [ReadMessage];
    const type = typeOf(properties);
    const operation: Attributes = {
      "messaging.system": "rocketmq",
      "messaging.destination.name": topic,
      "messaging.operation.name": type === "transaction" ? `send_${kind}` : "send",
      "messaging.operation.type": "send",
    };
    const isBatch = kind === "batch";
    const span = this.#telemetry.startSpan(`send ${topic}`, {
      kind: SpanKind.Producer,
      attributes: {
        ...operation,
        "messaging.client.id": this.#clientId(),
        "messaging.rocketmq.client_group": producerGroup,
        "messaging.message.id": messageId,
        "messaging.message.body.size": parts.reduce((sum, { body }) => sum + body.length, 0),
        "messaging.batch.message_count": isBatch ? parts.length : undefined,
        "messaging.rocketmq.message.type": type,
        "messaging.rocketmq.message.tag": isBatch ? undefined : properties[MessageProperty.Tags],
        "messaging.rocketmq.message.keys": isBatch ? undefined : properties[MessageProperty.Keys],
        "messaging.rocketmq.message.group": properties[MessageProperty.ShardingKey],
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
        this.#duration(duration / 1_000, { ...operation, ...where, ...failure });
        this.#messages(parts.length, { ...operation, ...where, ...failure });
        const queueId = receipt?.messageQueue.queueId;
        span.end({
          ...where,
          ...failure,
          "messaging.destination.partition.id": queueId === undefined ? undefined : `${queueId}`,
          "messaging.rocketmq.send_status": receipt?.sendStatus,
        }, error);
      },
    };
  }
}

/** Returns the histogram of how long operations take, in seconds. */
export function operationDuration(telemetry: Telemetry): ReturnType<Telemetry["histogram"]> {
  return telemetry.histogram(
    "messaging.client.operation.duration",
    "s",
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
