import type { ByteWriter } from "../bytes.ts";
import { InvalidArgumentError, RemotingDecodeError } from "../errors.ts";
import type { RemotingCommand } from "./command.ts";
import { notText } from "./header_json.ts";
import { FRAME_PREFIX_SIZE } from "./limits.ts";

/** code 2, language 1, version 2, opaque 4, flag 4, remark length 4, extFields length 4. */
const FIXED_SIZE = 21;

/** Most bytes of a name: its size is a signed 16-bit number. */
const MAX_NAME_SIZE = 0x7fff;

/** Size up to which fields are decoded as one text, out of which each is cut. */
const HARMLESS_SIZE = 65_536;

const NO_BODY = new Uint8Array(0);

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** Returns the size of a command's compact binary header if all of its text is ASCII. */
export function estimateRocketmqHeader({ remark, extFields }: RemotingCommand): number {
  let size = FIXED_SIZE + (remark?.length ?? 0);
  for (const name in extFields) {
    if (typeof extFields[name] !== "string") throw notText(name);
    size += 6 + name.length + extFields[name].length;
  }
  return size;
}

/** Writes the compact binary header of a command. */
export function writeRocketmqHeader(writer: ByteWriter, command: RemotingCommand): void {
  checkShort("code", command.code);
  checkShort("version", command.version);
  writer.integer(command.code, 2);
  writer.integer(command.language, 1);
  writer.integer(command.version, 2);
  writer.integer(command.opaque, 4);
  writer.integer(command.flag, 4);
  writer.lengthPrefixed(command.remark ?? "", 4);
  const start = writer.length;
  writer.seek(start + 4);
  const { extFields } = command;
  for (const name in extFields) {
    if (!Object.hasOwn(extFields, name)) continue;
    const nameStart = writer.length;
    writer.lengthPrefixed(name, 2);
    const nameSize = writer.length - nameStart - 2;
    if (nameSize > MAX_NAME_SIZE) {
      throw new InvalidArgumentError(
        `Cannot encode command: the name of an extField has ${nameSize} bytes, the ROCKETMQ header carries ${MAX_NAME_SIZE}`,
      );
    }
    if (typeof extFields[name] !== "string") throw notText(name);
    writer.lengthPrefixed(extFields[name], 4);
  }
  const end = writer.length;
  writer.seek(start);
  writer.integer(end - start - 4, 4);
  writer.seek(end);
}

function checkShort(name: string, value: number): void {
  if ((value << 16 >> 16) === value) return;
  throw new InvalidArgumentError(
    `Cannot encode command: ${name} ${value} does not fit the 16 bits of the ROCKETMQ header, use JSON`,
  );
}

/**
 * Reads a compact binary header. The command has no body yet. A pair with an empty name is left out, as
 * in Java.
 */
export function decodeRocketmqHeader(header: Uint8Array, maxExtFields: number): RemotingCommand {
  const { length } = header;
  if (length < FIXED_SIZE) {
    throw refuse(`the ROCKETMQ header has ${length} bytes, at least ${FIXED_SIZE} are needed`, 0);
  }
  const remarkSize = readInt32(header, 13);
  if (remarkSize < 0 || remarkSize > length - FIXED_SIZE) {
    throw refuse(`a remark of ${remarkSize} bytes passes the end of the header`, 13);
  }
  const pairsSize = readInt32(header, 17 + remarkSize);
  const pairsStart = FIXED_SIZE + remarkSize;
  if (pairsSize < 0 || pairsSize > length - pairsStart) {
    throw refuse(`extFields of ${pairsSize} bytes pass the end of the header`, 17 + remarkSize);
  }
  const command: RemotingCommand = {
    code: readInt16(header, 0),
    language: header[2]!,
    version: readInt16(header, 3),
    opaque: readInt32(header, 5),
    flag: readInt32(header, 9),
    extFields: readPairs(header, pairsStart, pairsStart + pairsSize, maxExtFields),
    body: NO_BODY,
    serializeType: "ROCKETMQ",
  };
  if (remarkSize > 0) command.remark = decodeText(header, 17, 17 + remarkSize);
  return command;
}

function readPairs(
  header: Uint8Array,
  start: number,
  end: number,
  max: number,
): Record<string, string> {
  if (start === end) return {};
  const fields: [name: string, value: string][] = [];
  const texts = new TextsOf(header, start, end);
  let count = 0;
  for (let at = start; at < end;) {
    if (++count > max) {
      throw new RemotingDecodeError(
        `Cannot decode frame: the header has more than ${max} extFields`,
        { offset: FRAME_PREFIX_SIZE + at, limit: max },
      );
    }
    const keySize = end - at < 2 ? -1 : readInt16(header, at);
    if (keySize < 0 || keySize > end - at - 2) throw refuse("the name of an extField is cut", at);
    const valueAt = at + 2 + keySize;
    const valueSize = end - valueAt < 4 ? -1 : readInt32(header, valueAt);
    if (valueSize < 0 || valueSize > end - valueAt - 4) {
      throw refuse("the value of an extField is cut", valueAt);
    }
    const next = valueAt + 4 + valueSize;
    if (keySize > 0) {
      fields.push([texts.read(at + 2, valueAt), texts.read(valueAt + 4, next)]);
    }
    at = next;
  }
  // Unlike an assignment this takes "__proto__" for a name like any other.
  return Object.fromEntries(fields);
}

/** Reads the texts in a part of a header. Decoding the part once costs less than each text alone. */
class TextsOf {
  readonly #header: Uint8Array;
  readonly #start: number;
  /** The part as one text, if each of its bytes became one unit. Positions are the same in both then. */
  readonly #whole: string | undefined;
  /** `true` if a unit of it replaces a byte that is no character by itself. */
  readonly #isMixed: boolean = false;

  constructor(header: Uint8Array, start: number, end: number) {
    this.#header = header;
    this.#start = start;
    if (end - start > HARMLESS_SIZE) return;
    const whole = lenient.decode(header.subarray(start, end));
    if (whole.length !== end - start) return;
    this.#whole = whole;
    this.#isMixed = whole.indexOf("\ufffd") >= 0;
  }

  read(start: number, end: number): string {
    const text = this.#whole?.slice(start - this.#start, end - this.#start);
    return text === undefined || (this.#isMixed && text.indexOf("\ufffd") >= 0)
      ? decodeText(this.#header, start, end)
      : text;
  }
}

function decodeText(header: Uint8Array, start: number, end: number): string {
  try {
    return strict.decode(header.subarray(start, end));
  } catch (cause) {
    throw refuse("text in the header is not UTF-8", start, cause);
  }
}

function readInt16(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 >> 16 | bytes[at + 1]!;
}

function readInt32(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
}

function refuse(reason: string, at: number, cause?: unknown): RemotingDecodeError {
  return new RemotingDecodeError(`Cannot decode frame: ${reason}`, {
    offset: FRAME_PREFIX_SIZE + at,
    ...(cause === undefined ? {} : { cause }),
  });
}
