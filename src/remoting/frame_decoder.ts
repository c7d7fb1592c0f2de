import type { RemotingDecodeError } from "../errors.ts";
import type { RemotingCommand } from "./command.ts";
import { decodeFrameAt, readFrameSize } from "./frame.ts";
import type { FrameLimits } from "./limits.ts";

const EMPTY = new Uint8Array(0);

/**
 * Takes the bytes of a connection as they come, cut anywhere, and gives the commands in them.
 *
 * Frames that lie whole in a chunk are decoded in place: their bodies are views into that chunk,
 * so a chunk must not be written to again after it was pushed. A frame that comes in pieces is
 * gathered in memory that grows with the bytes that really came, never with the announced length.
 *
 * @example
 * ```ts
 * import { encodeCommand, FrameDecoder } from "@rocketmq-deno/client/remoting";
 * import { assertEquals } from "@std/assert";
 *
 * const frame = encodeCommand({
 *   code: 0, language: 7, version: 475, opaque: 9, flag: 1, extFields: {},
 *   body: new TextEncoder().encode("hello"), serializeType: "ROCKETMQ",
 * });
 * const decoder = new FrameDecoder();
 * assertEquals(decoder.push(frame.subarray(0, 10)), []);
 * assertEquals(decoder.push(frame.subarray(10))[0]?.opaque, 9);
 * ```
 */
export class FrameDecoder {
  readonly #limits: FrameLimits;
  #gathered: Uint8Array = EMPTY;
  #size = 0;
  #failure: RemotingDecodeError | undefined;

  /** Makes a decoder for one connection. */
  constructor(limits: FrameLimits = {}) {
    this.#limits = limits;
  }

  /** Bytes of a frame that has begun and is not whole. */
  get buffered(): number {
    return this.#size;
  }

  /**
   * Takes the next bytes and gives the commands that became whole, in order.
   *
   * @throws {RemotingDecodeError} when the bytes can't be frames. Commands that came before the
   * fault in the same chunk are lost with it, and every later call throws the same error: nothing
   * tells where the next frame would begin.
   */
  push(chunk: Uint8Array): RemotingCommand[] {
    const commands: RemotingCommand[] = [];
    this.pushInto(chunk, (command) => commands.push(command));
    return commands;
  }

  /** Like {@linkcode FrameDecoder.push}, but hands out each command as soon as it is decoded. */
  pushInto(chunk: Uint8Array, take: (command: RemotingCommand) => void): void {
    if (this.#failure) throw this.#failure;
    try {
      const start = this.#size > 0 ? this.#completeGathered(chunk, take) : 0;
      this.#decodeInPlace(chunk, start, take);
    } catch (error) {
      this.#failure = error as RemotingDecodeError;
      this.#gathered = EMPTY;
      this.#size = 0;
      throw error;
    }
  }

  /** Adds to the begun frame what it lacks; gives the position in `chunk` where the next one begins. */
  #completeGathered(chunk: Uint8Array, take: (command: RemotingCommand) => void): number {
    let at = 0;
    while (at < chunk.length) {
      const size = readFrameSize(this.#gathered, 0, this.#size, this.#limits);
      const wanted = this.#size < 8 ? 8 : size!;
      const end = Math.min(chunk.length, at + wanted - this.#size);
      this.#gather(chunk.subarray(at, end), wanted);
      at = end;
      const known = readFrameSize(this.#gathered, 0, this.#size, this.#limits);
      if (known !== undefined && this.#size === known) {
        const frame = this.#gathered;
        this.#gathered = EMPTY;
        this.#size = 0;
        take(decodeFrameAt(frame, 0, known, this.#limits));
        return at;
      }
    }
    return at;
  }

  #decodeInPlace(
    chunk: Uint8Array,
    start: number,
    take: (command: RemotingCommand) => void,
  ): void {
    let at = start;
    while (at < chunk.length) {
      const size = readFrameSize(chunk, at, chunk.length, this.#limits);
      if (size === undefined || size > chunk.length - at) {
        this.#gather(chunk.subarray(at), size ?? 8);
        return;
      }
      take(decodeFrameAt(chunk, at, size, this.#limits));
      at += size;
    }
  }

  #gather(bytes: Uint8Array, frameSize: number): void {
    const needed = this.#size + bytes.length;
    if (needed > this.#gathered.length) {
      const grown = new Uint8Array(Math.min(Math.max(frameSize, needed), 2 * needed + 64));
      grown.set(this.#gathered.subarray(0, this.#size));
      this.#gathered = grown;
    }
    this.#gathered.set(bytes, this.#size);
    this.#size = needed;
  }
}
