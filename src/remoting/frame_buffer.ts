import {
  CLIENT_VERSION,
  ONEWAY_FLAG,
  type RemotingCommand,
  type RemotingRequest,
  type SerializeType,
} from "./command.ts";
import { checkCommand, checkFrameSize, MAX_BYTES_PER_UNIT, writePrefix } from "./frame.ts";
import { encodeJsonHeader, encodeJsonRequest } from "./header_json_encoder.ts";
import { measureRocketmqHeader, writeRocketmqHeader } from "./header_rocketmq.ts";
import { FRAME_PREFIX_SIZE } from "./limits.ts";

const INITIAL_SIZE = 16 * 1024;

/** A buffer that grew beyond this is given back when it is cleared. */
const KEPT_SIZE = 1024 * 1024;

const NO_BODY = new Uint8Array(0);

const encoder = new TextEncoder();

/** Frames one behind the other, encoded in place into memory that is used again. */
export class FrameBuffer {
  #bytes = new Uint8Array(INITIAL_SIZE);
  #length = 0;

  /** Bytes of the frames in it. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds the frame of a command and gives its size.
   *
   * @throws {InvalidArgumentError} as `encodeCommand` does. Nothing was added then.
   */
  append(command: RemotingCommand): number {
    checkCommand(command);
    return command.serializeType === "ROCKETMQ"
      ? this.#appendBytes(command)
      : this.#appendText(encodeJsonHeader(command), command.body);
  }

  /**
   * Adds the frame of a request under a number, as `append(createRequest(request, opaque, oneway))`
   * does, and gives its size.
   *
   * @throws {InvalidArgumentError} as `encodeCommand` does. Nothing was added then.
   */
  appendRequest(request: RemotingRequest, opaque: number, oneway = false): number {
    const { code, body = NO_BODY } = request, flag = oneway ? ONEWAY_FLAG : 0;
    checkCommand({ code, opaque, flag, version: CLIENT_VERSION });
    return this.#appendText(encodeJsonRequest(request, opaque, flag), body);
  }

  /** The bytes from `start` to `end`: a view, which the next frame may leave behind. */
  view(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, end);
  }

  /** Forgets the frames. */
  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_SIZE) this.#bytes = new Uint8Array(INITIAL_SIZE);
  }

  #appendText(header: string, body: Uint8Array): number {
    checkFrameSize(FRAME_PREFIX_SIZE + header.length + body.length);
    this.#reserve(FRAME_PREFIX_SIZE + MAX_BYTES_PER_UNIT * header.length + body.length);
    const at = this.#length + FRAME_PREFIX_SIZE;
    const { written } = encoder.encodeInto(header, this.#bytes.subarray(at));
    return this.#finish(written, body, "JSON");
  }

  #appendBytes(command: RemotingCommand): number {
    const { body } = command, units = measureRocketmqHeader(command);
    checkFrameSize(FRAME_PREFIX_SIZE + units + body.length);
    this.#reserve(FRAME_PREFIX_SIZE + MAX_BYTES_PER_UNIT * units + body.length);
    const start = this.#length + FRAME_PREFIX_SIZE;
    const end = writeRocketmqHeader(command, this.#bytes, start);
    return this.#finish(end - start, body, "ROCKETMQ");
  }

  #finish(headerSize: number, body: Uint8Array, serializeType: SerializeType): number {
    const start = this.#length, size = FRAME_PREFIX_SIZE + headerSize + body.length;
    checkFrameSize(size);
    writePrefix(this.#bytes, start, size, headerSize, serializeType);
    if (body.length > 0) this.#bytes.set(body, start + FRAME_PREFIX_SIZE + headerSize);
    this.#length += size;
    return size;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
