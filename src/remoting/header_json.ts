import type { ByteWriter } from "../bytes.ts";
import { InvalidArgumentError, printable, RemotingDecodeError } from "../errors.ts";
import { CLIENT_VERSION, type JsonRequest, type RemotingCommand } from "./command.ts";
import { LanguageCode, languageCode, languageName } from "./peer.ts";
import { FRAME_PREFIX_SIZE } from "./limits.ts";

const NO_BODY = new Uint8Array(0);

/** Writes the JSON header of a command, with its members in the order of Java. */
export function stringifyHeader(command: RemotingCommand): string {
  const { code, extFields, flag, language, opaque, remark, version } = command;
  return `{"code":${code}${stringifyFields(extFields)},"flag":${flag}` +
    `,"language":"${languageName(language)}","opaque":${opaque}${stringifyRemark(remark)}` +
    `,"serializeTypeCurrentRPC":"JSON","version":${version}}`;
}

/**
 * Writes the JSON header of a request under a number, with its prepared fields if it has them. They are
 * written piece by piece: a header that is joined first leaves 3 KB of garbage for each transaction.
 */
export function writeRequestHeader(
  writer: ByteWriter,
  request: JsonRequest,
  opaque: number,
  flag: number,
): void {
  writer.text('{"code":');
  writer.text(String(request.code));
  if (request.writeFields) {
    writer.text(',"extFields":{');
    request.writeFields(writer);
    writer.text("}");
  } else writer.text(stringifyFields(request.extFields));
  writer.text(',"flag":');
  writer.text(String(flag));
  writer.text(',"language":"OTHER","opaque":');
  writer.text(String(opaque));
  writer.text(stringifyRemark(request.remark));
  writer.bytes(REQUEST_END);
}

const REQUEST_END = new TextEncoder().encode(
  `,"serializeTypeCurrentRPC":"JSON","version":${CLIENT_VERSION}}`,
);

/** Writes the member `extFields`, if there are any. */
function stringifyFields(extFields: Readonly<Record<string, string>> = {}): string {
  let isEmpty = true;
  for (const name in extFields) {
    if (typeof extFields[name] !== "string") throw notText(name);
    isEmpty = false;
  }
  return isEmpty ? "" : `,"extFields":${JSON.stringify(extFields)}`;
}

function stringifyRemark(remark: string | undefined): string {
  return remark === undefined ? "" : `,"remark":${JSON.stringify(remark)}`;
}

/** Makes the error for a field that is no text, which programs without types may have set. */
export function notText(name: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Cannot encode command: the value of extField "${printable(name, 64)}" is not text`,
  );
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Several times as fast as the strict one. It replaces what it can't read by U+FFFD. */
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** Size up to which a header can't hold enough values to do harm. Real ones are not larger. */
const HARMLESS_SIZE = 65_536;

/** The members of a header that are read. */
type Members = Readonly<
  Partial<
    Record<
      "code" | "language" | "version" | "opaque" | "flag" | "extFields" | "remark",
      unknown
    >
  >
>;

/**
 * Reads a JSON header. The command has no body yet. If a key comes twice, the last one counts. Unknown
 * ones are ignored.
 */
export function decodeJsonHeader(header: Uint8Array, maxExtFields: number): RemotingCommand {
  const bare = decodeBareHeader(header);
  if (bare) return bare;
  if (header.length > HARMLESS_SIZE) checkValueCount(header, maxExtFields);
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

const encoder = new TextEncoder();

/** The text around the four numbers of a header that has neither fields nor a remark. */
const BARE_PIECES = [
  '{"code":',
  ',"flag":',
  ',"language":"JAVA","opaque":',
  ',"serializeTypeCurrentRPC":"JSON","version":',
  "}",
].map((piece) => encoder.encode(piece));

/** The four numbers of the header that is being read. */
const bareNumbers = new Int32Array(4);

const ZERO = 0x30, NINE = 0x39, MINUS = 0x2d;

/**
 * Reads a header without fields and remark, exactly as Java servers write it. The answer to every commit
 * or rollback has one, and comparing bytes costs a quarter of `JSON.parse`. Returns undefined for every
 * other header, valid or not.
 */
function decodeBareHeader(header: Uint8Array): RemotingCommand | undefined {
  const numbers = bareNumbers;
  let at = 0;
  for (let part = 0;; part++) {
    const piece = BARE_PIECES[part]!;
    for (let i = 0; i < piece.length; i++) if (header[at + i] !== piece[i]) return undefined;
    at += piece.length;
    if (part === numbers.length) break;
    const isNegative = header[at] === MINUS, first = isNegative ? ++at : at;
    let value = 0;
    while (header[at]! >= ZERO && header[at]! <= NINE) value = 10 * value + header[at++]! - ZERO;
    const digits = at - first;
    if (digits === 0 || digits > 10 || (digits > 1 && header[first] === ZERO)) return undefined;
    if (isNegative) value = 0 - value;
    if ((value | 0) !== value) return undefined;
    numbers[part] = value;
  }
  if (at !== header.length) return undefined;
  return {
    code: numbers[0]!,
    language: LanguageCode.JAVA,
    version: numbers[3]!,
    opaque: numbers[2]!,
    flag: numbers[1]!,
    extFields: {},
    body: NO_BODY,
    serializeType: "JSON",
  };
}

/** Rejects a header with too many values before they become objects. */
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
  return isText ? fields as Record<string, string> : stringifyValues(fields, text);
}

/** Turns values that are no text into text. Nulls are left out. */
function stringifyValues(fields: Record<string, unknown>, text: string): Record<string, string> {
  let literals: Record<string, string> | undefined;
  const entries = Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    if (value === null) return [];
    if (typeof value === "string" || typeof value === "boolean") return [[name, String(value)]];
    if (typeof value !== "number") throw refuse("a value of extFields is an object or an array");
    literals ??= numberLiterals(text);
    return [[name, literals[name] ?? String(value)]];
  });
  // Unlike an assignment this takes "__proto__" for a name like any other.
  return Object.fromEntries(entries);
}

/** Finds the numbers in `extFields` as they are written: a JavaScript number can't hold every long. */
function numberLiterals(text: string): Record<string, string> {
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

function refuse(reason: string, cause?: unknown): RemotingDecodeError {
  return new RemotingDecodeError(`Cannot decode frame: ${reason}`, {
    offset: FRAME_PREFIX_SIZE,
    ...(cause === undefined ? {} : { cause }),
  });
}
