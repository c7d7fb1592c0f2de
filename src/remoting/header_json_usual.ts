import type { RemotingCommand } from "./command.ts";
import { CODE, EXT_FIELDS, FLAG, LANGUAGE, OPAQUE, VERSION } from "./header_json_pieces.ts";
import { LanguageCode } from "./language_code.ts";

const encoder = new TextEncoder();

/** The languages that servers and this client say they are written in. */
const JAVA = encoder.encode("JAVA");
const OTHER = encoder.encode("OTHER");

const ZERO = 0x30, NINE = 0x39, MINUS = 0x2d, CLOSE = 0x7d;

const NO_BODY = new Uint8Array(0);

/**
 * Reads a JSON header that is written letter by letter as this client and Java servers write those
 * that have no remark: all but the fields is then only compared, which costs a fraction of reading
 * any JSON. Undefined for every other header, right or wrong.
 *
 * @param readFields Reads the JSON object between two positions; undefined when it is none whose
 * values are all text.
 */
export function decodeUsualHeader(
  header: Uint8Array,
  readFields: (code: number, start: number, end: number) => Record<string, string> | undefined,
): RemotingCommand | undefined {
  const last = header.length - 1;
  if (header[last] !== CLOSE || !isAt(header, 0, CODE)) return undefined;
  const codeEnd = endOfInteger(header, CODE.length);
  let fieldsEnd = codeEnd;
  if (!isAt(header, codeEnd, FLAG)) {
    if (!isAt(header, codeEnd, EXT_FIELDS)) return undefined;
    for (fieldsEnd = last; fieldsEnd > codeEnd && header[fieldsEnd - 1] !== CLOSE;) fieldsEnd--;
    if (!isAt(header, fieldsEnd, FLAG)) return undefined;
  }
  const flagAt = fieldsEnd + FLAG.length, flagEnd = endOfInteger(header, flagAt);
  if (!isAt(header, flagEnd, LANGUAGE)) return undefined;
  const languageAt = flagEnd + LANGUAGE.length, isJava = isAt(header, languageAt, JAVA);
  if (!isJava && !isAt(header, languageAt, OTHER)) return undefined;
  const languageEnd = languageAt + (isJava ? JAVA : OTHER).length;
  if (!isAt(header, languageEnd, OPAQUE)) return undefined;
  const opaqueAt = languageEnd + OPAQUE.length, opaqueEnd = endOfInteger(header, opaqueAt);
  if (!isAt(header, opaqueEnd, VERSION)) return undefined;
  const versionAt = opaqueEnd + VERSION.length, versionEnd = endOfInteger(header, versionAt);
  if (versionEnd !== last) return undefined;
  const code = readInteger(header, CODE.length, codeEnd);
  const version = readInteger(header, versionAt, versionEnd);
  const opaque = readInteger(header, opaqueAt, opaqueEnd);
  const flag = readInteger(header, flagAt, flagEnd);
  const areInt32 = (code | 0) === code && (version | 0) === version && (opaque | 0) === opaque &&
    (flag | 0) === flag;
  if (!areInt32) return undefined;
  const extFields = fieldsEnd === codeEnd
    ? {}
    : readFields(code, codeEnd + EXT_FIELDS.length, fieldsEnd);
  return extFields && {
    code,
    language: isJava ? LanguageCode.JAVA : LanguageCode.OTHER,
    version,
    opaque,
    flag,
    extFields,
    body: NO_BODY,
    serializeType: "JSON",
  };
}

/** Whether `expected` stands at `at`; nothing stands outside of the header. */
function isAt(header: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) {
    if (header[at + i] !== expected[i]) return false;
  }
  return true;
}

/** The position behind an integer of one to ten digits; for anything else -1, where nothing stands. */
function endOfInteger(header: Uint8Array, start: number): number {
  const digits = header[start] === MINUS ? start + 1 : start;
  let at = digits;
  while (header[at]! >= ZERO && header[at]! <= NINE) at++;
  const count = at - digits;
  return count === 0 || count > 10 || (header[digits] === ZERO && count > 1) ? -1 : at;
}

function readInteger(header: Uint8Array, start: number, end: number): number {
  const isNegative = header[start] === MINUS;
  let value = 0;
  for (let at = isNegative ? start + 1 : start; at < end; at++) {
    value = value * 10 + header[at]! - ZERO;
  }
  return isNegative ? 0 - value : value;
}
