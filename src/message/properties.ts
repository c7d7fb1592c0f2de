import { InvalidArgumentError, printable } from "../errors.ts";

const NAME_END = "\u0001";
const VALUE_END = "\u0002";

/** The longest property string that a broker stores: its length is a signed 16-bit number. */
export const MAX_STORED_PROPERTIES_SIZE = 32767;

/**
 * The longest property string that a client sends, in bytes of UTF-8: what the broker stores, less
 * 512 bytes for the properties that it adds itself, more than once on a half message.
 */
export const MAX_PROPERTIES_SIZE = MAX_STORED_PROPERTIES_SIZE - 512;

/** UTF-8 takes at most so many bytes for one unit of UTF-16. */
const MAX_BYTES_PER_UNIT = 3;

const encoder = new TextEncoder();

/**
 * Encodes properties as they travel: name, U+0001, value, U+0002, and so on. The form has no
 * escapes, so what it can't carry unchanged is refused; without that a value could set other
 * properties.
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
 * Decodes a property string exactly as the Java library does: entries end at U+0002 (the last one
 * may lack it), the first U+0001 ends the name, entries with an empty name or value are dropped, of
 * a name that comes twice the last one counts. It never fails.
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

/** Refuses a property that can't be carried, or that would be lost on the way. */
export function checkProperty(name: string, value: string): void {
  checkText(name, "name", name);
  checkText(value, "value", name);
}

/**
 * The property string of what was decoded before. Only what would change its meaning is refused: a
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
