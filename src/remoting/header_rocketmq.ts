import { InvalidArgumentError, RemotingDecodeError } from "../errors.ts";
import type { ByteWriter } from "./byte_writer.ts";
import type { RemotingCommand } from "./command.ts";
import { setField } from "./header_json.ts";
import { FRAME_PREFIX_SIZE } from "./limits.ts";

/** code 2, language 1, version 2, opaque 4, flag 4, remark length 4, extFields length 4. */
const FIXED_SIZE = 21;

/** Bytes of a name, which a 16-bit number tells. */
const MAX_NAME_SIZE = 0x7fff;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Writes the compact binary header of a command. */
export function writeRocketmqHeader(writer: ByteWriter, command: RemotingCommand): void {
  checkShort("code", command.code);
  checkShort("version", command.version);
  writer.binary(command.code, 2);
  writer.binary(command.language, 1);
  writer.binary(command.version, 2);
  writer.binary(command.opaque, 4);
  writer.binary(command.flag, 4);
  writer.sized(command.remark ?? "", 4);
  const start = writer.length;
  writer.seek(start + 4);
  const { extFields } = command;
  for (const name in extFields) {
    if (!Object.hasOwn(extFields, name)) continue;
    const nameStart = writer.length;
    writer.sized(name, 2);
    const nameSize = writer.length - nameStart - 2;
    if (nameSize > MAX_NAME_SIZE) {
      throw new InvalidArgumentError(
        `Cannot encode command: the name of an extField has ${nameSize} bytes, the ROCKETMQ header carries ${MAX_NAME_SIZE}`,
      );
    }
    writer.sized(extFields[name]!, 4);
  }
  const end = writer.length;
  writer.seek(start);
  writer.binary(end - start - 4, 4);
  writer.seek(end);
}

function checkShort(name: string, value: number): void {
  if ((value << 16 >> 16) === value) return;
  throw new InvalidArgumentError(
    `Cannot encode command: ${name} ${value} does not fit the 16 bits of the ROCKETMQ header, use JSON`,
  );
}

/** Reads a compact binary header. A pair with an empty name is left out, as Java does. */
export function decodeRocketmqHeader(
  header: Uint8Array,
  maxExtFields: number,
): Omit<RemotingCommand, "body"> {
  if (header.length < FIXED_SIZE) {
    throw refuse(
      `the ROCKETMQ header has ${header.length} bytes, at least ${FIXED_SIZE} are needed`,
      0,
    );
  }
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const remarkSize = view.getInt32(13);
  if (remarkSize < 0 || remarkSize > header.length - FIXED_SIZE) {
    throw refuse(`a remark of ${remarkSize} bytes passes the end of the header`, 13);
  }
  const pairsSize = view.getInt32(17 + remarkSize);
  const pairsStart = FIXED_SIZE + remarkSize;
  if (pairsSize < 0 || pairsSize > header.length - pairsStart) {
    throw refuse(
      `extFields of ${pairsSize} bytes pass the end of the header`,
      17 + remarkSize,
    );
  }
  const command: Omit<RemotingCommand, "body"> = {
    code: view.getInt16(0),
    language: view.getUint8(2),
    version: view.getInt16(3),
    opaque: view.getInt32(5),
    flag: view.getInt32(9),
    extFields: readPairs(header, view, pairsStart, pairsStart + pairsSize, maxExtFields),
    serializeType: "ROCKETMQ",
  };
  if (remarkSize > 0) command.remark = decodeText(header, 17, 17 + remarkSize);
  return command;
}

function readPairs(
  header: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  max: number,
): Record<string, string> {
  const fields: Record<string, string> = {};
  let count = 0;
  for (let at = start; at < end;) {
    if (++count > max) {
      throw new RemotingDecodeError(
        `Cannot decode frame: the header has more than ${max} extFields`,
        { offset: FRAME_PREFIX_SIZE + at, limit: max },
      );
    }
    const keySize = end - at < 2 ? -1 : view.getInt16(at);
    if (keySize < 0 || keySize > end - at - 2) throw refuse("the name of an extField is cut", at);
    const valueAt = at + 2 + keySize;
    const valueSize = end - valueAt < 4 ? -1 : view.getInt32(valueAt);
    if (valueSize < 0 || valueSize > end - valueAt - 4) {
      throw refuse("the value of an extField is cut", valueAt);
    }
    const next = valueAt + 4 + valueSize;
    if (keySize > 0) {
      setField(
        fields,
        decodeText(header, at + 2, valueAt),
        decodeText(header, valueAt + 4, next),
      );
    }
    at = next;
  }
  return fields;
}

function decodeText(header: Uint8Array, start: number, end: number): string {
  try {
    return utf8.decode(header.subarray(start, end));
  } catch (cause) {
    throw refuse("text in the header is not UTF-8", start, cause);
  }
}

function refuse(reason: string, at: number, cause?: unknown): RemotingDecodeError {
  return new RemotingDecodeError(`Cannot decode frame: ${reason}`, {
    offset: FRAME_PREFIX_SIZE + at,
    ...(cause === undefined ? {} : { cause }),
  });
}
