import { assertEquals } from "@std/assert";
import { decodeCommand, encodeCommand } from "../../../src/remoting/mod.ts";
import { RemotingDecodeError } from "../../../src/errors.ts";
import { readRecordedFrames } from "../../remoting/fixtures.ts";
import { frameOf } from "../../remoting/frames.ts";
import type { Target } from "../target.ts";

/** Headers within a frame whose lengths are right. The first byte of an input names the form. */
export function headersTarget(): Target {
  return {
    name: "headers",
    seeds: readRecordedFrames().map(({ frame }) => {
      const size = new DataView(frame.buffer).getUint32(4) & 0xff_ffff;
      return Uint8Array.of(frame[4]!, ...frame.subarray(8, 8 + size));
    }),
    refusals: [RemotingDecodeError],
    read(input) {
      const frame = frameOf(input.subarray(1), { type: input[0] ?? 0, body: BODY });
      const command = decodeCommand(frame);
      assertEquals(command.body, BODY);
      if (command.serializeType === "JSON") {
        const spaced = frameOf(Uint8Array.of(0x20, ...input.subarray(1)), { body: BODY });
        assertEquals(command, decodeCommand(spaced), "a space in front changed it");
      }
      assertEquals(decodeCommand(encodeCommand(command)), command, "encoding changed it");
      return true;
    },
  };
}

const BODY = Uint8Array.of(1, 2, 3);
