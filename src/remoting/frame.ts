import { ByteWriter } from "../bytes.ts";
import { type ErrorFacts, InvalidArgumentError, RemotingDecodeError } from "../errors.ts";
import {
  CLIENT_VERSION,
  type JsonRequest,
  ONEWAY_FLAG,
  type RemotingCommand,
  type SerializeType,
} from "./command.ts";
import { decodeJsonHeader, stringifyHeader, writeRequestHeader } from "./header_json.ts";
import {
  decodeRocketmqHeader,
  estimateRocketmqHeader,
  writeRocketmqHeader,
} from "./header_rocketmq.ts";
import {
  DEFAULT_MAX_FRAME_SIZE,
  FRAME_PREFIX_SIZE,
  type FrameLimits,
  readLimits,
} from "./limits.ts";

const NO_BODY = new Uint8Array(0);

/** Placeholder for the frame prefix, which is written over it. */
const PREFIX_ROOM = "\0".repeat(FRAME_PREFIX_SIZE);

const encoder = new TextEncoder();

/**
 * Encodes a command as one whole frame: length, header form and header length, header, body.
 *
 * @throws {InvalidArgumentError} when a number does not fit its field or the frame would be larger
 * than 16 MiB.
 *
 * @example
 * ```ts
 * import { decodeCommand, encodeCommand, RequestCode } from "@rocketmq-deno/client/remoting";
 * import { assertEquals } from "@std/assert";
 *
 * const frame = encodeCommand({
 *   code: RequestCode.GET_ROUTEINFO_BY_TOPIC,
 *   language: 7,
 *   version: 475,
 *   opaque: 1,
 *   flag: 0,
 *   extFields: { topic: "TopicTest" },
 *   body: new Uint8Array(),
 *   serializeType: "JSON",
 * });
 * assertEquals(decodeCommand(frame).extFields.topic, "TopicTest");
 * ```
 */
export function encodeCommand(command: RemotingCommand): Uint8Array {
  checkCommand(command);
  checkFrameSize(command.body.length);
  return command.serializeType === "ROCKETMQ" ? encodeBinary(command) : encodeJson(command);
}

function encodeBinary(command: RemotingCommand): Uint8Array {
  const size = FRAME_PREFIX_SIZE + estimateRocketmqHeader(command) + command.body.length;
  checkFrameSize(size);
  const writer = new ByteWriter(size);
  appendCommand(writer, command);
  return writer.finish();
}

function encodeJson(command: RemotingCommand): Uint8Array {
  const { body } = command, header = stringifyHeader(command);
  checkFrameSize(FRAME_PREFIX_SIZE + header.length + body.length);
  const head = encoder.encode(PREFIX_ROOM + header), size = head.length + body.length;
  checkFrameSize(size);
  writeInt32(head, 0, size - 4);
  writeInt32(head, 4, head.length - FRAME_PREFIX_SIZE);
  if (body.length === 0) return head;
  const frame = new Uint8Array(size);
  frame.set(head);
  frame.set(body, head.length);
  return frame;
}

/** Appends the frame of a command that was checked, and returns its size. @throws {InvalidArgumentError} */
function appendCommand(writer: ByteWriter, command: RemotingCommand): number {
  const { serializeType, body } = command, start = beginFrame(writer);
  if (serializeType === "ROCKETMQ") writeRocketmqHeader(writer, command);
  else writer.text(stringifyHeader(command));
  return endFrame(writer, start, serializeType, body);
}

/** Appends the frame of a request under a number, and returns its size. @throws {InvalidArgumentError} */
export function appendRequest(
  writer: ByteWriter,
  request: JsonRequest,
  opaque: number,
  flag: number,
): number {
  checkCommand({ code: request.code, opaque, flag, version: CLIENT_VERSION, language: 0 });
  const start = beginFrame(writer);
  writeRequestHeader(writer, request, opaque, flag);
  return endFrame(writer, start, "JSON", request.body ?? NO_BODY);
}

function beginFrame(writer: ByteWriter): number {
  const start = writer.length;
  writer.seek(start + FRAME_PREFIX_SIZE);
  return start;
}

