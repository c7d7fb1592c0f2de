import type { ByteWriter } from "./byte_writer.ts";
import { CLIENT_VERSION, type RemotingCommand, type RemotingRequest } from "./command.ts";
import { CODE, EXT_FIELDS, FLAG, LANGUAGE, OPAQUE, REMARK, VERSION } from "./header_json_pieces.ts";
import { setField } from "./header_json_reader.ts";
import { LanguageCode } from "./language_code.ts";

const encoder = new TextEncoder();
const OPEN = encoder.encode("{");
const END = encoder.encode("}");
const LANGUAGES = Object.keys(LanguageCode).map((name) => encoder.encode(name));

/** Bytes of what stands around the fields and numbers. */
const AROUND_FIELDS = CODE.length + EXT_FIELDS.length + FLAG.length + LANGUAGE.length +
  OPAQUE.length + VERSION.length + END.length;

/** Bytes that a JSON header takes when all of its text is ASCII, and the remark needs no escape. */
export function estimateJsonHeader(command: RemotingCommand, fields: string | undefined): number {
  const { code, language, version, opaque, flag, remark } = command;
  const size = AROUND_FIELDS + digitsOf(code) + digitsOf(flag) + digitsOf(opaque) +
    digitsOf(version) + nameOf(language).length +
    (fields === undefined ? -EXT_FIELDS.length : fields.length);
  return remark === undefined ? size : size + REMARK.length + 2 + remark.length;
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

/**
 * Writes the JSON header of a command, its members in the order in which Java writes them.
 *
 * @param fields What `joinFields` gives for it.
 */
export function writeJsonHeader(
  writer: ByteWriter,
  command: RemotingCommand,
  fields: string | undefined,
): void {
  writer.piece(CODE);
  writer.integer(command.code);
  writeFields(writer, fields);
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
    writer.piece(OPEN);
    request.writeExtFields(writer);
    writer.piece(END);
  } else if (request.extFields) writeFields(writer, joinFields(request.extFields));
  writeRest(writer, flag, LanguageCode.OTHER, opaque, request.remark);
  writer.integer(CLIENT_VERSION);
  writer.piece(END);
}

function writeFields(writer: ByteWriter, fields: string | undefined): void {
  if (fields === undefined) return;
  writer.piece(EXT_FIELDS);
  writer.text(fields);
}

/** The fields as a JSON object; undefined if there are none. */
export function joinFields(extFields: Readonly<Record<string, string>>): string | undefined {
  let isEmpty = true;
  for (const name in extFields) {
    if (typeof extFields[name] !== "string") return JSON.stringify(copyAsText(extFields));
    isEmpty = false;
  }
  return isEmpty ? undefined : JSON.stringify(extFields);
}

/** What programs without types may have put there. */
function copyAsText(extFields: Readonly<Record<string, unknown>>): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const name of Object.keys(extFields)) setField(fields, name, String(extFields[name]));
  return fields;
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
