/** The kinds of messages, by the numbers of the official encoding. */
export const TracedMessageType = { Normal: 0, Transaction: 1, Commit: 2, Delayed: 3 } as const;

/** One of {@linkcode TracedMessageType}. */
export type TracedMessageType = typeof TracedMessageType[keyof typeof TracedMessageType];

/** The fields of every trace. */
interface TraceFacts {
  /** When it happened, in milliseconds since 1970. */
  readonly timestamp: number;
  /** Region of the broker. */
  readonly regionId: string;
  /** The producer group. */
  readonly producerGroup: string;
  /** Topic of the message. */
  readonly topic: string;
  /** The id that its producer gave. */
  readonly messageId: string;
}

/** The fields of a trace of a message. */
interface MessageFacts extends TraceFacts {
  /** Its tag. */
  readonly tags: string | undefined;
  /** Its keys, one space between. */
  readonly keys: string | undefined;
  /** `host:port` of its broker. */
  readonly brokerAddress: string | undefined;
}

/** A message that was sent. */
export interface PubTrace extends MessageFacts {
  /** Kind of trace. */
  readonly type: "Pub";
  /** Bytes of the body as it was sent. */
  readonly bodySize: number;
  /** Duration of the send, in milliseconds. */
  readonly duration: number;
  /** Kind of the message. */
  readonly messageType: TracedMessageType;
  /** Id of the place where it is stored. */
  readonly offsetMessageId: string;
  /** `true` if it was stored as safely as the broker was set up for. */
  readonly success: boolean;
}

/** An END_TRANSACTION request that was sent. */
export interface EndTransactionTrace extends MessageFacts {
  /** Kind of trace. */
  readonly type: "EndTransaction";
  /** Id of the transaction. */
  readonly transactionId: string;
  /** What it said. */
  readonly state: "COMMIT" | "ROLLBACK" | "UNKNOWN";
  /** `true` if it answers a check-back. */
  readonly fromCheck: boolean;
}

/** A message that was recalled. */
export interface RecallTrace extends TraceFacts {
  /** Kind of trace. */
  readonly type: "Recall";
  /** `true` if its broker agreed. */
  readonly success: boolean;
}

/** Something that is traced. */
export type Trace = PubTrace | EndTransactionTrace | RecallTrace;

/*
  The official encoding (TraceDataEncoder of the Java library): fields with U+0001 between them. Each
  trace ends with U+0002. What is missing is the word "null"

  Pub            = ms region group topic msgId tags keys brokerAddr bodyLength costMs msgType
                   offsetMsgId success
  EndTransaction = ms region group topic msgId tags keys brokerAddr 2 transactionId
                   COMMIT_MESSAGE|ROLLBACK_MESSAGE|UNKNOW fromCheck
  Recall         = ms region group topic msgId success
*/

const FIELD_END = "\u0001";
const TRACE_END = "\u0002";

/** Largest body of a trace message, in bytes. */
const MAX_TRACE_BODY_SIZE = 128_000;

/** Most bytes of the keys of a trace message: together with its other properties they must fit. */
const MAX_TRACE_KEYS_SIZE = 30_000;

const STATES = { COMMIT: "COMMIT_MESSAGE", ROLLBACK: "ROLLBACK_MESSAGE", UNKNOWN: "UNKNOW" };

/** Traces as one message carries them. */
export interface TraceMessage {
  /** The body. */
  readonly body: Uint8Array;
  /** Message ids and keys under which it can be found, one space between. */
  readonly keys: string;
  /** Number of traces in it. */
  readonly count: number;
}

const encoder = new TextEncoder();

/** Encodes one trace. */
export function encodeTrace(trace: Trace): string {
  const { type, timestamp, regionId, producerGroup, topic, messageId } = trace;
  const fields: (string | number | boolean | undefined)[] = [
    type,
    timestamp,
    regionId,
    producerGroup,
    topic,
    messageId,
  ];
  if (type === "Recall") fields.push(trace.success);
  else {
    fields.push(trace.tags, trace.keys, trace.brokerAddress);
    if (type === "Pub") {
      const { bodySize, duration, messageType, offsetMessageId, success } = trace;
      fields.push(bodySize, duration, messageType, offsetMessageId, success);
    } else fields.push(2, trace.transactionId, STATES[trace.state], trace.fromCheck);
  }
  return fields.map(encodeField).join(FIELD_END) + TRACE_END;
}

/**
 * Packs traces into messages, those of one topic together like the Java client. No message is larger
 * than a broker takes.
 */
export function packTraces(traces: readonly Trace[]): TraceMessage[] {
  return [...Map.groupBy(traces, ({ topic }) => topic).values()].flatMap(packTopic);
}

function packTopic(traces: readonly Trace[]): TraceMessage[] {
  const messages: TraceMessage[] = [];
  let data = "", dataSize = 0, keys = new Set<string>(), keysSize = 0, count = 0;
  const finish = () => {
    if (count > 0) messages.push({ body: encoder.encode(data), keys: [...keys].join(" "), count });
    data = "", dataSize = 0, keys = new Set(), keysSize = 0, count = 0;
  };
  for (const trace of traces) {
    const text = encodeTrace(trace), size = sizeOf(text);
    const ownKeys = keysOf(trace), ownKeysSize = sizeOf(ownKeys.join(" ")) + 1;
    if (dataSize + size > MAX_TRACE_BODY_SIZE || keysSize + ownKeysSize > MAX_TRACE_KEYS_SIZE) {
      finish();
    }
    data += text;
    dataSize += size;
    for (const key of ownKeys) keys.add(key);
    keysSize += ownKeysSize;
    count++;
  }
  finish();
  return messages;
}

/** Returns the id and the keys of a message, or only the id if the keys are too long. */
function keysOf(trace: Trace): string[] {
  const { messageId } = trace;
  const keys = trace.type === "Recall" ? undefined : trace.keys;
  if (!keys || sizeOf(keys) > MAX_TRACE_KEYS_SIZE - 64) return [messageId];
  return [messageId, ...keys.split(" ").filter((key) => key !== "")];
}

/** Writes a value so that it can't end its field early, whatever a server said. */
function encodeField(value: string | number | boolean | undefined): string {
  return String(value ?? "null").replaceAll(FIELD_END, "?").replaceAll(TRACE_END, "?");
}

function sizeOf(text: string): number {
  return encoder.encode(text).length;
}
