import { assert, assertEquals } from "@std/assert";
import {
  decodeCommand,
  encodeCommand,
  FrameDecoder,
  type RemotingCommand,
} from "../../../src/remoting/mod.ts";
import { RemotingDecodeError } from "../../../src/errors.ts";
import { readRecordedFrames } from "../../remoting/fixtures.ts";
import type { Random } from "../random.ts";
import type { Target } from "../target.ts";

/** Bytes of a connection, cut anywhere: what is whole is decoded, what is not is kept. */
export function framesTarget(): Target {
  return {
    name: "frames",
    seeds: readRecordedFrames().map(({ frame }) => frame),
    refusals: [RemotingDecodeError],
    read(input, random) {
      const before = input.slice();
      const commands: RemotingCommand[] = [], decoder = new FrameDecoder();
      try {
        for (const piece of cut(random, input)) {
          decoder.pushInto(piece, (command) => commands.push(command));
        }
      } finally {
        assertEquals(input, before, "the input was changed");
      }
      const sizes = frameSizes(input);
      assertEquals(commands.length, sizes.length, "a frame was lost or invented");
      const whole = sizes.reduce((sum, size) => sum + size, 0);
      assertEquals(decoder.buffered, input.length - whole, "trailing bytes were not kept");
      let at = 0;
      for (const [index, size] of sizes.entries()) {
        const alone = decodeCommand(input.slice(at, at += size));
        assertEquals(commands[index], alone, "a cut changed a command");
        assertEquals(decodeCommand(encodeCommand(alone)), alone, "encoding changed a command");
      }
      if (decoder.buffered === 0 && random.below(READ_AGAIN) === 0) {
        assertEquals(decoder.push(input), commands, "what was read before changed a command");
      }
      return commands.length > 0;
    },
  };
}

/** One input of so many is read a second time, by the decoder that has seen it. */
const READ_AGAIN = 8;

/** Most bytes of a piece: the tiny ones take the most time, and show the least more. */
const PIECES = [1, 7, 64, 1_000, 16_384, 1_000_000, 1_000_000, 1_000_000] as const;

function* cut(random: Random, input: Uint8Array): Generator<Uint8Array> {
  const most = random.pick(PIECES);
  for (let at = 0; at < input.length;) {
    const size = 1 + random.below(most);
    yield input.subarray(at, at += size);
  }
}

/** The sizes of the frames that lie whole in the input, by their own account. */
function frameSizes(input: Uint8Array): number[] {
  const view = new DataView(input.buffer, input.byteOffset, input.length), sizes: number[] = [];
  for (let at = 0; at + 8 <= input.length;) {
    const size = 4 + view.getUint32(at);
    assert(size >= 8, "a frame without a header was accepted");
    if (at + size > input.length) break;
    sizes.push(size);
    at += size;
  }
  return sizes;
}
