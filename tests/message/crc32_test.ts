import { assertEquals, assertFalse, assertGreater } from "@std/assert";
import { xxHash32 } from "../../src/message/compression/lz4_decode.ts";
import { crc32ByTable } from "../../src/message/compression/node_zlib.ts";
import { crc32 } from "../../src/message/mod.ts";
import { fromBase64, readVectors } from "./fixtures.ts";

const encoder = new TextEncoder();

Deno.test("crc32() - gives the official value, with the sign bit cleared", () => {
  let cleared = 0;
  const vectors = readVectors<{ bytes: string }, { rocketmq: number; plain: number }>(
    "crc32",
    "crc32",
  );
  for (const { name, input, expected } of vectors) {
    assertEquals(crc32(fromBase64(input.bytes)), expected.rocketmq, name);
    if (expected.plain !== expected.rocketmq) cleared++;
  }
  assertGreater(cleared, 0, "no vector has the sign bit set");
});

Deno.test("crc32() - does not depend on where the bytes lie in their buffer", () => {
  const text = "The quick brown fox jumps over the lazy dog";
  for (let start = 0; start < 9; start++) {
    const buffer = new Uint8Array(start + text.length + 3).fill(0xff);
    buffer.set(encoder.encode(text), start);
    assertEquals(crc32(buffer.subarray(start, start + text.length)), 0x414fa339 & 0x7fffffff);
  }
});

Deno.test("crc32() - notices every changed bit of a short body", () => {
  const body = encoder.encode("Hello RocketMQ");
  const sum = crc32(body);
  for (let bit = 0; bit < 8 * body.length; bit++) {
    const changed = body.slice();
    changed[bit >>> 3]! ^= 1 << (bit & 7);
    assertFalse(crc32(changed) === sum, `bit ${bit}`);
  }
});

Deno.test("xxHash32() - gives the published values", () => {
  assertEquals(xxHash32(new Uint8Array()), 0x02cc5d05);
  assertEquals(xxHash32(encoder.encode("a")), 0x550d7456);
  assertEquals(xxHash32(encoder.encode("abc")), 0x32d153ff);
  assertEquals(
    xxHash32(encoder.encode("Nobody inspects the spammish repetition")),
    0xe2293b2f,
  );
});

Deno.test("crc32() - is the same in runtimes without node:zlib", () => {
  for (const length of [0, 1, 7, 8, 9, 1_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 37);
    assertEquals(crc32ByTable(bytes) & 0x7fffffff, crc32(bytes));
  }
});
