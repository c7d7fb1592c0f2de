import { RemotingDecodeError } from "../errors.ts";
import type { RemotingCommand } from "./command.ts";
import type { FieldShapes } from "./field_shapes.ts";
import { decodeUsualHeader } from "./header_json_usual.ts";
import { LanguageCode, languageCode } from "./language_code.ts";
import { FRAME_PREFIX_SIZE } from "./limits.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Several times as fast as the strict one: what it can't read it replaces by U+FFFD. */
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** A header of this size can't hold enough values to do harm, and real ones are not larger. */
const HARMLESS_SIZE = 65_536;

const NO_BODY = new Uint8Array(0);

/** The members of a header that mean something. */
type Members = Readonly<
  Partial<
    Record<
      "code" | "language" | "version" | "opaque" | "flag" | "extFields" | "remark",
      unknown
    >
  >
>;

/**
 * Reads a JSON header; the command has no body yet. Of a key that comes twice the last one counts;
 * unknown ones are ignored.
 *
 * @param shapes What is known of the same peer's headers, with the same bound of fields.
 */
export function decodeJsonHeader(
  header: Uint8Array,
  maxExtFields: number,
  shapes?: FieldShapes,
): RemotingCommand {
  if (header.length > HARMLESS_SIZE) checkValueCount(header, maxExtFields);
  else {
    const command = decodeUsualHeader(
      header,
      (code, start, end) => {
        const fields = shapes?.read(code, header, start, end);
        if (fields) return fields;
        const read = readTextFields(header, start, end, maxExtFields);
        if (read) shapes?.learn(code, read);
        return read;
      },
    );
    if (command) return command;
  }
  const text = decodeText(header);
  const json = parse(text);
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    throw refuse("the header is not a JSON object");
  }
  const { code, language, version, opaque, flag, extFields, remark } = json as Members;
  const command: RemotingCommand = {
    code: readInt32(code, "code"),
    language: readLanguage(language),
    version: version === undefined ? 0 : readInt32(version, "version"),
    opaque: readInt32(opaque, "opaque"),
    flag: flag === undefined ? 0 : readInt32(flag, "flag"),
    extFields: readExtFields(extFields, text, maxExtFields),
    body: NO_BODY,
    serializeType: "JSON",
  };
  if (typeof remark === "string") command.remark = remark;
  else if (remark !== undefined && remark !== null) throw refuse('"remark" is not text');
  return command;
}

/** Refuses a header that would become very many objects, before it does. */
function checkValueCount(header: Uint8Array, maxExtFields: number): void {
  const max = maxExtFields + 64;
  let count = 0;
  for (let at = 0, inString = false; at < header.length; at++) {
    const byte = header[at];
    if (byte === 0x22) inString = !inString;
    else if (inString) at += byte === 0x5c ? 1 : 0;
    else if ((byte === 0x2c || byte === 0x7b || byte === 0x5b) && ++count > max) {
      throw new RemotingDecodeError(
        `Cannot decode frame: the header has more than ${max} values, ` +
          `at most ${maxExtFields} extFields are allowed`,
        { offset: FRAME_PREFIX_SIZE + at, limit: maxExtFields },
      );
    }
  }
}

function decodeText(header: Uint8Array): string {
  const text = lenient.decode(header);
  if (text.indexOf("\ufffd") < 0) return text;
  try {
    return strict.decode(header);
  } catch (cause) {
    throw refuse("the header is not UTF-8", cause);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refuse("the header is not JSON", cause);
  }
}

function readInt32(value: unknown, name: string): number {
  if (typeof value !== "number" || (value | 0) !== value) {
    throw refuse(`"${name}" is ${value === undefined ? "missing" : "not a 32-bit integer"}`);
  }
  return value | 0;
}

function readLanguage(value: unknown): number {
  if (typeof value === "string") return languageCode(value);
  if (value === undefined) return LanguageCode.JAVA;
  const isCode = typeof value === "number" && (value & 0xff) === value;
  return isCode ? value & 0xff : LanguageCode.OTHER;
}

function readExtFields(value: unknown, text: string, max: number): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw refuse('"extFields" is not an object');
  }
  const fields = value as Record<string, unknown>;
  let count = 0, isText = true;
  for (const name in fields) {
    count++;
    isText &&= typeof fields[name] === "string";
  }
  if (count > max) {
    throw new RemotingDecodeError(
      `Cannot decode frame: the header has ${count} extFields, at most ${max} are allowed`,
      { offset: FRAME_PREFIX_SIZE, limit: max },
    );
  }
  return isText ? fields as Record<string, string> : spellFields(fields, text);
}

/** The JSON object between two positions, if it is one whose values are all text, and not too many. */
function readTextFields(
  header: Uint8Array,
  start: number,
  end: number,
  max: number,
): Record<string, string> | undefined {
  const text = lenient.decode(header.subarray(start, end));
  if (text.indexOf("\ufffd") >= 0) return undefined;
  let fields: Record<string, string>;
  try {
    fields = JSON.parse(text);
  } catch {
    return undefined;
  }
  let count = 0;
  for (const name in fields) {
    if (++count > max || typeof fields[name] !== "string") return undefined;
  }
  return fields;
}

/** Makes text of the values that are none. */
function spellFields(fields: Record<string, unknown>, text: string): Record<string, string> {
  let source: Record<string, string> | undefined;
  for (const name of Object.keys(fields)) {
    const field = fields[name];
    if (typeof field === "string") continue;
    if (field === null) delete fields[name];
    else if (typeof field === "boolean") setField(fields, name, String(field));
    else if (typeof field === "number") {
      source ??= numberSources(text);
      setField(fields, name, source[name] ?? String(field));
    } else throw refuse("a value of extFields is an object or an array");
  }
  return fields as Record<string, string>;
}

/** How the numbers in `extFields` were spelt, since a long does not survive as a JavaScript number. */
function numberSources(text: string): Record<string, string> {
  const sources = new Map<unknown, Record<string, string>>();
  try {
    const json = JSON.parse(
      text,
      function (this: unknown, name: string, value: unknown, context?: { source?: string }) {
        if (typeof value === "number" && context?.source) {
          const siblings = sources.get(this) ?? Object.create(null);
          siblings[name] = context.source;
          sources.set(this, siblings);
        }
        return value;
      } as (name: string, value: unknown) => unknown,
    );
    return sources.get(json.extFields) ?? Object.create(null);
  } catch (cause) {
    throw refuse("the header is nested too deeply", cause);
  }
}

/** Sets a field as plain data, whatever its name: `__proto__` must not reach a prototype. */
export function setField(fields: Record<string, unknown>, name: string, value: string): void {
  if (name !== "__proto__") fields[name] = value;
  else {
    Object.defineProperty(fields, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}

function refuse(reason: string, cause?: unknown): RemotingDecodeError {
  return new RemotingDecodeError(`Cannot decode frame: ${reason}`, {
    offset: FRAME_PREFIX_SIZE,
    ...(cause === undefined ? {} : { cause }),
  });
}
