import { MessageProperty } from "../message/mod.ts";
import { type Attributes, errorType, SpanKind, type Telemetry } from "../telemetry.ts";
import { DELAY_PROPERTIES, type ReadMessage } from "./outgoing_message.ts";
import type { SendFacts, SendWatch, SendWatcher } from "./send_observation.ts";

/** The property under which the context of a trace travels. */
const TRACE_PARENT = "traceparent";

/** A span and two measurements for each send, and the span's context in each message. */
export class TelemetryWatcher implements SendWatcher {
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

  begin({ topic, producerGroup, parts, messageId, kind }: SendFacts): SendWatch {
    const operation: Attributes = {
      "messaging.system": "rocketmq",
      "messaging.destination.name": topic,
      "messaging.operation.name": kind === "half" ? "send_half" : "send",
      "messaging.operation.type": "send",
    };
    const [{ properties }] = parts as [ReadMessage];
    const isBatch = kind === "batch";
    const span = this.#telemetry.startSpan(`send ${topic}`, SpanKind.Producer, {
      ...operation,
      "messaging.client.id": this.#clientId(),
      "messaging.rocketmq.client_group": producerGroup,
      "messaging.message.id": messageId,
      "messaging.message.body.size": parts.reduce((sum, { body }) => sum + body.length, 0),
      "messaging.batch.message_count": isBatch ? parts.length : undefined,
      "messaging.rocketmq.message.type": typeOf(properties),
      "messaging.rocketmq.message.tag": isBatch ? undefined : properties[MessageProperty.Tags],
      "messaging.rocketmq.message.keys": isBatch ? undefined : properties[MessageProperty.Keys],
      "messaging.rocketmq.message.group": properties[MessageProperty.ShardingKey],
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

/** The histogram of how long things take, in seconds. */
export function operationDuration(telemetry: Telemetry): ReturnType<Telemetry["histogram"]> {
  return telemetry.histogram(
    "messaging.client.operation.duration",
    "s",
    "Duration of messaging operations of a client",
  );
}

/** A `host:port` as attributes. */
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
