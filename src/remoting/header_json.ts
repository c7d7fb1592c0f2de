import { RemotingDecodeError } from "../errors.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { CLIENT_VERSION, type RemotingCommand, type RemotingRequest } from "./command.ts";
import { LanguageCode, languageCode } from "./language_code.ts";
import { FRAME_PREFIX_SIZE } from "./limits.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Several times as fast as the strict one: what it can't read it replaces by U+FFFD. */
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** A header of this size can't hold enough values to do harm, and real ones are not larger. */
const HARMLESS_SIZE = 65_536;

const encoder = new TextEncoder();
const CODE = encoder.encode('{"code":');
const EXT_FIELDS = encoder.encode(',"extFields":{');
const END_OF_FIELDS = encoder.encode("}");
const FLAG = encoder.encode(',"flag":');
const LANGUAGE = encoder.encode(',"language":"');
const OPAQUE = encoder.encode('","opaque":');
const REMARK = encoder.encode(',"remark":');
const VERSION = encoder.encode(',"serializeTypeCurrentRPC":"JSON","version":');
const END = encoder.encode("}");
const COMMA = encoder.encode(",");
const COLON = encoder.encode(":");
const LANGUAGES = Object.keys(LanguageCode).map((name) => encoder.encode(name));

/** Quotes, colon and comma of a field. */
const AROUND_FIELD = 6;

/** Bytes of what stands around the fields and numbers. */
const AROUND_FIELDS = CODE.length + EXT_FIELDS.length + END_OF_FIELDS.length + FLAG.length +
  LANGUAGE.length + OPAQUE.length + VERSION.length + END.length;

/** Bytes that a JSON header takes when none of its texts needs an escape. */
export function estimateJsonHeader(command: RemotingCommand): number {
  const { code, language, version, opaque, flag, extFields, remark } = command;
  let size = AROUND_FIELDS + digitsOf(code) + digitsOf(flag) + digitsOf(opaque) +
    digitsOf(version) + nameOf(language).length;
  let isFirst = true;
  for (const name in extFields) {
    size += AROUND_FIELD + name.length + extFields[name]!.length;
    isFirst = false;
  }
  size -= isFirst ? EXT_FIELDS.length + END_OF_FIELDS.length : 1;
  if (remark !== undefined) size += REMARK.length + 2 + remark.length;
  return size;
}

/** Characters of an integer. */
function digitsOf(value: number): number {
  let digits = value < 0 ? 2 : 1;
  for (let rest = Math.abs(value); rest >= 10; rest /= 10) digits++;
  return digits;
}

function nameOf(language: number): Uint8Array {
  return LANGUAGES[language] ?? LANGUAGES[LanguageCode.OTHER]!;
}

/** Writes the JSON header of a command, its members in the order in which Java writes them. */
export function writeJsonHeader(writer: ByteWriter, command: RemotingCommand): void {
  writer.piece(CODE);
  writer.integer(command.code);
  writeFields(writer, command.extFields);
  writeRest(writer, command.flag, command.language, command.opaque, command.remark);
  writer.integer(command.version);
  writer.piece(END);
}

/** Writes the JSON header of a request under a number. */
export function writeJsonRequest(
  writer: ByteWriter,
  request: RemotingRequest,
  opaque: number,
  flag: number,
): void {
  writer.piece(CODE);
  writer.integer(request.code);
  if (request.writeExtFields) {
    writer.piece(EXT_FIELDS);
    request.writeExtFields(writer);
    writer.piece(END_OF_FIELDS);
  } else if (request.extFields) writeFields(writer, request.extFields);
  writeRest(writer, flag, LanguageCode.OTHER, opaque, request.remark);
  writer.integer(CLIENT_VERSION);
  writer.piece(END);
}

function writeFields(writer: ByteWriter, extFields: Readonly<Record<string, string>>): void {
  let isFirst = true;
  for (const name in extFields) {
    if (!Object.hasOwn(extFields, name)) continue;
    writer.piece(isFirst ? EXT_FIELDS : COMMA);
    isFirst = false;
    writer.quoted(name);
    writer.piece(COLON);
    writer.quoted(extFields[name]!);
  }
  if (!isFirst) writer.piece(END_OF_FIELDS);
}

function writeRest(
  writer: ByteWriter,
  flag: number,
  language: number,
  opaque: number,
  remark: string | undefined,
): void {
  writer.piece(FLAG);
  writer.integer(flag);
  writer.piece(LANGUAGE);
  writer.piece(nameOf(language));
  writer.piece(OPAQUE);
  writer.integer(opaque);
  if (remark !== undefined) {
    writer.piece(REMARK);
    writer.quoted(remark);
  }
  writer.piece(VERSION);
}

/** Reads a JSON header. Of a key that comes twice the last one counts; unknown ones are ignored. */
export function decodeJsonHeader(
  header: Uint8Array,
  maxExtFields: number,
): Omit<RemotingCommand, "body"> {
  if (header.length > HARMLESS_SIZE) checkValueCount(header, maxExtFields);
  const text = decodeText(header);
  const json = parse(text);
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    throw refuse("the header is not a JSON object");
  }
  const members = json as Record<string, unknown>;
  const extFields = readExtFields(members.extFields, text, maxExtFields);
  const command: Omit<RemotingCommand, "body"> = {
    code: readInt32(members, "code"),
    language: readLanguage(members.language),
    version: readInt32(members, "version", 0),
    opaque: readInt32(members, "opaque"),
    flag: readInt32(members, "flag", 0),
    extFields,
    serializeType: "JSON",
  };
  const remark = members.remark;
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
  if (!text.includes("\ufffd")) return text;
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

function readInt32(members: Record<string, unknown>, name: string, absent?: number): number {
  const value = members[name];
  if (value === undefined && absent !== undefined) return absent;
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
  const names = Object.keys(fields);
  if (names.length > max) {
    throw new RemotingDecodeError(
      `Cannot decode frame: the header has ${names.length} extFields, at most ${max} are allowed`,
      { offset: FRAME_PREFIX_SIZE, limit: max },
    );
  }
  let source: Record<string, string> | undefined;
  for (const name of names) {
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
