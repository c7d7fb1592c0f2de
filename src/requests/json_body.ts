import { printable, type ProtocolError } from "../errors.ts";
import type { HeaderContext } from "./header.ts";
import { malformed } from "./response.ts";

/** Largest JSON body that is parsed: a route with 4096 brokers has about a quarter of that. */
const MAX_JSON_SIZE = 4 * 1024 * 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The body that a value is in, for errors about it. */
interface Body {
  readonly what: string;
  readonly context: HeaderContext;
}

/**
 * A value somewhere in a JSON body. It returns typed values, and throws an error with its place if it
 * is of another type. Absent and null are the same.
 */
export class JsonValue {
  readonly #value: unknown;
  readonly #path: string;
  readonly #body: Body;

  private constructor(value: unknown, path: string, body: Body) {
    this.#value = value;
    this.#path = path;
    this.#body = body;
  }

  /**
   * Parses a body. Accepts the unquoted numeric keys that servers write, and objects as keys.
   *
   * @param what The body as errors name it, for example `route of topic "T"`.
   * @throws {ProtocolError} when it is empty, over 4 MiB, not UTF-8, or not JSON.
   */
  static parse(body: Uint8Array, what: string, context: HeaderContext): JsonValue {
    if (body.length === 0) throw malformed(what, "there is no body", context);
    if (body.length > MAX_JSON_SIZE) {
      throw malformed(what, `${body.length} bytes, at most ${MAX_JSON_SIZE} are allowed`, context);
    }
    let text: string;
    try {
      text = utf8.decode(body);
    } catch {
      throw malformed(what, "the body is not UTF-8", context);
    }
    return new JsonValue(parseJson(text, what, context), "", { what, context });
  }

  /** Reports whether it is absent or null. */
  get isAbsent(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  /** Returns a member of an object, which may be absent. */
  member(name: string): JsonValue {
    const object = this.#object();
    return this.#child(Object.hasOwn(object, name) ? object[name] : undefined, `.${name}`);
  }

  /** Returns the members of an object. An absent one has none. */
  entries(max: number): [string, JsonValue][] {
    if (this.isAbsent) return [];
    const object = this.#object();
    const names = Object.keys(object);
    this.#checkCount(names.length, max);
    return names.map((name) => [name, this.#child(object[name], `["${printable(name, 40)}"]`)]);
  }

  /** Returns the items of an array. An absent one has none. */
  items(max: number): JsonValue[] {
    if (this.isAbsent) return [];
    if (!Array.isArray(this.#value)) throw this.refuse("is not an array");
    this.#checkCount(this.#value.length, max);
    return this.#value.map((item, index) => this.#child(item, `[${index}]`));
  }

  /** Returns the text. If it is absent, returns `absent`, if that is given. */
  string(absent?: string): string {
    if (this.isAbsent && absent !== undefined) return absent;
    if (typeof this.#value !== "string") throw this.refuse("is not text");
    return this.#value;
  }

  /** Returns the integer from `min` to `max`. If it is absent, returns `absent`, if that is given. */
  integer(min: number, max: number, absent?: number): number {
    if (this.isAbsent && absent !== undefined) return absent;
    const value = this.#value;
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw this.refuse(
        `is ${typeof value === "number" ? value : "not a number"}, ` +
          `an integer from ${min} to ${max} is needed`,
      );
    }
    return value;
  }

  /** Returns the truth value. If it is absent, returns `absent`. */
  boolean(absent: boolean): boolean {
    if (this.isAbsent) return absent;
    if (typeof this.#value !== "boolean") throw this.refuse("is neither true nor false");
    return this.#value;
  }

  /** Makes an error that names this place. */
  refuse(reason: string): ProtocolError {
    const { what, context } = this.#body;
    return malformed(what, `${this.#path.replace(/^\./, "") || "it"} ${reason}`, context);
  }

  #object(): Record<string, unknown> {
    const value = this.#value;
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      throw this.refuse("is not an object");
    }
    return value as Record<string, unknown>;
  }

  #child(value: unknown, step: string): JsonValue {
    return new JsonValue(value, this.#path + step, this.#body);
  }

  #checkCount(count: number, max: number): void {
    if (count > max) throw this.refuse(`has ${count} entries, at most ${max} are allowed`);
  }
}

function parseJson(text: string, what: string, context: HeaderContext): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(quoteObjectKeys(quoteNumericKeys(text)));
    } catch {
      throw malformed(what, "the body is not JSON", context);
    }
  }
}

/**
 * Puts quotes around the numeric keys of objects, which RocketMQ's servers write bare:
 * `{0:"10.0.0.1:10911"}`. Text inside of strings is left alone. Takes time linear in the length.
 */
export function quoteNumericKeys(text: string): string {
  let quoted = "";
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === "{" || char === ",") {
      const start = skipSpace(text, at + 1);
      const end = endOfInteger(text, start);
      if (end > start && text[skipSpace(text, end)] === ":") {
        quoted += `${text.slice(copied, start)}"${text.slice(start, end)}"`;
        copied = end;
      }
      at = end - 1;
    }
  }
  return quoted + text.slice(copied);
}

/**
 * Makes texts of the objects that stand as keys, as Java's fastjson writes them: `{{"queueId":0}:7}`.
 * Takes time linear in the length, because such an object has no other one in it.
 */
export function quoteObjectKeys(text: string): string {
  let quoted = "";
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === "{" || char === ",") {
      const start = skipSpace(text, at + 1);
      const end = text[start] === "{" ? endOfFlatObject(text, start) : start;
      if (end > start && text[skipSpace(text, end)] === ":") {
        quoted += text.slice(copied, start) + JSON.stringify(text.slice(start, end));
        copied = end;
        at = end - 1;
      }
    }
  }
  return quoted + text.slice(copied);
}

/** Returns the position behind an object without objects in it, or `start` if there is none. */
function endOfFlatObject(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === "}") return at + 1;
    else if (char === "{") return start;
  }
  return start;
}

/** Returns the position of the closing quote of the string that begins at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === "\\") end++;
    else if (text[end] === '"') return end;
  }
  return text.length;
}

function skipSpace(text: string, at: number): number {
  for (;; at++) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return at;
  }
}

function endOfInteger(text: string, start: number): number {
  let end = text[start] === "-" ? start + 1 : start;
  const digits = end;
  while (text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++;
  return end > digits ? end : start;
}
