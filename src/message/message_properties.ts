import { InvalidArgumentError, printable } from "../errors.ts";
import type { DelayableMessage } from "./message.ts";
import { checkProperty, isReservedProperty, MessageProperty } from "./properties.ts";

const KEY_SEPARATOR = " ";

/** The fields of a message that travel as properties. */
type PropertySources = {
  [Name in Exclude<keyof DelayableMessage, "topic" | "body" | "flag" | "waitStoreMessageOk">]?:
    | DelayableMessage[Name]
    | undefined;
};

/**
 * Makes the properties that a message carries for its application: its own ones, and tag and keys
 * under their names. The message is read once and not changed.
 *
 * @throws {InvalidArgumentError} when a property, the tag or a key can't be carried, has a name that
 * the system reserves, or could never be found again.
 */
export function createProperties(
  message: PropertySources,
): Record<string, string> {
  const properties = { ...message.properties };
  for (const [name, value] of Object.entries(properties)) {
    if (isReservedProperty(name)) {
      throw new InvalidArgumentError(
        `Cannot set property "${name}": the system uses this name${remedy(name)}`,
      );
    }
    checkProperty(name, value);
  }
  const tag = message.tags ?? "";
  if (tag !== "") properties[MessageProperty.Tags] = checkTag(tag);
  const keys = joinKeys(message.keys ?? []);
  if (keys !== "") properties[MessageProperty.Keys] = keys;
  if (message.shardingKey !== undefined) {
    checkProperty(MessageProperty.ShardingKey, message.shardingKey);
    properties[MessageProperty.ShardingKey] = message.shardingKey;
  }
  if (message.priority !== undefined) properties[MessageProperty.Priority] = priorityOf(message);
  if (message.liteTopic !== undefined) {
    properties[MessageProperty.LiteTopic] = checkLiteTopic(message.liteTopic);
  }
  if (message.delayLevel === undefined && message.delay === undefined) {
    if (message.deliverAt === undefined) return properties;
  }
  return Object.assign(properties, delayOf(message));
}

/** Returns the business keys in the property `KEYS`, if there is one. */
export function splitKeys(keys: string | undefined): string[] {
  return keys ? keys.split(KEY_SEPARATOR).filter((key) => key !== "") : [];
}

/** The longest delay of a timer message that brokers accept by default: 3 days. */
const MAX_DELAY = 3 * 24 * 3_600_000;

function delayOf(
  { delayLevel, delay, deliverAt }: PropertySources,
): Record<string, string> {
  const given = [delayLevel, delay, deliverAt].filter((value) => value !== undefined);
  if (given.length > 1) {
    throw new InvalidArgumentError(
      "Cannot delay message: only one of delayLevel, delay and deliverAt is allowed",
    );
  }
  if (delayLevel !== undefined) {
    return {
      [MessageProperty.DelayTimeLevel]: checkWhole("delayLevel", delayLevel, { min: 1, max: 18 }),
    };
  }
  if (delay !== undefined) {
    return {
      [MessageProperty.TimerDelayMs]: checkWhole("delay", delay, { min: 1, max: MAX_DELAY }),
    };
  }
  if (deliverAt !== undefined) {
    const time = deliverAt instanceof Date ? deliverAt.getTime() : deliverAt;
    return {
      [MessageProperty.TimerDeliverMs]: checkWhole("deliverAt", time, {
        min: 1,
        max: Number.MAX_SAFE_INTEGER,
      }),
    };
  }
  return {};
}

/** Rejects a priority beside a delay or an order. The broker takes a message for one kind only, and would drop the priority. */
function priorityOf(
  { priority, shardingKey, delayLevel, delay, deliverAt }: PropertySources,
): string {
  const others = { shardingKey, delayLevel, delay, deliverAt };
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined) continue;
    throw new InvalidArgumentError(
      `Cannot use priority together with ${name}: the broker would drop the priority`,
    );
  }
  return checkWhole("priority", priority!, { min: 0, max: 2 ** 31 - 1 });
}

function checkLiteTopic(name: string): string {
  if (typeof name === "string" && /^[A-Za-z0-9_%|-]{1,64}$/.test(name)) return name;
  throw new InvalidArgumentError(
    `Cannot use lite topic "${
      printable(String(name), 64)
    }": 1 to 64 of the characters A-Z a-z 0-9 _ - % | are allowed`,
  );
}

function checkWhole(
  name: string,
  value: number,
  { min, max }: { min: number; max: number },
): string {
  if (Number.isInteger(value) && value >= min && value <= max) return String(value);
  throw new InvalidArgumentError(
    `Cannot use ${name} ${
      printable(String(value), 32)
    }: a whole number from ${min} to ${max} is allowed`,
  );
}

function checkTag(tag: string): string {
  checkProperty(MessageProperty.Tags, tag);
  if (tag.includes("||") || tag.includes("*")) {
    throw new InvalidArgumentError(
      `Cannot use tag "${
        printable(tag, 64)
      }": "||" and "*" mean something else in a subscription, a message has one plain tag`,
    );
  }
  return tag;
}

function joinKeys(keys: string | string[]): string {
  if (keys === "") return "";
  if (typeof keys === "string") {
    checkProperty(MessageProperty.Keys, keys);
    return splitKeys(keys).join(KEY_SEPARATOR);
  }
  if (!Array.isArray(keys)) {
    throw new InvalidArgumentError("Cannot use keys: they are neither a string nor an array");
  }
  const read = [...keys];
  for (const key of read) {
    checkProperty(MessageProperty.Keys, key);
    if (key.includes(KEY_SEPARATOR)) {
      throw new InvalidArgumentError(
        `Cannot use key "${printable(key, 64)}": a space separates keys, one key holds none`,
      );
    }
  }
  return read.join(KEY_SEPARATOR);
}

function remedy(name: string): string {
  if (name === MessageProperty.Tags) return ', set "tags" of the message';
  if (name === MessageProperty.Keys) return ', set "keys" of the message';
  return "";
}

/** Returns Java's hash of a string, an int32. Brokers compare tags and look up keys by it. */
export function javaStringHash(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(31, hash) + text.charCodeAt(at)) | 0;
  return hash;
}
