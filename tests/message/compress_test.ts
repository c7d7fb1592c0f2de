import zlib from "node:zlib";
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import {
  compress,
  CompressionType,
  createCompressor,
  decompress,
  InvalidArgumentError,
} from "../../src/message/internal.ts";
import { compressZlib, zlibCompressor } from "../../src/message/compression/zlib.ts";
import { compressZstd, zstdCompressor } from "../../src/message/compression/zstd.ts";
import { createRandom, fromBase64, readVectors } from "./fixtures.ts";

const { LZ4: Lz4, ZSTD: Zstd, ZLIB: Zlib } = CompressionType;
const TYPES: Record<string, CompressionType> = { LZ4: Lz4, ZSTD: Zstd, ZLIB: Zlib };
const ORDERS = new TextEncoder().encode(
  JSON.stringify(Array.from({ length: 2000 }, (_, id) => ({ id, state: "paid", user: id % 97 }))),
);

Deno.test("compress() - decompress() gives the body back, in every way and at every level", async () => {
  const random = createRandom(11);
  const bodies = [
    new Uint8Array(0),
    new Uint8Array([1]),
    new Uint8Array(4096),
    Uint8Array.from({ length: 10_000 }, () => random() * 256),
    ORDERS,
    ORDERS.subarray(7, 5000),
  ];
  for (const [type, high] of [[Lz4, 22], [Zstd, 12], [Zlib, 9]] as const) {
    for (const body of bodies) {
      const before = body.slice();
      for (const level of [undefined, 1, high]) {
        const compressed = await compress(body, type, level);
        assertEquals(await decompress(compressed, type), before, `${type}, level ${level}`);
        assertEquals(compressed.constructor, Uint8Array);
      }
      assertEquals(body, before);
    }
    assertLess((await compress(ORDERS, type)).length, ORDERS.length / 3);
  }
});

Deno.test("compress() - what Java compressed becomes bytes that decompress to the same", async () => {
  const vectors = readVectors<null, { type: string; compressed: string; plainLength: number }>(
    "compression",
    "decompress",
  );
  for (const { name, expected } of vectors) {
    const type = TYPES[expected.type]!, official = fromBase64(expected.compressed);
    const plain = await decompress(official, type);
    const compressed = await compress(plain, type);
    assertEquals(await decompress(compressed, type, plain.length), plain, name);
    // The same format: magic number, or the first byte of a zlib header.
    const head = type === Zlib ? 1 : 4;
    assertEquals(compressed.subarray(0, head), official.subarray(0, head), name);
  }
});

Deno.test("compress() - zlib has the official client's level by default, and the one that is asked for", async () => {
  for (const level of [1, 5, 9]) {
    assertEquals(await compress(ORDERS, Zlib, level), plain(zlib.deflateSync(ORDERS, { level })));
  }
  assertEquals(await compress(ORDERS, Zlib), await compress(ORDERS, Zlib, 5));
  const sizes = await Promise.all(
    [1, 9].map(async (it) => (await compress(ORDERS, Zlib, it)).length),
  );
  assertLess(sizes[1]!, sizes[0]!);
});

Deno.test("compress() - Zstandard takes the level that is asked for", async () => {
  const key = zlib.constants.ZSTD_c_compressionLevel;
  for (const level of [1, 5, 22]) {
    const expected = zlib.zstdCompressSync(ORDERS, { params: { [key]: level } });
    assertEquals(await compress(ORDERS, Zstd, level), plain(expected));
  }
});

Deno.test("compress() - a level that does not exist is refused", async () => {
  for (const [type, highest] of [[Zlib, 9], [Zstd, 22], [Lz4, 22]] as const) {
    for (const level of [0, -1, 1.5, NaN, Infinity, highest + 1]) {
      await assertRejects(
        () => compress(ORDERS, type, level),
        InvalidArgumentError,
        `level ${level} is not an integer from 1 to ${highest}`,
      );
    }
  }
});

Deno.test("compress() - a runtime without node:zlib compresses with the web's own zlib, and says what it lacks", async () => {
  const missing = () => Promise.reject(new TypeError("Module not found"));
  for (const load of [missing, () => Promise.resolve({})]) {
    const compressed = await compressZlib(ORDERS, 5, load);
    assertLess(compressed.length, ORDERS.length / 3);
    assertEquals(await decompress(compressed, Zlib), ORDERS);
    const error = await assertRejects(() => compressZstd(ORDERS, 5, load), InvalidArgumentError);
    assertEquals(
      error.message,
      "Cannot compress body with ZSTD: this runtime has no zstdCompressSync in node:zlib, use ZLIB or LZ4",
    );
  }
});

Deno.test("compress() - the result is on its own: it shares no memory with later ones", async () => {
  for (const type of [Lz4, Zstd, Zlib]) {
    const first = await compress(ORDERS, type), copy = first.slice();
    await compress(ORDERS.map((byte) => byte ^ 1), type);
    assertEquals(first, copy);
    assert(first.slice().buffer !== first.buffer);
  }
});

function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

Deno.test("createCompressor() - gives at once what compress() gives", async () => {
  for (const [type, level] of [[Lz4, 1], [Zstd, 3], [Zlib, 9], [Zlib, undefined]] as const) {
    const compressor = createCompressor(type, level);
    for (const body of [ORDERS, new Uint8Array(5_000)]) {
      assertEquals(compressor(body), await compress(body, type, level));
    }
  }
  assertThrows(() => createCompressor(Zlib, 10), InvalidArgumentError, "from 1 to 9");
  assertThrows(() => createCompressor(Lz4, 0), InvalidArgumentError, "from 1 to 22");
  assertEquals([zlibCompressor({}, 5), zstdCompressor({}, 5)], [undefined, undefined]);
});

Deno.test("compress() - a document of random digits before text does not keep the text from being compressed", async () => {
  const random = createRandom(5);
  const hex = Array.from({ length: 16_384 }, () => Math.floor(random() * 16).toString(16)).join("");
  const log = Array.from(
    { length: 120 },
    (_, i) => `INFO order-service payment accepted customer=${i} amount=${i * 7919 % 100_000}`,
  ).join("\n");
  const body = new TextEncoder().encode(JSON.stringify({ document: hex, log }));
  for (const level of [1, 3, 5]) {
    assertEquals(await compress(body, Zlib, level), plain(zlib.deflateSync(body, { level })));
  }
});
