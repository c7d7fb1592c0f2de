import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import { decompressLz4 } from "../../src/message/compression/lz4_decode.ts";
import { compressLz4, compressLz4Block } from "../../src/message/compression/lz4_encode.ts";
import { createRandom, fromBase64, readLines, readVectors } from "./fixtures.ts";

const MIB = 1024 * 1024;
const BLOCK = 4 * MIB;
const FRAME_OVERHEAD = 7 + 4 + 4;
const STORED = 0x80000000;

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes of `alphabet` values, with runs and repetitions of earlier parts when `repeats`. */
function noise(length: number, seed: number, alphabet: number, repeats = false): Uint8Array {
  const random = createRandom(seed), bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    if (repeats && at > 8 && random() < 0.3) {
      const size = Math.min(length - at, Math.floor(random() ** 4 * 2000) + 3);
      const from = Math.floor(random() * at);
      for (let i = 0; i < size; i++) bytes[at + i] = bytes[from + i]!;
      at += size;
    } else bytes[at++] = Math.floor(random() * alphabet);
  }
  return bytes;
}

/** The size words of a frame's blocks. */
function blockSizes(frame: Uint8Array): number[] {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength), sizes: number[] = [];
  let at = 7;
  for (let size = view.getUint32(at, true); size !== 0; size = view.getUint32(at, true)) {
    sizes.push(size);
    at += 4 + size % STORED;
  }
  assertEquals(at + 4, frame.length, "something follows the end mark");
  return sizes;
}

/** The rules of the format that fast decompressors rely on. Returns the size of the content. */
function assertKeepsRules(block: Uint8Array): number {
  let at = 0, size = 0, lastMatchAt = 0;
  const readLength = (nibble: number) => {
    let length = nibble;
    for (let more = nibble === 15 ? 255 : 0; more === 255; length += more) more = block[at++]!;
    return length;
  };
  for (;;) {
    const token = block[at++]!, literals = readLength(token >>> 4);
    at += literals;
    size += literals;
    if (at === block.length) {
      if (lastMatchAt > 0) {
        assertGreaterOrEqual(literals, 5, "the last five bytes are literals");
        assertLessOrEqual(lastMatchAt, size - 12, "no match begins in the last twelve bytes");
      }
      return size;
    }
    const distance = block[at]! | block[at + 1]! << 8;
    at += 2;
    assert(distance > 0 && distance <= size, `distance ${distance} at ${size}`);
    lastMatchAt = size;
    size += readLength(token & 15) + 4;
    assertLess(at, block.length, "a block ends with literals");
  }
}

function assertRoundTrip(plain: Uint8Array): Uint8Array {
  const frame = compressLz4(plain);
  assertEquals(decompressLz4(frame, plain.length), plain);
  return frame;
}

Deno.test("compressLz4() - what is compressed becomes the same again", () => {
  const texts = [
    "",
    "x",
    "hello hello hello",
    "a".repeat(12),
    "a".repeat(13),
    "abcabcabcabcabcabcabcabc!",
    "0123456789abcdef".repeat(1000),
    JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ id, state: "paid", user: id % 7 }))),
    "сообщение 🚀 ".repeat(3000),
  ];
  for (const text of texts) assertRoundTrip(utf8(text));
});

Deno.test("compressLz4() - any length, any kind of bytes", () => {
  for (let length = 0; length < 300; length++) {
    for (const alphabet of [1, 2, 4, 256]) assertRoundTrip(noise(length, length + 1, alphabet));
  }
  for (let seed = 1; seed < 60; seed++) {
    const random = createRandom(seed);
    const plain = noise(Math.floor(random() * 200_000), seed, 1 + Math.floor(random() * 256), true);
    assertRoundTrip(plain);
    assertRoundTrip(plain.subarray(plain.length >>> 2, plain.length >>> 1));
  }
});

Deno.test("compressLz4() - blocks keep the rules that fast decompressors rely on", () => {
  let compressed = 0;
  for (let seed = 1; seed < 200; seed++) {
    const plain = noise(seed * 7, seed, 3, true);
    const block = compressLz4Block(plain);
    if (!block) continue;
    assertEquals(assertKeepsRules(block), plain.length);
    assertLess(block.length, plain.length);
    compressed++;
  }
  assertGreaterOrEqual(compressed, 190);
  assertKeepsRules(compressLz4Block(new Uint8Array(BLOCK))!);
  assertEquals(compressLz4Block(new Uint8Array(0)), undefined);
});

Deno.test("compressLz4() - a match reaches back 65535 bytes and no further", () => {
  const marker = utf8("a marker that is found nowhere else");
  const sizeAt = (distance: number) => {
    const plain = new Uint8Array(distance + 100);
    plain.set(marker);
    plain.set(marker, distance);
    return assertRoundTrip(plain).length;
  };
  assertLess(sizeAt(65_535), sizeAt(65_536) - 20);
});

Deno.test("compressLz4() - the frame is described as the official client describes it", () => {
  const official = readVectors<null, { type: string; compressed: string }>(
    "compression",
    "decompress",
  ).filter(({ expected }) => expected.type === "LZ4");
  for (const { name, expected } of official) {
    const bytes = fromBase64(expected.compressed);
    const frame = compressLz4(decompressLz4(bytes, MIB));
    assertEquals(frame.subarray(0, 7), bytes.subarray(0, 7), name);
    assertEquals(frame.subarray(-4), bytes.subarray(-4), name);
    // It finds what the official client finds.
    assertLessOrEqual(frame.length, bytes.length + 2, name);
  }
});

Deno.test("compressLz4() - what the reference implementation compresses it compresses, too", () => {
  interface Frame {
    name: string;
    compressed: string;
    plainLength: number;
  }
  for (
    const { name, compressed, plainLength } of readLines<Frame>("compression/lz4-frames.jsonl")
  ) {
    const plain = decompressLz4(fromBase64(compressed), plainLength);
    const frame = assertRoundTrip(plain);
    const bound = plainLength + FRAME_OVERHEAD;
    assertLessOrEqual(frame.length, Math.min(bound, 1.3 * compressed.length * 3 / 4 + 64), name);
  }
});

Deno.test("compressLz4() - what can't be compressed is stored, and hardly grows", () => {
  for (const length of [1, 100, 65_536, MIB]) {
    const frame = assertRoundTrip(noise(length, length, 256));
    assertEquals(frame.length, length + FRAME_OVERHEAD);
    assertEquals(blockSizes(frame), [length + STORED]);
  }
  assertEquals(blockSizes(assertRoundTrip(new Uint8Array(0))), []);
});

Deno.test("compressLz4() - blocks of 4 MiB stand on their own", () => {
  const plain = new Uint8Array(2 * BLOCK + 10).fill(7);
  const frame = compressLz4(plain);
  assertEquals(decompressLz4(frame, plain.length).length, plain.length);
  const [first, second, third, ...more] = blockSizes(frame);
  assertEquals([second, third, more], [first, 10 + STORED, []]);
  assertEquals(blockSizes(compressLz4(plain.subarray(0, BLOCK))).length, 1);
  assertEquals(blockSizes(compressLz4(plain.subarray(0, BLOCK + 1))).length, 2);
});

Deno.test("compressLz4() - neither changes the body nor keeps it", () => {
  const around = noise(1000, 5, 4), body = around.subarray(100, 900);
  const before = around.slice();
  const frame = compressLz4(body), same = frame.slice();
  assertEquals(around, before);
  around.fill(0);
  assertEquals(frame, same);
  assertEquals(decompressLz4(frame, 800), before.subarray(100, 900));
});
