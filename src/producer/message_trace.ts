import { type ClientInstance, type ClientSettings, Deadline } from "../client/mod.ts";
import { InvalidArgumentError } from "../errors.ts";
import { encodeProperties, MessageProperty } from "../message/mod.ts";
import { TraceDispatcher, TracedMessageType, type TraceMessage } from "../trace/mod.ts";
import type { SendFacts, SendWatch, SendWatcher } from "./send_observation.ts";
import { DELAY_PROPERTIES } from "./outgoing_message.ts";
import { resolveRetryPolicy } from "./retry_policy.ts";
import { Sender } from "./sender.ts";
import { checkTopic } from "./validation.ts";

/** Whether and where messages are traced. */
export type MessageTraceOption = boolean | {
  /**
   * The topic that traces go to.
   *
   * @default {"RMQ_SYS_TRACE_TOPIC"}
   */
  topic?: string;
};

/** The topic of the system that only traces go to. */
const DEFAULT_TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC";

/** Milliseconds for a message with traces. */
const SEND_TIMEOUT = 5_000;

const RETRIES = resolveRetryPolicy({ retries: 2, retryCodes: [] });

/** The topic of traces; undefined when nothing is traced. @throws {InvalidArgumentError} */
export function checkMessageTrace(option: MessageTraceOption | undefined): string | undefined {
  if (option === undefined || option === false) return undefined;
  if (option === true) return DEFAULT_TRACE_TOPIC;
  if (typeof option !== "object" || option === null) {
    throw new InvalidArgumentError(
      "Cannot use option messageTrace: it must be true, false, or an object with a topic",
    );
  }
  const { topic = DEFAULT_TRACE_TOPIC } = option;
  if (topic !== DEFAULT_TRACE_TOPIC) checkTopic(topic);
  return topic;
}

/**
 * Traces go over the connections of the producer itself, under a group name of their own as those of
 * the Java client, and by no way that ordinary messages share: they are neither counted nor traced.
 */
export function createTraceDispatcher(
  client: ClientInstance,
  { clock, logger }: ClientSettings,
  producerGroup: string,
  topic: string,
  uniqueKey: () => string,
): TraceDispatcher {
  const sender = new Sender(client, clock, `_INNER_TRACE_PRODUCER-${producerGroup}-PRODUCE-1`);
  const send = ({ body, keys }: TraceMessage) => {
    const id = uniqueKey();
    const properties = encodeProperties({
      [MessageProperty.Keys]: keys,
      [MessageProperty.UniqueKey]: id,
      [MessageProperty.WaitStoreMessageOk]: "true",
    });
    const message = { topic, body, flag: 0, sysFlag: 0, properties, uniqueKey: id };
    const bounds = { deadline: new Deadline(clock, SEND_TIMEOUT) };
    return sender.sendWithRetries(message, bounds, RETRIES);
  };
  return new TraceDispatcher({ send, clock, logger });
}

/** Traces every message that a broker has stored and wants traced. */
export class TraceWatcher implements SendWatcher {
  readonly #traces: TraceDispatcher;
  readonly #traceTopic: string;

  constructor(traces: TraceDispatcher, traceTopic: string) {
    this.#traces = traces;
    this.#traceTopic = traceTopic;
  }

  begin({ kind, topic, producerGroup, parts, timestamp }: SendFacts): SendWatch | undefined {
    if (topic === this.#traceTopic) return undefined;
    return {
      end: ({ duration, receipt, bodySize }) => {
        if (!receipt?.regionId || !receipt.traceOn) return;
        for (const [index, { uniqueKey, properties, body }] of parts.entries()) {
          const isDelayed = [...DELAY_PROPERTIES].some((name) => properties[name] !== undefined);
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
            bodySize: kind === "batch" ? body.length : bodySize,
            duration: Math.round(duration),
            messageType: isDelayed
              ? TracedMessageType.Delayed
              : kind === "half"
              ? TracedMessageType.Half
              : TracedMessageType.Normal,
            offsetMessageId: receipt.offsetMessageIds[index] ?? receipt.offsetMessageId,
            success: receipt.sendStatus === "SEND_OK",
          });
        }
      },
    };
  }
}
