import type { ClientNamespace } from "../access/mod.ts";
import { InvalidArgumentError, printable } from "../errors.ts";
import {
  createProperties,
  type DelayableMessage,
  encodeProperties,
  MessageProperty,
  SysFlag,
} from "../message/internal.ts";
import type { BodyCopies } from "./body_copies.ts";
import { RequestCode } from "../remoting/mod.ts";
import type { SendObservation } from "./send_observation.ts";
import { replyFactsOf } from "./reply_message.ts";
import { checkTopic } from "./validation.ts";

/** A message as it goes to the broker: checked, and cut loose from what the caller holds. */
export interface OutgoingMessage {
  /** Topic. */
  readonly topic: string;
  /** Body. */
  readonly body: Uint8Array;
  /** Whether the body is still memory of the caller, who may write to it once the call returns. */
  readonly isBorrowed?: boolean;
  /** The user's own flag. */
  readonly flag: number;
  /** The protocol's flag bits. */
  readonly sysFlag: number;
  /** All properties in wire form. */
  readonly properties: string;
  /** `UNIQ_KEY`: message id, and of a half message the transaction id. */
  readonly uniqueKey: string;
  /** Messages of one key go to one queue. */
  readonly shardingKey?: string | undefined;
  /** Whether a timer delivers it. */
  readonly timed?: boolean;
  /** Whether the body is a batch. */
  readonly batch?: boolean;
  /** Of a reply, which is passed on at once: the broker whose client waits for it. */
  readonly replyTo?: string | undefined;
  /** Those who look on at its send. */
  readonly observation?: SendObservation | undefined;
}

/** The code of the request that carries a message. */
export function codeOf({ replyTo, batch }: OutgoingMessage): RequestCode {
  if (replyTo !== undefined) return RequestCode.SEND_REPLY_MESSAGE_V2;
  return batch ? RequestCode.SEND_BATCH_MESSAGE : RequestCode.SEND_MESSAGE_V2;
}

/** A message as it was read, with its properties one by one. */
export type ReadMessage = Omit<OutgoingMessage, "properties"> & {
  /** All properties. */
  readonly properties: Record<string, string>;
};

/** What is added to the user's message. */
export interface OutgoingOptions {
  /** The producer group, for a half message. */
  producerGroup: string;
  /** Whether it is a half message. */
  transactional: boolean;
  /** Makes the unique key. */
  uniqueKey: () => string;
  /** Largest body in bytes. */
  maxMessageSize: number;
  /** Copies its body. */
  copies: BodyCopies;
  /** Those who look on at its send. */
  observation?: SendObservation | undefined;
  /** Whose names are used. */
  namespace?: ClientNamespace | undefined;
}

/** Properties that delay a message: half messages and batches can't carry them. */
export const DELAY_PROPERTIES: ReadonlySet<string> = new Set([
  MessageProperty.DelayTimeLevel,
  MessageProperty.TimerDelaySeconds,
  MessageProperty.TimerDelayMs,
  MessageProperty.TimerDeliverMs,
]);

/**
 * Most seconds of check immunity. Each check round that a half sits out costs it one of its 15
 * checks, a round is 30 s long, and two checks must be left to be asked at all.
 */
const MAX_CHECK_IMMUNITY = (15 - 2) * 30;

const encoder = new TextEncoder();

/**
 * Checks a message and makes what goes on the wire of it. The caller's object is read once and
 * never changed; the body is copied, so that it is sent as it is now.
 *
 * @param borrowFrom A body of so many bytes or more is not copied, but borrowed.
 * @throws {InvalidArgumentError} naming the field and what is allowed.
 */
export function prepareMessage(
  message: DelayableMessage,
  options: OutgoingOptions,
  borrowFrom?: number,
): OutgoingMessage {
  return encodeMessage(readMessage(message, options, borrowFrom), options);
}

/** Makes what goes on the wire of a message that was read, with what those who look on add to it. */
export function encodeMessage(read: ReadMessage, options: OutgoingOptions): OutgoingMessage {
  const observed = observeMessage(read, options);
  return { ...observed, properties: encodeProperties(observed.properties) };
}

/** The same message with memory of its own. */
export function ownBody(message: OutgoingMessage): OutgoingMessage {
  if (!message.isBorrowed) return message;
  return { ...message, body: new Uint8Array(message.body), isBorrowed: false };
}

/** Shows a message that was read to those who look on at its send, which begins now. */
export function observeMessage(read: ReadMessage, { observation }: OutgoingOptions): ReadMessage {
  if (!observation) return read;
  // What can't be carried is refused before anyone sees it.
  encodeProperties(read.properties);
  const [amended] = observation.begin(read.topic, read.uniqueKey, [read]) ?? [];
  return { ...read, properties: amended ?? read.properties, observation };
}

