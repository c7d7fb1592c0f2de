import {
  CLIENT_VERSION,
  createRequest,
  ONEWAY_FLAG,
  type RemotingCommand,
  type RemotingRequest,
} from "./command.ts";
import { setField } from "./header_json.ts";
import { languageName } from "./language_code.ts";

/** A text up to this length is looked at faster than `JSON.stringify` is called. */
const SHORT_TEXT = 48;

/** The JSON header of a command, its members in the order in which Java writes them. */
export function encodeJsonHeader(
  { code, extFields, flag, language, opaque, remark, version }: Omit<RemotingCommand, "body">,
): string {
  return JSON.stringify({
    code,
    extFields: asPlainFields(extFields),
    flag,
    language: languageName(language),
    opaque,
    remark,
    serializeTypeCurrentRPC: "JSON",
    version,
  });
}

/** The JSON header of a request under a number. */
export function encodeJsonRequest(
  request: RemotingRequest,
  opaque: number,
  flag: number,
): string {
  const { code, remark } = request;
  const fields = request.extFieldsAsJson?.();
  if (fields === undefined) {
    return encodeJsonHeader(createRequest(request, opaque, flag === ONEWAY_FLAG));
  }
  return `{"code":${code}` +
    (fields && `,"extFields":{${fields}}`) +
    `,"flag":${flag},"language":"OTHER","opaque":${opaque}` +
    (remark === undefined ? "" : `,"remark":${JSON.stringify(remark)}`) +
    `,"serializeTypeCurrentRPC":"JSON","version":${CLIENT_VERSION}}`;
}

/** The fields as `JSON.stringify` shall see them: undefined if there are none. */
function asPlainFields(
  extFields: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  let isEmpty = true;
  for (const name in extFields) {
    if (typeof extFields[name] !== "string") return copyAsText(extFields);
    isEmpty = false;
  }
  return isEmpty ? undefined : extFields;
}

/** What programs without types may have put there. */
function copyAsText(extFields: Readonly<Record<string, unknown>>): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const name of Object.keys(extFields)) setField(fields, name, String(extFields[name]));
  return fields;
}

/** A text as JSON. Most of them have nothing to escape, and a look at them costs less. */
export function quoteJson(text: string): string {
  if (text.length > SHORT_TEXT) return JSON.stringify(text);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || unit > 0xd7ff) {
      return JSON.stringify(text);
    }
  }
  return `"${text}"`;
}
