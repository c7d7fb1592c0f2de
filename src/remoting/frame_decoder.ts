import { RemotingDecodeError } from "../errors.ts";
import type { RemotingCommand } from "./command.ts";
import { decodeFrameAt, encodeCommand, readFrameSize } from "./frame.ts";
import { FRAME_PREFIX_SIZE, type FrameLimits, readLimits } from "./limits.ts";

const EMPTY = new Uint8Array(0);

/** Size up to which a piece is copied faster byte by byte. */
const SHORT_PIECE = 16;

/**
 * Decodes the bytes of a connection as they come, cut anywhere, into commands.
 *
 * Frames that lie whole in a chunk are decoded in place. Their bodies are views into that chunk, so it
 * must not be written to after it was pushed. A frame that comes in pieces is gathered in memory that
 * grows with the bytes that came, never with the announced length.
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
  readonly #limits: Required<FrameLimits>;
  #gathered: Uint8Array = EMPTY;
  #size = 0;
  /** Size of the frame that is being gathered, 0 until its first 8 bytes are there. */
  #frameSize = 0;
  #failure: RemotingDecodeError | undefined;

  /**
   * Makes a decoder for one connection.
   *
   * @throws {InvalidArgumentError} when a limit is not an integer from 0.
   */
  constructor(limits: FrameLimits = {}) {
    this.#limits = readLimits(limits);
  }

  /** Returns the number of bytes of a frame that has begun and is not whole. */
  get buffered(): number {
    return this.#size;
  }

  /**
   * Takes the next bytes, and returns the commands that became whole, in order.
   *
   * @throws {RemotingDecodeError} when the bytes can't be frames. Commands before the fault in the same
   * chunk are lost with it. Every later call throws the same error, because nothing says where the next
   * frame would begin.
   */
  push(chunk: Uint8Array): RemotingCommand[] {
    const commands: RemotingCommand[] = [];
    this.pushInto(chunk, (command) => commands.push(command));
    return commands;
  }

  /**
   * Passes the commands to `take`, also those before a fault. Otherwise it is like
   * {@linkcode FrameDecoder.push}. What `take` throws ends the call, and the other commands of the chunk
   * are lost. The decoder itself is not affected, and takes the next chunk.
   *
   * @throws {RemotingDecodeError} when the bytes can't be frames, and at every later call.
   */
  pushInto(chunk: Uint8Array, take: (command: RemotingCommand) => void): void {
    if (this.#failure) throw this.#failure;
    const commands: RemotingCommand[] = [];
    try {
      const start = this.#size > 0 ? this.#completeGathered(chunk, commands) : 0;
      this.#decodeInPlace(chunk, start, commands);
    } catch (error) {
      this.#failure = error as RemotingDecodeError;
      this.#forgetGathered();
    }
    for (const command of commands) take(command);
    if (this.#failure) throw this.#failure;
  }

  /** Adds to the begun frame what it lacks. Returns the position in `chunk` where the next one begins. */
  #completeGathered(chunk: Uint8Array, commands: RemotingCommand[]): number {
    for (let at = 0; at < chunk.length;) {
      const wanted = this.#frameSize || FRAME_PREFIX_SIZE;
      const end = Math.min(chunk.length, at + wanted - this.#size);
      this.#gather(chunk, at, end, wanted);
      at = end;
      if (this.#frameSize === 0) this.#readGatheredSize();
      if (this.#size === this.#frameSize) {
        const frame = this.#gathered;
        this.#forgetGathered();
        commands.push(decodeFrameAt(frame, 0, this.#limits.maxExtFields));
        return at;
      }
    }
    return chunk.length;
  }

  #readGatheredSize(): void {
    const there = this.#gathered.subarray(0, this.#size);
    const size = readFrameSize(there, 0, this.#limits.maxFrameSize);
    if (size !== undefined && this.#size >= FRAME_PREFIX_SIZE) this.#frameSize = size;
  }

  #forgetGathered(): void {
    this.#gathered = EMPTY;
    this.#size = 0;
    this.#frameSize = 0;
  }

  #decodeInPlace(
    chunk: Uint8Array,
    start: number,
    commands: RemotingCommand[],
  ): void {
    const { maxFrameSize, maxExtFields } = this.#limits;
    let at = start;
    while (at < chunk.length) {
      const size = readFrameSize(chunk, at, maxFrameSize);
      if (size === undefined || size > chunk.length - at) {
        this.#gather(chunk, at, chunk.length, size ?? FRAME_PREFIX_SIZE);
        this.#readGatheredSize();
        return;
      }
      commands.push(decodeFrameAt(chunk, at, maxExtFields));
      at += size;
    }
  }

  #gather(chunk: Uint8Array, start: number, end: number, frameSize: number): void {
    const size = this.#size, needed = size + end - start;
    if (needed > this.#gathered.length) {
      const grown = new Uint8Array(Math.min(Math.max(frameSize, needed), 2 * needed + 64));
      grown.set(this.#gathered.subarray(0, size));
      this.#gathered = grown;
    }
    if (end - start > SHORT_PIECE) this.#gathered.set(chunk.subarray(start, end), size);
    else for (let i = start; i < end; i++) this.#gathered[size + i - start] = chunk[i]!;
    this.#size = needed;
  }
}

/**
 * Turns a stream of bytes, cut anywhere, into a stream of commands. A frame that can't be decoded
 * errors the stream with a {@linkcode RemotingDecodeError}. So does an end within a frame.
 *
 * @example
 * ```ts
 * import { encodeCommand, RemotingCommandDecoderStream } from "@rocketmq-deno/client/remoting";
 * import { assertEquals } from "@std/assert";
 *
 * const frame = encodeCommand({
 *   code: 0, language: 7, version: 475, opaque: 1, flag: 1, extFields: {},
 *   body: new Uint8Array(), serializeType: "JSON",
 * });
 * const commands = ReadableStream.from([frame.slice(0, 5), frame.slice(5)])
 *   .pipeThrough(new RemotingCommandDecoderStream());
 * assertEquals((await Array.fromAsync(commands)).length, 1);
 * ```
 */
export class RemotingCommandDecoderStream extends TransformStream<Uint8Array, RemotingCommand> {
  /** Makes the stream for one connection or one capture. */
  constructor(limits: FrameLimits = {}) {
    const decoder = new FrameDecoder(limits);
    super({
      transform(chunk, controller) {
        decoder.pushInto(chunk, (command) => controller.enqueue(command));
      },
      flush() {
        if (decoder.buffered === 0) return;
        throw new RemotingDecodeError(
          `Cannot decode frame: the stream ended ${decoder.buffered} bytes into a frame`,
          { offset: decoder.buffered },
        );
      },
    });
  }
}

/** Turns a stream of commands into a stream of frames, one chunk for each command. */
export class RemotingCommandEncoderStream extends TransformStream<RemotingCommand, Uint8Array> {
  /** Makes the stream for one connection. */
  constructor() {
    super({
      transform(command, controller) {
        controller.enqueue(encodeCommand(command));
      },
    });
  }
}