/** Writes the body, and then the prefix into the room before the header. */
function endFrame(
  writer: ByteWriter,
  start: number,
  serializeType: SerializeType,
  body: Uint8Array,
): number {
  const headerSize = writer.length - start - FRAME_PREFIX_SIZE;
  const size = FRAME_PREFIX_SIZE + headerSize + body.length;
  checkFrameSize(size);
  if (body.length > 0) writer.bytes(body);
  const { memory } = writer;
  writeInt32(memory, start, size - 4);
  writeInt32(memory, start + 4, headerSize);
  if (serializeType === "ROCKETMQ") memory[start + 4] = 1;
  return size;
}

/** Rejects numbers that don't fit their fields. @throws {InvalidArgumentError} */
function checkCommand(
  command: Pick<RemotingCommand, "code" | "version" | "opaque" | "flag" | "language">,
): void {
  const { code, version, opaque, flag, language } = command;
  if (
    (code | 0) === code && (version | 0) === version && (opaque | 0) === opaque &&
    (flag | 0) === flag && (language & 0xff) === language
  ) return;
  if ((language & 0xff) !== language) {
    throw new InvalidArgumentError(
      `Cannot encode command: language ${language} is not an integer from 0 to 255`,
    );
  }
  const [name, value] = Object.entries({ code, version, opaque, flag })
    .find(([, value]) => (value | 0) !== value)!;
  throw new InvalidArgumentError(
    `Cannot encode command: ${name} ${value} is not a 32-bit integer`,
  );
}

/** Rejects a frame that no peer accepts. @throws {InvalidArgumentError} */
function checkFrameSize(size: number): void {
  if (size <= DEFAULT_MAX_FRAME_SIZE) return;
  throw new InvalidArgumentError(
    `Cannot encode command: the frame would have ${size} bytes, at most ${DEFAULT_MAX_FRAME_SIZE} are allowed`,
  );
}

/**
 * Decodes one whole frame, its length field included. The body is a view into `frame`.
 *
 * @throws {RemotingDecodeError} when the bytes are not exactly one frame within the limits.
 */
export function decodeCommand(frame: Uint8Array, limits: FrameLimits = {}): RemotingCommand {
  const { maxFrameSize, maxExtFields } = readLimits(limits);
  const size = readFrameSize(frame, 0, maxFrameSize);
  if (size !== frame.length) {
    throw new RemotingDecodeError(
      `Cannot decode frame: ${frame.length} bytes are given, the length field says ${
        size ?? "more"
      }`,
      { offset: 0 },
    );
  }
  return decodeFrameAt(frame, 0, maxExtFields);
}

/**
 * Returns the size of the frame that begins at `start`, or undefined while fewer than 4 bytes are there.
 * Refuses all that the bytes show to be wrong, before the frame is whole.
 *
 * @throws {RemotingDecodeError} when the bytes can't begin a frame.
 */
export function readFrameSize(
  bytes: Uint8Array,
  start: number,
  maxFrameSize: number,
): number | undefined {
  const there = bytes.length - start;
  if (there < 4) return undefined;
  const length = readInt32(bytes, start);
  const size = length + 4;
  if (length < 4 || size > maxFrameSize) {
    throw undecodable(
      `a length of ${length} is ${
        length < 4 ? "shorter than the header word" : `over the limit of ${maxFrameSize - 4}`
      }`,
      guessPeer(bytes, start),
      { offset: 0, limit: maxFrameSize },
    );
  }
  if (there >= FRAME_PREFIX_SIZE) {
    const word = readInt32(bytes, start + 4);
    const type = word >>> 24, headerSize = word & 0xffffff;
    if (type > 1) {
      throw undecodable(
        `serialize type ${type} is neither 0 (JSON) nor 1 (ROCKETMQ)`,
        guessPeer(bytes, start),
        { offset: 4 },
      );
    }
    if (headerSize === 0 || headerSize > length - 4) {
      throw undecodable(
        `a header of ${headerSize} bytes does not fit a frame of ${size}`,
        guessPeer(bytes, start),
        { offset: 5, limit: length - 4 },
      );
    }
  }
  return size;
}

