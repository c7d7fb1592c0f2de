import type { ClientNamespace } from "../access/mod.ts";
import { didYouMean } from "../checks.ts";
import { InvalidArgumentError, printable } from "../errors.ts";
import {
  createProperties,
  type DelayableMessage,
  encodeProperties,
  MessageProperty,
  SysFlag,
} from "../message/internal.ts";
import { RequestCode } from "../remoting/mod.ts";
import { copyOf } from "./body_copies.ts";
import { replyRouteOf } from "./reply_message.ts";
import { checkTopic } from "./validation.ts";

/** Holds a validated private copy of the caller's message. */
export interface ReadMessage {
  readonly topic: string;
  readonly body: Uint8Array;
  /** The application's own number. */
  readonly flag: number;
  /** The flag bits of the protocol. */
  readonly sysFlag: number;
  /** All properties, those of the system too. */
  readonly properties: Record<string, string>;
  /** `UNIQ_KEY`: the message id, and of a transactional message the transaction id. */
  readonly uniqueKey: string;
  /** Messages of one key go to one queue. */
  readonly shardingKey?: string | undefined;
  /** `true` if a timer delivers it. */
  readonly timed?: boolean;
  /** `host:port` of the broker whose client waits for this reply. */
  readonly replyTo?: string | undefined;
  /** Seconds for which a broker is not to check back about it. */
  readonly checkImmunity?: number | undefined;
}

/** A message that is ready to send. */
export interface OutgoingMessage extends ReadMessage {
  /** All properties in wire form. */
  readonly encodedProperties: string;
  /** The messages of a batch. */
  readonly parts?: readonly ReadMessage[];
}

/** Returns the code of the request that carries a message. */
export function codeOf({ replyTo, parts }: OutgoingMessage): RequestCode {
  if (replyTo !== undefined) return RequestCode.SEND_REPLY_MESSAGE_V2;
  return parts ? RequestCode.SEND_BATCH_MESSAGE : RequestCode.SEND_MESSAGE_V2;
}

/** Says what is added to the messages of a producer, and what they may be. */
export interface OutgoingOptions {
  readonly producerGroup: string;
  readonly uniqueKey: () => string;
  /** Most bytes of a body. */
  readonly maxMessageSize: number;
  readonly namespace?: ClientNamespace | undefined;
}

/** Properties that delay a message: transactional messages and batches can't carry them. */
export const DELAY_PROPERTIES: ReadonlySet<string> = new Set([
  MessageProperty.DelayTimeLevel,
  MessageProperty.TimerDelaySeconds,
  MessageProperty.TimerDelayMs,
  MessageProperty.TimerDeliverMs,
]);

/**
 * Most seconds of check immunity. A broker with default settings checks back 15 times, every 30 s; each
 * round that a message sits out counts as one of them, and two must be left.
 */
const MAX_CHECK_IMMUNITY = (15 - 2) * 30;

/** The fields of a message. A look at each is the cheapest check: a message has few. */
const FIELDS: Readonly<Record<string, true | undefined>> = Object.assign(
  Object.create(null),
  {
    topic: true,
    body: true,
    tags: true,
    keys: true,
    properties: true,
    flag: true,
    shardingKey: true,
    waitStoreMessageOk: true,
    delayLevel: true,
    delay: true,
    deliverAt: true,
    priority: true,
    liteTopic: true,
  } satisfies Record<keyof DelayableMessage, true>,
);

const encoder = new TextEncoder();

/**
 * Checks a message and makes of it what goes on the wire. The caller's object is read once and never
 * changed; its body is copied, so that it is sent as it is now.
 *
 * @throws {InvalidArgumentError} naming the field and what is allowed.
 */
export function prepareMessage(
  message: DelayableMessage,
  transactional: boolean,
  options: OutgoingOptions,
): OutgoingMessage {
  return encodeMessage(readMessage(message, transactional, options));
}

/** Makes a message ready to send. @throws {InvalidArgumentError} when its properties are too long. */
export function encodeMessage(message: ReadMessage): OutgoingMessage {
  const encodedProperties = encodeProperties(message.properties);
  return Object.assign(message, { encodedProperties });
}

/** Adds properties to a message that is ready to send. @throws {InvalidArgumentError} */
export function amendMessage(
  message: OutgoingMessage,
  properties: Record<string, string>,
): OutgoingMessage {
  const checkImmunity = properties[MessageProperty.TransactionPrepared] === undefined
    ? undefined
    : checkTransactionalProperties(message.topic, properties);
  const encodedProperties = encodeProperties(properties);
  return { ...message, properties, encodedProperties, checkImmunity };
}

