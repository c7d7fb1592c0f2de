import { assertEquals } from "@std/assert";
import {
  decodeCommand,
  encodeCommand,
  type RemotingCommand,
  SerializeType,
} from "../../../src/remoting/mod.ts";
import type { Random } from "../random.ts";
import type { Target } from "../target.ts";

/** Valid commands of both header forms: what is encoded decodes to the same. */
export function commandsTarget(): Target {
  return {
    name: "commands",
    seeds: [],
    refusals: [],
    madeOneIn: 1,
    make: (random) => Uint8Array.from({ length: random.below(64) }, () => random.below(256)),
    read(body, random) {
      const command = makeCommand(random, body);
      const frame = encodeCommand(command);
      assertEquals(new DataView(frame.buffer, frame.byteOffset).getUint32(0), frame.length - 4);
      assertEquals(decodeCommand(frame), command);
      return true;
    },
  };
}

const LETTERS = [
  "a",
  "Z",
  "0",
  " ",
  '"',
  "\\",
  "/",
  "\n",
  "\u0001",
  "\u0002",
  "ü",
  "名",
  "🎉",
  "{",
  ":",
];

function makeCommand(random: Random, body: Uint8Array): RemotingCommand {
  const serializeType = random.pick([SerializeType.JSON, SerializeType.ROCKETMQ]);
  const isBinary = serializeType === SerializeType.ROCKETMQ;
  const int32 = () => random.next() | 0;
  const int16 = () => (random.next() << 16) >> 16;
  const extFields: Record<string, string> = {};
  for (let count = random.below(12); count > 0; count--) {
    const name = text(random, 1 + random.below(12)), value = text(random, random.below(40));
    // The binary form can't tell an empty value from none.
    if (!isBinary || value !== "") extFields[name] = value;
  }
  const remark = text(random, random.below(20));
  return {
    code: isBinary ? int16() : int32(),
    language: random.below(13),
    version: isBinary ? int16() : int32(),
    opaque: int32(),
    flag: int32(),
    ...(remark === "" || random.oneIn(2) ? {} : { remark }),
    extFields,
    body,
    serializeType,
  };
}

function text(random: Random, length: number): string {
  return Array.from({ length }, () => random.pick(LETTERS)).join("");
}
