import { InvalidArgumentError, printable } from "../errors.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { CLIENT_VERSION, type RemotingCommand, type RemotingRequest } from "./command.ts";
import {
  CODE,
  EXT_FIELDS,
  FLAG,
  LANGUAGE,
  OPAQUE,
  REMARK,
  TEXTS,
  VERSION,
} from "./header_json_pieces.ts";
import { LanguageCode } from "./language_code.ts";

const encoder = new TextEncoder();
const OPEN = encoder.encode("{");
const END = encoder.encode("}");
const OTHER = encoder.encode("OTHER");
const LANGUAGES = Object.keys(LanguageCode);

/** The JSON header of a command, its members in the order in which Java writes them. */
export function jsonHeaderOf(command: RemotingCommand): string {
  const { code, extFields, flag, language, opaque, remark, version } = command;
  const fields = joinFields(extFields);
  return TEXTS.code + code + (fields === undefined ? "" : TEXTS.extFields + fields) +
    TEXTS.flag + flag + TEXTS.language + (LANGUAGES[language] ?? "OTHER") + TEXTS.opaque + opaque +
    (remark === undefined ? "" : TEXTS.remark + JSON.stringify(remark)) + TEXTS.version + version +
    "}";
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
  } else if (request.extFields) {
    const fields = joinFields(request.extFields);
    if (fields !== undefined) {
      writer.piece(EXT_FIELDS);
      writer.text(fields);
    }
  }
  writer.piece(FLAG);
  writer.integer(flag);
  writer.piece(LANGUAGE);
  writer.piece(OTHER);
  writer.piece(OPAQUE);
  writer.integer(opaque);
  if (request.remark !== undefined) {
    writer.piece(REMARK);
    writer.quoted(request.remark);
  }
  writer.piece(VERSION);
  writer.integer(CLIENT_VERSION);
  writer.piece(END);
}

/** The fields as a JSON object; undefined if there are none. */
function joinFields(extFields: Readonly<Record<string, string>>): string | undefined {
  let isEmpty = true;
  for (const name in extFields) {
    if (typeof extFields[name] !== "string") throw notText(name);
    isEmpty = false;
  }
  return isEmpty ? undefined : JSON.stringify(extFields);
}

/** Makes the error for what programs without types may have put there. */
export function notText(name: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Cannot encode command: the value of extField "${printable(name, 64)}" is not text`,
  );
}
