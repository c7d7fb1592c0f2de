import { InvalidArgumentError, printable } from "../errors.ts";

const NAME_END = "\u0001";
const VALUE_END = "\u0002";

/** The longest property string that a broker stores, in bytes. Its length is a signed 16-bit number. */
export const MAX_STORED_PROPERTIES_SIZE = 32767;

/**
 * The longest property string that a client sends, in bytes of UTF-8. It leaves 512 bytes for the
 * properties that the broker adds, to a half message more than once.
 */
export const MAX_PROPERTIES_SIZE = MAX_STORED_PROPERTIES_SIZE - 512;

/** Most bytes of UTF-8 for one unit of UTF-16. */
const MAX_BYTES_PER_UNIT = 3;

const encoder = new TextEncoder();

/**
 * Encodes properties as they travel: name, U+0001, value, U+0002, and so on. The form has no escapes.
 * What it can't carry unchanged is refused, because a value could otherwise set other properties.
 *
 * @throws {InvalidArgumentError} when a name or value is empty, blank or not text, or holds a control
 * character (U+0000 to U+001F) or a lone surrogate, or when the whole has more than
 * {@linkcode MAX_PROPERTIES_SIZE} bytes.
 *
 * @example
 * ```ts
 * import { decodeProperties, encodeProperties } from "@rocketmq-deno/client/message";
 * import { assertEquals } from "@std/assert";
 *
 * const text = encodeProperties({ region: "eu-west", attempt: "1" });
 * assertEquals(text, "region\u0001eu-west\u0002attempt\u00011\u0002");
 * assertEquals(decodeProperties(text), { region: "eu-west", attempt: "1" });
 * ```
 */
export function encodeProperties(properties: Record<string, string>): string {
  let text = "";
  for (const name of Object.keys(properties)) {
    const value = properties[name]!;
    checkProperty(name, value);
    text += name + NAME_END + value + VALUE_END;
  }
  if (text.length <= MAX_PROPERTIES_SIZE / MAX_BYTES_PER_UNIT) return text;
  const size = text.length > MAX_PROPERTIES_SIZE ? text.length : encoder.encode(text).length;
  if (size > MAX_PROPERTIES_SIZE) {
    throw new InvalidArgumentError(
      `Cannot encode properties: they would have ${
        size === text.length ? "at least " : ""
      }${size} bytes, at most ${MAX_PROPERTIES_SIZE} are allowed`,
    );
  }
  return text;
}

/**
 * Decodes a property string like the Java library: entries end at U+0002 (the last one may lack it),
 * and the first U+0001 ends the name. Entries with an empty name or value are dropped. If a name comes
 * twice, the last one counts. It never fails.
 */
export function decodeProperties(text: string): Record<string, string> {
  const properties: [name: string, value: string][] = [];
  let nameEnd = -1;
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = text.indexOf(VALUE_END, start);
    if (end < 0) end = text.length;
    if (nameEnd < start) {
      nameEnd = text.indexOf(NAME_END, start);
      if (nameEnd < 0) break;
    }
    if (nameEnd > start && nameEnd < end - 1) {
      properties.push([text.slice(start, nameEnd), text.slice(nameEnd + 1, end)]);
    }
  }
  // Unlike an assignment this takes "__proto__" for a name like any other.
  return Object.fromEntries(properties);
}

/** Rejects a property that can't be carried, or that would be lost on the way. @throws {InvalidArgumentError} */
export function checkProperty(name: string, value: string): void {
  checkText(name, "name", name);
  checkText(value, "value", name);
}

/**
 * Joins properties that were decoded before. Rejects only what would change their meaning, because a
 * broker has to keep what other clients sent.
 */
export function joinProperties(properties: Record<string, string>): string {
  let text = "";
  for (const [name, value] of Object.entries(properties)) {
    if (!name || !value || name.includes(NAME_END) || `${name}${value}`.includes(VALUE_END)) {
      throw refuse(name, "its name or value is empty or holds a separator");
    }
    text += name + NAME_END + value + VALUE_END;
  }
  return text;
}

function checkText(text: unknown, part: "name" | "value", name: string): void {
  if (typeof text !== "string") throw refuse(name, `its ${part} is not a string`);
  if (/^[!-~][ -~]*$/.test(text)) return;
  if (text.trim() === "") throw refuse(name, `its ${part} is empty or blank`);
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) < 0x20) {
      throw refuse(name, `its ${part} holds the control character ${codePoint(text, i)}`);
    }
  }
  if (!text.isWellFormed()) {
    throw refuse(name, `its ${part} holds a lone surrogate, which is not a character`);
  }
}

function codePoint(text: string, at: number): string {
  return `U+${text.charCodeAt(at).toString(16).toUpperCase().padStart(4, "0")}`;
}

