import { checkNames } from "../checks.ts";
import type { ClientInstance, ClientSettings } from "../client/mod.ts";
import { Deadline } from "../clock.ts";
import { InvalidArgumentError } from "../errors.ts";
import { MessageProperty } from "../message/mod.ts";
import { TraceDispatcher, TracedMessageType, type TraceMessage } from "../trace/mod.ts";
import { DELAY_PROPERTIES, encodeMessage, type ReadMessage } from "./outgoing_message.ts";
import { resolveRetryPolicy } from "./send_policy.ts";
import { Sender } from "./sender.ts";
import { checkTopic } from "./validation.ts";
import type { SendObservation, SendObserver, SendStart } from "./watch.ts";

/** Says whether and where messages are traced. */
export type MessageTraceOption = boolean | {
  /**
   * The topic that traces go to.
   *
   * @default {"RMQ_SYS_TRACE_TOPIC"}
   */
  topic?: string;
};

const MESSAGE_TRACE_OPTIONS: ReadonlySet<string> = new Set(["topic"]);

/** Names the topic of the system that only traces go to. */
const DEFAULT_TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC";

/** Milliseconds for a message with traces. */
const SEND_TIMEOUT = 5_000;

const POLICY = resolveRetryPolicy({ retries: 2, retryCodes: [] });

/** Returns the topic of traces; undefined when nothing is traced. @throws {InvalidArgumentError} */
export function checkMessageTrace(option: MessageTraceOption | undefined): string | undefined {
  if (option === undefined || option === false) return undefined;
  if (option === true) return DEFAULT_TRACE_TOPIC;
  if (typeof option !== "object" || option === null) {
    throw new InvalidArgumentError(
      "Cannot use option messageTrace: it must be true, false, or an object with a topic",
    );
  }
  checkNames(option, MESSAGE_TRACE_OPTIONS, "messageTrace option");
  const { topic = DEFAULT_TRACE_TOPIC } = option;
  if (topic !== DEFAULT_TRACE_TOPIC) checkTopic(topic);
  return topic;
}

/**
 * Makes what sends traces: over the connections of the producer, but under a group name of their own
 * like those of the Java client. They pass neither the gate nor the watch of other messages, so they are
 * neither counted nor traced.
 */
export function createTraceDispatcher(
  client: ClientInstance,
  { clock, logger }: ClientSettings,
  { producerGroup, topic, uniqueKey }: {
    producerGroup: string;
    topic: string;
    uniqueKey: () => string;
  },
): TraceDispatcher {
  const ownGroup = `_INNER_TRACE_PRODUCER-${producerGroup}-PRODUCE-1`;
  const sender = new Sender({ client, clock, producerGroup: ownGroup });
  const send = ({ body, keys }: TraceMessage) => {
    const id = uniqueKey();
    const properties = {
      [MessageProperty.Keys]: keys,
      [MessageProperty.UniqueKey]: id,
      [MessageProperty.WaitStoreMessageOk]: "true",
    };
    const message = { topic, body, flag: 0, sysFlag: 0, properties, uniqueKey: id };
    const bounds = { deadline: new Deadline(clock, SEND_TIMEOUT) };
    return sender.send(encodeMessage(message), bounds, POLICY);
  };
  return new TraceDispatcher({ send, clock, logger });
}

/** Traces every message that a broker has stored and wants traced. */
export class TraceObserver implements SendObserver {
  readonly #traces: TraceDispatcher;
  readonly #traceTopic: string;

  constructor(traces: TraceDispatcher, traceTopic: string) {
    this.#traces = traces;
    this.#traceTopic = traceTopic;
  }

  begin({ kind, topic, producerGroup, parts, timestamp }: SendStart): SendObservation | undefined {
    if (topic === this.#traceTopic) return undefined;
    return {
      end: ({ duration, receipt }) => {
        if (!receipt?.regionId || !receipt.traceOn) return;
        for (const [index, part] of parts.entries()) {
          const { uniqueKey, properties, body } = part;
          this.#traces.append({
            type: "Pub",
            timestamp,
            regionId: receipt.regionId,
            producerGroup,
            topic,
            messageId: uniqueKey,
            tags: properties[MessageProperty.Tags],
            keys: properties[MessageProperty.Keys],
            brokerAddress: receipt.connection.address,
            bodySize: kind === "batch" ? body.length : receipt.bodySize,
            duration: Math.round(duration),
            messageType: typeOf(part),
            offsetMessageId: receipt.offsetMessageIds[index] ?? receipt.offsetMessageId,
            success: receipt.sendStatus === "SEND_OK",
          });
        }
      },
    };
  }
}

function typeOf({ properties }: ReadMessage): TracedMessageType {
  for (const name of DELAY_PROPERTIES) {
    if (properties[name] !== undefined) return TracedMessageType.Delayed;
  }
  return properties[MessageProperty.TransactionPrepared] === undefined
    ? TracedMessageType.Normal
    : TracedMessageType.Transaction;
}