/** Checks and reads a message as {@linkcode prepareMessage} does. @throws {InvalidArgumentError} */
export function readMessage(
  message: DelayableMessage,
  options: OutgoingOptions,
  borrowFrom = Infinity,
): ReadMessage {
  if (message === null || typeof message !== "object") {
    throw new InvalidArgumentError("Cannot send message: it is not an object with topic and body");
  }
  const { topic, body, flag = 0, tags, keys, shardingKey, waitStoreMessageOk = true } = message;
  const { delayLevel, delay, deliverAt, priority, liteTopic } = message;
  const { namespace } = options;
  checkTopic(topic, namespace);
  const properties = copyProperties(topic, message.properties);
  if (typeof flag !== "number" || (flag | 0) !== flag) {
    throw refuse(topic, `flag ${printable(String(flag), 32)} is not a 32-bit integer`);
  }
  if (typeof waitStoreMessageOk !== "boolean") {
    throw refuse(topic, "waitStoreMessageOk is neither true nor false");
  }
  if (options.transactional) {
    if (delayLevel !== undefined || delay !== undefined || deliverAt !== undefined) {
      throw refuse(topic, "it has a delay, and a half message can't be delayed");
    }
    if (priority !== undefined) {
      throw refuse(topic, "it has a priority, which the broker drops from a half message");
    }
    if (liteTopic !== undefined) {
      throw refuse(topic, "it has a lite topic, where a half message would be visible at once");
    }
    checkTransactionalProperties(topic, properties);
  }
  const all = createProperties({
    tags,
    keys,
    properties,
    shardingKey,
    priority,
    liteTopic,
    delayLevel,
    delay,
    deliverAt,
  });
  const reply = options.transactional ? undefined : replyFactsOf(message);
  Object.assign(all, reply?.properties);
  if (namespace) {
    all[MessageProperty.InstanceId] = namespace.name;
    if (reply) namespace.exempt(topic);
  }
  const uniqueKey = options.uniqueKey();
  all[MessageProperty.UniqueKey] = uniqueKey;
  all[MessageProperty.WaitStoreMessageOk] = String(waitStoreMessageOk);
  if (options.transactional) {
    all[MessageProperty.TransactionPrepared] = "true";
    all[MessageProperty.ProducerGroup] = namespace?.wrap(options.producerGroup) ??
      options.producerGroup;
  }
  const bytes = readBody(topic, body, options);
  const isBorrowed = bytes === body && bytes.length >= borrowFrom;
  return {
    topic,
    body: bytes === body && !isBorrowed ? options.copies.copy(bytes) : bytes,
    isBorrowed,
    flag,
    sysFlag: options.transactional ? SysFlag.TransactionPrepared : 0,
    properties: all,
    uniqueKey,
    shardingKey,
    replyTo: reply?.home,
    timed: delay !== undefined || deliverAt !== undefined,
  };
}

function readBody(
  topic: string,
  body: unknown,
  { maxMessageSize: max }: OutgoingOptions,
): Uint8Array {
  let bytes: Uint8Array;
  if (typeof body === "string") bytes = encoder.encode(body);
  else if (!(body instanceof Uint8Array)) {
    throw refuse(topic, "its body is neither a Uint8Array nor a string");
  } else if (typeof SharedArrayBuffer !== "undefined" && body.buffer instanceof SharedArrayBuffer) {
    throw refuse(
      topic,
      "its body lies in shared memory, which may change while it is sent: copy it",
    );
  } else bytes = body;
  if (bytes.length === 0) {
    throw refuse(topic, "its body is empty (or its buffer was transferred), the broker takes none");
  }
  if (bytes.length > max) {
    throw refuse(topic, `its body has ${bytes.length} bytes, at most ${max} are allowed`);
  }
  return bytes;
}

/** The application's own properties, read once: what is checked is what is sent. */
function copyProperties(topic: string, properties: unknown): Record<string, string> {
  if (properties === undefined) return {};
  if (properties === null || typeof properties !== "object" || Array.isArray(properties)) {
    throw refuse(topic, "its properties are not an object of texts");
  }
  return { ...properties } as Record<string, string>;
}

/** What the broker would accept on a half message, and then treat in a way that nobody expects. */
export function checkTransactionalProperties(topic: string, own: Record<string, string>): void {
  for (const name of DELAY_PROPERTIES) {
    if (!Object.hasOwn(own, name)) continue;
    throw refuse(topic, `property "${name}" delays it, and a half message can't be delayed`);
  }
  if (Object.hasOwn(own, MessageProperty.InnerMultiDispatch)) {
    throw refuse(
      topic,
      `property "${MessageProperty.InnerMultiDispatch}" names queues where a half message would be ` +
        "visible at once",
    );
  }
  const immunity = own[MessageProperty.CheckImmunityTimeInSeconds];
  if (immunity === undefined) return;
  const seconds = /^\d{1,9}$/.test(immunity) ? Number(immunity) : 0;
  if (seconds >= 1 && seconds <= MAX_CHECK_IMMUNITY) return;
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
  return new InvalidArgumentError(`Cannot send message to topic "${topic}": ${reason}`, { topic });
}
