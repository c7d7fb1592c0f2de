import { assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { MessageDecodeError } from "../../src/message/mod.ts";
import { decompressLz4 } from "../../src/message/compression/lz4_decode.ts";
import { xxHash32 } from "../../src/message/compression/lz4_decode.ts";
import { createRandom, fromBase64, readLines, sha256 } from "./fixtures.ts";

const LIMIT = 1024 * 1024;

/** A frame as the reference implementation writes it with the options in `tool`. */
interface Frame {
  name: string;
  tool: string;
  compressed: string;
  plainLength: number;
  plainSha256: string;
}

function readFrames(): Frame[] {
  return readLines<Frame>("compression/lz4-frames.jsonl");
}

function uint32(value: number): number[] {
  return [value & 255, value >>> 8 & 255, value >>> 16 & 255, value >>> 24];
}

/** A frame made by hand, by default with independent blocks of at most 64 KiB. */
function frame(
  blocks: (number[] | { plain: number[] })[],
  { flags = 0x60, block = 0x40, more = [] as number[], end = [0, 0, 0, 0] } = {},
): Uint8Array {
  const descriptor = [flags, block, ...more];
  const checksum = xxHash32(Uint8Array.from(descriptor)) >>> 8 & 255;
  const data = blocks.flatMap((b) =>
    Array.isArray(b)
      ? [...uint32(b.length), ...b]
      : [...uint32(b.plain.length | 0x80000000), ...b.plain]
  );
  return Uint8Array.from([4, 0x22, 0x4d, 0x18, ...descriptor, checksum, ...data, ...end]);
}

function assertRefuses(bytes: Uint8Array, says: string): MessageDecodeError {
  return assertThrows(() => decompressLz4(bytes, LIMIT), MessageDecodeError, says);
}

const LITERALS_ABC = [0x30, 0x61, 0x62, 0x63];

Deno.test("decompressLz4() - reads the frames of the reference implementation", async () => {
  for (const { name, compressed, plainLength, plainSha256 } of readFrames()) {
    const plain = decompressLz4(fromBase64(compressed), LIMIT);
    assertEquals(plain.length, plainLength, name);
    assertEquals(await sha256(plain), plainSha256, name);
  }
});

Deno.test("decompressLz4() - reads a frame made by hand, and frames that follow each other", () => {
  const plain = new TextDecoder().decode(decompressLz4(frame([LITERALS_ABC]), LIMIT));
  assertEquals(plain, "abc");
  // Literals "abc", a match of 3 back and 6 long that overlaps itself, literals "!".
  const overlapping = frame([[0x32, 0x61, 0x62, 0x63, 3, 0, 0x10, 0x21]]);
  const skippable = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 0xff, 0xff];
  const stored = frame([{ plain: [0x78, 0x79] }]);
  const all = Uint8Array.from([...skippable, ...overlapping, ...skippable, ...stored]);
  assertEquals(new TextDecoder().decode(decompressLz4(all, LIMIT)), "abcabcabc!xy");
});

Deno.test("decompressLz4() - a match may reach into earlier blocks only where blocks are linked", () => {
  const reaching = [0x00, 3, 0, 0x10, 0x21];
  const linked = decompressLz4(frame([LITERALS_ABC, reaching], { flags: 0x40 }), LIMIT);
  assertEquals(new TextDecoder().decode(linked), "abcabca!");
  assertRefuses(frame([LITERALS_ABC, reaching]), "a match begins outside");
  // Not even where blocks are linked does it reach into the frame before.
  const second = frame([reaching], { flags: 0x40 });
  const two = Uint8Array.from([...frame([LITERALS_ABC], { flags: 0x40 }), ...second]);
  assertRefuses(two, "a match begins outside");
});

Deno.test("decompressLz4() - refuses what no compressor writes", () => {
  const max = Array<number>(65536 + 1).fill(0x61);
  const long = [0x1f, 0x61, 1, 0, ...Array<number>(300).fill(255), 0, 0x10, 0x21];
  for (
    const [says, bytes] of [
      ["not the magic number", Uint8Array.from([0x02, 0x21, 0x4c, 0x18, 0, 0, 0, 0])],
      ["not the magic number", Uint8Array.from([0, 0, 0, 5, 0x50, 0x68, 0x65, 0x6c, 0x6c, 0x6f])],
      ["no frame with data", Uint8Array.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0])],
      ["ends within the skippable frame", Uint8Array.from([0x5f, 0x2a, 0x4d, 0x18, 1, 0, 0, 0])],
      ["version 0", frame([], { flags: 0x20 })],
      ["reserved bits", frame([], { flags: 0x62 })],
      ["reserved bits", frame([], { block: 0x41 })],
      ["reserved bits", frame([], { block: 0xc0 })],
      ["reserved bits", frame([], { block: 0x30 })],
      ["needs a dictionary", frame([], { flags: 0x61, more: [1, 2, 3, 4] })],
      ["a block of 65537 bytes", frame([{ plain: max }])],
      ["a block becomes larger", frame([long])],
      ["a match begins outside", frame([[0x30, 0x61, 0x62, 0x63, 0, 0, 0x10, 0x21]])],
      ["a match begins outside", frame([[0x30, 0x61, 0x62, 0x63, 4, 0, 0x10, 0x21]])],
      ["literals reach beyond", frame([[0x40, 0x61, 0x62, 0x63]])],
      ["ends within a match", frame([[0x30, 0x61, 0x62, 0x63, 1]])],
      ["ends within a length", frame([[0xf0, 255, 255]])],
      ["ends within a length", frame([[0x1f, 0x61, 1, 0, 255]])],
      ["does not end with literals", frame([[0x10, 0x61, 1, 0]])],
      ["ends within the block size", frame([LITERALS_ABC], { end: [] })],
      [
        "it has 3 bytes and states 4",
        frame([LITERALS_ABC], { flags: 0x68, more: [4, 0, 0, 0, 0, 0, 0, 0] }),
      ],
      [
        "the checksum of the content",
        frame([LITERALS_ABC], { flags: 0x64, end: [0, 0, 0, 0, 1, 2, 3, 4] }),
      ],
    ] as [string, Uint8Array][]
  ) {
    assertRefuses(bytes, says);
  }
});

Deno.test("decompressLz4() - an error tells where the damage is", () => {
  const good = frame([LITERALS_ABC]);
  const bad = good.slice();
  bad[6]! ^= 1;
  assertEquals(assertRefuses(bad, "frame descriptor does not match").offset, 6);
  assertEquals(assertRefuses(frame([LITERALS_ABC, [0x40, 0x61]]), "literals reach").offset, 19);
});

Deno.test("decompressLz4() - with checksums every changed bit is noticed", () => {
  const { compressed } = readFrames().find(({ name }) => name.startsWith("block and content"))!;
  const bytes = fromBase64(compressed);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = bytes.slice();
    changed[bit >>> 3]! ^= 1 << (bit & 7);
    assertRefuses(changed, "Cannot decompress");
  }
});

Deno.test("decompressLz4() - noise never leads beyond the limit or to another error", () => {
  const random = createRandom(3);
  for (let run = 0; run < 20_000; run++) {
    const block = Array.from({ length: 1 + random() * 40 }, () => Math.floor(random() * 256));
    const limit = Math.floor(random() * 2000);
    try {
      assertLessOrEqual(decompressLz4(frame([block]), limit).length, limit);
    } catch (error) {
      assertEquals((error as Error).constructor, MessageDecodeError, String(error));
    }
  }
});