/** Decodes the frame at `start`. Its size was read before, and all of it is there. */
export function decodeFrameAt(
  bytes: Uint8Array,
  start: number,
  maxExtFields: number,
): RemotingCommand {
  const end = start + 4 + readInt32(bytes, start);
  const word = readInt32(bytes, start + 4);
  const headerEnd = start + FRAME_PREFIX_SIZE + (word & 0xffffff);
  const header = bytes.subarray(start + FRAME_PREFIX_SIZE, headerEnd);
  const command = word >>> 24 === 0
    ? decodeJsonHeader(header, maxExtFields)
    : decodeRocketmqHeader(header, maxExtFields);
  if (headerEnd < end) command.body = bytes.subarray(headerEnd, end);
  return command;
}

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readInt32(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
}

/** The bytes of a peer are those of another protocol: it is no server of this kind, and never will be. */
export class OtherProtocolError extends RemotingDecodeError {}

function undecodable(reason: string, guess: string, facts: ErrorFacts): RemotingDecodeError {
  const message = `Cannot decode frame: ${reason}${guess}`;
  return guess ? new OtherProtocolError(message, facts) : new RemotingDecodeError(message, facts);
}

/** Guesses the protocol of a peer that is not RocketMQ, for the error message. */
function guessPeer(bytes: Uint8Array, start: number): string {
  const [a, b, c, d] = bytes.subarray(start, start + 4);
  const word = String.fromCharCode(a!, b!, c!, d!);
  if (/^(HTTP|GET |POST|PUT |HEAD|PRI )$/.test(word)) {
    return ": this looks like HTTP, the address is not a RocketMQ remoting port";
  }
  if ((a === 0x15 || a === 0x16) && b === 0x03) {
    return ": the peer speaks TLS, connect with TLS or use its plain port";
  }
  if (a === 0 && d === 4 && bytes.length - start >= 8) {
    return ": this looks like HTTP/2 (gRPC), the address is a proxy, not a remoting port; for a " +
      "proxy in local mode use the name servers of its broker";
  }
  return "";
}

const INITIAL_SIZE = 16 * 1024;

/**
 * A buffer that grew beyond this is released when it is cleared. It has room for a body of 1 MiB and its
 * header: encoding these into new memory takes three times as long.
 */
const KEPT_SIZE = 1024 * 1024 + 64 * 1024;

/** Frames one after another, encoded into memory that is used again. */
export class FrameBuffer {
  #writer = new ByteWriter(INITIAL_SIZE);

  /** Returns the size of its frames in bytes. */
  get length(): number {
    return this.#writer.length;
  }

  /**
   * Adds the frame of a command, and returns its size.
   *
   * @throws {InvalidArgumentError} like `encodeCommand`. Nothing was added then.
   */
  append(command: RemotingCommand): number {
    const start = this.#writer.length;
    try {
      checkCommand(command);
      return appendCommand(this.#writer, command);
    } catch (error) {
      this.#writer.seek(start);
      throw error;
    }
  }

  /**
   * Adds the frame of a request under a number, like `append(createRequest(request, opaque, oneway))`,
   * and returns its size.
   *
   * @throws {InvalidArgumentError} like `encodeCommand`. Nothing was added then.
   */
  appendRequest(request: JsonRequest, opaque: number, oneway = false): number {
    const start = this.#writer.length;
    try {
      return appendRequest(this.#writer, request, opaque, oneway ? ONEWAY_FLAG : 0);
    } catch (error) {
      this.#writer.seek(start);
      throw error;
    }
  }

  /** Returns the bytes from `start` to `end`: a view, valid until the next `append` or `clear`. */
  bytesBetween(start: number, end: number): Uint8Array {
    return this.#writer.memory.subarray(start, end);
  }

  /** Drops the frames. */
  clear(): void {
    if (this.#writer.capacity > KEPT_SIZE) this.#writer = new ByteWriter(INITIAL_SIZE);
    else this.#writer.seek(0);
  }
}