function refuse(name: string, reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot encode property "${printable(name, 64)}": ${reason}`);
}

/**
 * Names of the properties that the system reads or writes, as they are on the wire. The source is
 * `MessageConst` of the Java library.
 */
export const MessageProperty = {
  /** Business keys, separated by one space. */
  Keys: "KEYS",
  /** The tag. */
  Tags: "TAGS",
  /** The id that the producer gave: message id and transaction id. */
  UniqueKey: "UNIQ_KEY",
  /** `true` while the producer wants to wait until the message is on disk and on the slave. */
  WaitStoreMessageOk: "WAIT",
  /** `true` on a half message, and on the message that its commit makes. */
  TransactionPrepared: "TRAN_MSG",
  /** The producer group whose members answer check-backs of a half message. */
  ProducerGroup: "PGROUP",
  /** The transaction id on a half message that the broker keeps. */
  TransactionId: "__transactionId__",
  /** Number of check-backs of a half message so far. */
  TransactionCheckTimes: "TRANSACTION_CHECK_TIMES",
  /** Seconds during which the broker does not check back on a half message. */
  CheckImmunityTimeInSeconds: "CHECK_IMMUNITY_TIME_IN_SECONDS",
  /** Queue offset of the first record of a half message that the broker has written again. */
  TransactionPreparedQueueOffset: "TRAN_PREPARED_QUEUE_OFFSET",
  /** Topic that a half, delayed or retried message is meant for. */
  RealTopic: "REAL_TOPIC",
  /** Queue that a half, delayed or retried message is meant for. */
  RealQueueId: "REAL_QID",
  /** Name of the cluster. */
  Cluster: "CLUSTER",
  /** Name of the broker's region. */
  Region: "MSG_REGION",
  /** `true` if the broker wants the message traced. */
  TraceSwitch: "TRACE_ON",
  /** The namespace of the producer. */
  InstanceId: "INSTANCE_ID",
  /** Delay level, 1 to 18. */
  DelayTimeLevel: "DELAY",
  /** Delay of a timer message in seconds. */
  TimerDelaySeconds: "TIMER_DELAY_SEC",
  /** Delay of a timer message in milliseconds. */
  TimerDelayMs: "TIMER_DELAY_MS",
  /** Time when a timer message is to be delivered, in milliseconds since 1970. */
  TimerDeliverMs: "TIMER_DELIVER_MS",
  /** Time when a timer message was due, in milliseconds since 1970. */
  TimerOutMs: "TIMER_OUT_MS",
  /** Id of the timer message that this one recalls. */
  TimerDeleteUniqueKey: "TIMER_DEL_UNIQKEY",
  /** Messages of one sharding key keep their order. */
  ShardingKey: "__SHARDINGKEY",
  /** Priority of the message. */
  Priority: "_SYS_MSG_PRIORITY_",
  /** Name of the lite topic. */
  LiteTopic: "__LITE_TOPIC",
  /** Names of further queues that the broker puts the message into. */
  InnerMultiDispatch: "INNER_MULTI_DISPATCH",
  /** Topic that a retried message came from. */
  RetryTopic: "RETRY_TOPIC",
  /** Number of times that a retried message was returned. */
  ReconsumeTime: "RECONSUME_TIME",
  /** Number of times that a message may be returned. */
  MaxReconsumeTimes: "MAX_RECONSUME_TIMES",
  /** Smallest offset of the queue when the message was read. */
  MinOffset: "MIN_OFFSET",
  /** Largest offset of the queue when the message was read. */
  MaxOffset: "MAX_OFFSET",
  /** Connects a reply with its request. */
  CorrelationId: "CORRELATION_ID",
  /** Client that a reply goes to. */
  ReplyToClient: "REPLY_TO_CLIENT",
  /** Milliseconds that the sender of a request waits. */
  MessageTtl: "TTL",
  /** Kind of the message: `reply` for a reply. */
  MessageType: "MSG_TYPE",
  /** Checksum over the record of a broker that writes one. */
  Crc32: "__CRC32#",
} as const;

/** One of the names in {@linkcode MessageProperty}. */
export type MessageProperty = typeof MessageProperty[keyof typeof MessageProperty];

/**
 * The names that the Java library refuses for user properties (`MessageConst.STRING_HASH_SET`), and two
 * more by which a sender could change how the broker counts the checks of a transaction.
 */
const RESERVED: ReadonlySet<string> = new Set([
  "1ST_POP_TIME",
  "ARRIVE_TIME",
  "BORN_TIMESTAMP",
  "BUYER_ID",
  "CLUSTER",
  "CONSUME_START_TIME",
  "CORRECTION_FLAG",
  "CORRELATION_ID",
  "DELAY",
  "DLQ_ORIGIN_MESSAGE_ID",
  "DLQ_ORIGIN_TOPIC",
  "DUP_INFO",
  "EXTEND_UNIQ_INFO",
  "INNER_MULTI_QUEUE_OFFSET",
  "INSTANCE_ID",
  "KEYS",
  "MAX_OFFSET",
  "MAX_RECONSUME_TIMES",
  "MIN_OFFSET",
  "MQ2_FLAG",
  "MSG_REGION",
  "MSG_TYPE",
  "ORIGIN_GROUP",
  "ORIGIN_MESSAGE_ID",
  "PGROUP",
  "POP_CK",
  "POP_CK_OFFSET",
  "PUSH_REPLY_TIME",
  "REAL_QID",
  "REAL_TOPIC",
  "RECONSUME_TIME",
  "REPLY_TO_CLIENT",
  "RETRY_TOPIC",
  "TAGS",
  "TIMER_DELAY_LEVEL",
  "TIMER_DELAY_MS",
  "TIMER_DELAY_SEC",
  "TIMER_DELIVER_MS",
  "TIMER_DEL_UNIQKEY",
  "TIMER_DEQUEUE_MS",
  "TIMER_ENQUEUE_MS",
  "TIMER_OUT_MS",
  "TIMER_ROLL_TIMES",
  "TRACE_ON",
  "TRANSFER_FLAG",
  "TRAN_MSG",
  "TRAN_PREPARED_QUEUE_OFFSET",
  "TTL",
  "UNIQ_KEY",
  "WAIT",
  "_SYS_MSG_PRIORITY_",
  "__BORNHOST",
  "__CRC32#",
  "__LITE_TOPIC",
  MessageProperty.TransactionId,
  MessageProperty.TransactionCheckTimes,
]);

/**
 * Reports whether the system reserves this property name, so an application may not set it. These are
 * the names that the Java library refuses, and `__transactionId__` and `TRANSACTION_CHECK_TIMES`, which
 * it accepts.
 */
export function isReservedProperty(name: string): boolean {
  return RESERVED.has(name);
}
