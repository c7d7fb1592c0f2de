import type { RemotingCommand } from "./command.ts";
import { encodeCommand } from "./frame.ts";
import { FrameDecoder } from "./frame_decoder.ts";
import { RemotingDecodeError } from "../errors.ts";
import type { FrameLimits } from "./limits.ts";

/**
 * Turns a stream of bytes, cut anywhere, into a stream of commands. A frame that can't be decoded
 * errors the stream with a {@linkcode RemotingDecodeError}, and so does an end in mid-frame.
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
