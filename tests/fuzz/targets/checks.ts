import { assert, assertEquals } from "@std/assert";
import { MessageDecodeError } from "../../../src/errors.ts";
import { decodeStoredMessage } from "../../../src/message/mod.ts";
import { readRecordedFrames } from "../../remoting/fixtures.ts";
import { decodeCommand, RequestCode } from "../../../src/remoting/mod.ts";
import type { Target } from "../target.ts";

/** The bodies of check-backs: stored half messages. */
export function checksTarget(): Target {
  const seeds = readRecordedFrames()
    .filter(({ code, direction }) =>
      code === RequestCode.CHECK_TRANSACTION_STATE && direction === "oneway"
    )
    .map(({ frame }) => decodeCommand(frame).body.slice());
  return {
    name: "checks",
    seeds,
    refusals: [MessageDecodeError],
    read(input) {
      const before = input.slice();
      try {
        const message = decodeStoredMessage(input);
        assert(message.body.length <= input.length);
        assert(message.commitLogOffset <= 2n ** 63n - 1n);
        for (const [name, value] of Object.entries(message.properties)) {
          assert(name !== "" && value !== "", "an empty property");
        }
      } finally {
        assertEquals(input, before, "the input was changed");
      }
      return true;
    },
  };
}
