import { InvalidArgumentError, printable } from "../errors.ts";
import {
  createProperties,
  encodeProperties,
  type Message,
  MessageProperty,
  SysFlag,
} from "../message/mod.ts";
import { checkTopic } from "./validation.ts";

/** A message as it goes to the broker: checked, and cut loose from what the caller holds. */
export interface OutgoingMessage {
  /** Topic. */
  readonly topic: string;
  /** Body. */
  readonly body: Uint8Array;
  /** The user's own flag. */
  readonly flag: number;
  /** The protocol's flag bits. */
  readonly sysFlag: number;
  /** All properties in wire form. */
  readonly properties: string;
  /** `UNIQ_KEY`: message id, and of a half message the transaction id. */
  readonly uniqueKey: string;
}

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
}

/** Properties that delay a message: a half message can't carry them. */
const DELAY_PROPERTIES: ReadonlySet<string> = new Set([
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
 * @throws {InvalidArgumentError} naming the field and what is allowed.
 */
export function prepareMessage(message: Message, options: OutgoingOptions): OutgoingMessage {
  if (message === null || typeof message !== "object") {
    throw new InvalidArgumentError("Cannot send message: it is not an object with topic and body");
  }
  const { topic, body, tags, keys, flag = 0 } = message;
  checkTopic(topic);
  if ((flag | 0) !== flag) {
    throw refuse(topic, `flag ${printable(String(flag), 32)} is not a 32-bit integer`);
  }
  const own = message.properties ?? {};
  if (options.transactional) checkTransactionalProperties(topic, own);
  const all = createProperties({
    ...(tags === undefined ? {} : { tags }),
    ...(keys === undefined ? {} : { keys }),
    properties: own,
  });
  const uniqueKey = options.uniqueKey();
  all[MessageProperty.UniqueKey] = uniqueKey;
  all[MessageProperty.WaitStoreMessageOk] = "true";
  if (options.transactional) {
    all[MessageProperty.TransactionPrepared] = "true";
    all[MessageProperty.ProducerGroup] = options.producerGroup;
  }
  return {
    topic,
    body: copyBody(topic, body, options.maxMessageSize),
    flag,
    sysFlag: options.transactional ? SysFlag.TransactionPrepared : 0,
    properties: encodeProperties(all),
    uniqueKey,
  };
}

function copyBody(topic: string, body: unknown, max: number): Uint8Array {
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
  return bytes === body ? bytes.slice() : bytes;
}

/** What the broker would accept on a half message, and then treat in a way that nobody expects. */
function checkTransactionalProperties(topic: string, own: Record<string, string>): void {
  for (const name of DELAY_PROPERTIES) {
    if (!Object.hasOwn(own, name)) continue;
    throw refuse(topic, `property "${name}" delays it, and a half message can't be delayed`);
  }
  const immunity = own[MessageProperty.CheckImmunityTimeInSeconds];
  if (immunity === undefined) return;
  const seconds = /^\d{1,9}$/.test(immunity) ? Number(immunity) : 0;
  if (seconds >= 1 && seconds <= MAX_CHECK_IMMUNITY) return;
  throw refuse(
    topic,
    `property "${MessageProperty.CheckImmunityTimeInSeconds}" is "${printable(immunity, 32)}", ` +
      `whole seconds from 1 to ${MAX_CHECK_IMMUNITY} are allowed: each check round that it sits out ` +
      "costs one of its 15 checks",
  );
}

function refuse(topic: string, reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot send message to topic "${topic}": ${reason}`, { topic });
}
