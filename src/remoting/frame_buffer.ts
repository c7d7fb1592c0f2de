import { ByteWriter } from "../byte_writer.ts";
import { type JsonRequest, ONEWAY_FLAG, type RemotingCommand } from "./command.ts";
import { appendCommand, appendRequest, checkCommand } from "./frame.ts";

const INITIAL_SIZE = 16 * 1024;

/**
 * A buffer that grew beyond this is given back when it is cleared: a body of 1 MiB and its header,
 * which takes three times as long to encode into new memory.
 */
const KEPT_SIZE = 1024 * 1024 + 64 * 1024;

/** Frames one behind the other, encoded in place into memory that is used again. */
export class FrameBuffer {
  #writer = new ByteWriter(INITIAL_SIZE);

  /** Bytes of the frames in it. */
  get length(): number {
    return this.#writer.length;
  }

  /**
   * Adds the frame of a command and gives its size.
   *
   * @throws {InvalidArgumentError} as `encodeCommand` does. Nothing was added then.
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
   * Adds the frame of a request under a number, as `append(createRequest(request, opaque, oneway))`
   * does, and gives its size.
   *
   * @throws {InvalidArgumentError} as `encodeCommand` does. Nothing was added then.
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

  /** Forgets the frames. */
  clear(): void {
    if (this.#writer.capacity > KEPT_SIZE) this.#writer = new ByteWriter(INITIAL_SIZE);
    else this.#writer.seek(0);
  }
}