/** Checks and reads a message as {@linkcode prepareMessage} does. @throws {InvalidArgumentError} */
export function readMessage(
  message: DelayableMessage,
  transactional: boolean,
  options: OutgoingOptions,
): ReadMessage {
  if (message === null || typeof message !== "object") {
    throw new InvalidArgumentError("Cannot send message: it is not an object with topic and body");
  }
  for (const name in message) if (FIELDS[name] !== true) refuseField(message, name);
  const { topic, body, flag = 0, tags, keys, shardingKey, waitStoreMessageOk = true } = message;
  const { delayLevel, delay, deliverAt, priority, liteTopic } = message;
  const { namespace } = options;
  checkTopic(topic, namespace);
  const own = copyProperties(topic, message.properties);
  if (typeof flag !== "number" || (flag | 0) !== flag) {
    throw refuse(topic, `flag ${printable(String(flag), 32)} is not a 32-bit integer`);
  }
  if (typeof waitStoreMessageOk !== "boolean") {
    throw refuse(topic, "waitStoreMessageOk is neither true nor false");
  }
  let checkImmunity: number | undefined;
  if (transactional) {
    if (delayLevel !== undefined || delay !== undefined || deliverAt !== undefined) {
      throw refuse(topic, "it has a delay, and a transactional message can't be delayed");
    }
    if (priority !== undefined) {
      throw refuse(topic, "it has a priority, which the broker drops from a transactional message");
    }
    if (liteTopic !== undefined) {
      throw refuse(topic, "it has a lite topic, where it would be visible before its commit");
    }
    checkImmunity = checkTransactionalProperties(topic, own);
  }
  const properties = createProperties({
    tags,
    keys,
    properties: own,
    shardingKey,
    priority,
    liteTopic,
    delayLevel,
    delay,
    deliverAt,
  });
  const reply = transactional ? undefined : replyRouteOf(message);
  if (reply) Object.assign(properties, reply.properties);
  if (namespace) {
    properties[MessageProperty.InstanceId] = namespace.name;
    if (reply) namespace.exempt(topic);
  }
  const uniqueKey = options.uniqueKey();
  properties[MessageProperty.UniqueKey] = uniqueKey;
  properties[MessageProperty.WaitStoreMessageOk] = String(waitStoreMessageOk);
  if (transactional) {
    properties[MessageProperty.TransactionPrepared] = "true";
    properties[MessageProperty.ProducerGroup] = namespace?.wrap(options.producerGroup) ??
      options.producerGroup;
  }
  return {
    topic,
    body: copyBody(topic, body, options.maxMessageSize),
    flag,
    sysFlag: transactional ? SysFlag.TransactionPrepared : 0,
    properties,
    uniqueKey,
    shardingKey,
    timed: delay !== undefined || deliverAt !== undefined,
    replyTo: reply?.home,
    checkImmunity,
  };
}

/** Refuses a field that no message has: it was misspelt. Objects of the application's classes may have others. */
function refuseField(message: DelayableMessage, name: string): void {
  const prototype = Object.getPrototypeOf(message);
  if (prototype !== Object.prototype && prototype !== null) return;
  const hint = didYouMean(name, new Set(Object.keys(FIELDS)));
  throw refuse(
    message.topic,
    `a message has no field ${printable(name, 64)}${hint || "; properties carry your own"}`,
  );
}

/** Checks a body, and returns memory that nobody else can change. */
function copyBody(topic: string, body: unknown, max: number): Uint8Array {
  const isText = typeof body === "string";
  const bytes = isText ? encoder.encode(body) : body;
  if (!(bytes instanceof Uint8Array)) {
    const hint = typeof body === "object" && body !== null ? ", use JSON.stringify()" : "";
    throw refuse(topic, `its body is neither a Uint8Array nor a string${hint}`);
  }
  const { buffer, length } = bytes;
  if (typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer) {
    throw refuse(
      topic,
      "its body lies in shared memory, which may change while it is sent: copy it",
    );
  }
  if (length === 0) {
    throw refuse(topic, "its body is empty (or its buffer was transferred), the broker takes none");
  }
  if (length > max) {
    throw refuse(topic, `its body has ${length} bytes, at most ${max} are allowed`);
  }
  return isText ? bytes : copyOf(bytes);
}

/** Reads the application's own properties once: what is checked is what is sent. */
function copyProperties(topic: string, properties: unknown): Record<string, string> {
  if (properties === undefined) return {};
  if (properties === null || typeof properties !== "object" || Array.isArray(properties)) {
    throw refuse(topic, "its properties are not an object of texts");
  }
  return { ...properties } as Record<string, string>;
}

/**
 * Refuses properties that a broker would accept on a transactional message, and then treat in a way
 * that nobody expects.
 *
 * @returns the seconds of check immunity, if it has any.
 * @throws {InvalidArgumentError}
 */
export function checkTransactionalProperties(
  topic: string,
  own: Readonly<Record<string, string>>,
): number | undefined {
  for (const name of DELAY_PROPERTIES) {
    if (!Object.hasOwn(own, name)) continue;
    throw refuse(
      topic,
      `property "${name}" delays it, and a transactional message can't be delayed`,
    );
  }
  if (Object.hasOwn(own, MessageProperty.InnerMultiDispatch)) {
    throw refuse(
      topic,
      `property "${MessageProperty.InnerMultiDispatch}" names queues where a transactional message ` +
        "would be visible before its commit",
    );
  }
  const immunity = own[MessageProperty.CheckImmunityTimeInSeconds];
  if (immunity === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(immunity) ? Number(immunity) : 0;
  if (seconds >= 1 && seconds <= MAX_CHECK_IMMUNITY) return seconds;
  throw refuse(
    topic,
    `property "${MessageProperty.CheckImmunityTimeInSeconds}" is "${
      printable(String(immunity), 32)
    }", ` +
      `whole seconds from 1 to ${MAX_CHECK_IMMUNITY} are allowed: each check round that it sits out ` +
      "costs one of its 15 checks",
  );
}

function refuse(topic: string, reason: string): InvalidArgumentError {
  const where = typeof topic === "string" ? `topic "${printable(topic, 128)}"` : "no topic";
  return new InvalidArgumentError(`Cannot send message to ${where}: ${reason}`, { topic });
}
