import type { ByteWriter } from "./byte_writer.ts";
import { CLIENT_VERSION, type RemotingCommand, type RemotingRequest } from "./command.ts";
import { LanguageCode } from "./language_code.ts";

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
