import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { compress, CompressionType, decompress } from "../../src/message/mod.ts";
import { seemsToRepeat } from "../../src/message/repeats.ts";
import { createRandom } from "./fixtures.ts";

const random = createRandom(71);
const encoder = new TextEncoder();

function randomBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random() * 256);
}

function base64(length: number): string {
  return Buffer.from(randomBytes(Math.ceil(length * 3 / 4))).toString("base64").slice(0, length);
}

function orders(count: number): unknown[] {
  return Array.from({ length: count }, (_, i) => ({
    sku: `SKU-${Math.floor(random() * 1e6)}`,
    name: ["Blue shirt", "Red shoes", "Green hat"][i % 3],
    price: { amount: Math.floor(random() * 1e4) / 100, currency: "EUR" },
  }));
}

function bytesOf(value: unknown): Uint8Array {
  return encoder.encode(typeof value === "string" ? value : JSON.stringify(value));
}

/** What looking for repeats makes nothing, or next to nothing, smaller. */
const RANDOM: Record<string, Uint8Array> = {
  "base64 of something encrypted": bytesOf(base64(4096)),
  "hex of something encrypted": bytesOf(Buffer.from(randomBytes(2048)).toString("hex")),
  "an encrypted body": randomBytes(4096),
  "a document in base64, in JSON": bytesOf({ id: "d-17", content: base64(3900), author: "Jane" }),
  "one byte": new Uint8Array([1]),
  "nothing": new Uint8Array(0),
};

/** What gets much smaller by it. */
const REPEATING: Record<string, Uint8Array> = {
  "orders": bytesOf(orders(40)),
  "orders, a third of it base64": bytesOf([...orders(20), base64(1000)]),
  "an order in XML": bytesOf(orders(40).map((_, i) => `<sku>${i * 977}</sku><qty>1</qty>`).join()),
  "text": bytesOf(
    "The broker writes the half message again, and asks about it again. ".repeat(60),
  ),
  "text in Chinese": bytesOf("半消息对消费者不可见，生产者提交后消息才可见。".repeat(60)),
  "times in a table": new Uint8Array(
    BigInt64Array.from({ length: 512 }, (_, i) => 1_795_368_420_144n + BigInt(i * 977)).buffer,
  ),
  "the same base64 twice": bytesOf(base64(2048).repeat(2)),
  "zeros": new Uint8Array(4096),
};

Deno.test("seemsToRepeat() - tells random letters from text, JSON and tables", () => {
  for (const [name, body] of Object.entries(RANDOM)) assert(!seemsToRepeat(body), name);
  for (const [name, body] of Object.entries(REPEATING)) assert(seemsToRepeat(body), name);
});

Deno.test("seemsToRepeat() - does not judge what is larger than zlib looks back", () => {
  assertEquals([32_768, 32_769].map((size) => seemsToRepeat(bytesOf(base64(size)))), [false, true]);
});

Deno.test("compress() - no repeats are looked for in random letters, which become as small without", async () => {
  const strategy = zlib.constants.Z_HUFFMAN_ONLY;
  for (const [name, body] of Object.entries(RANDOM)) {
    for (const level of [3, 5]) {
      const compressed = await compress(body, CompressionType.Zlib, level);
      assertEquals(compressed, new Uint8Array(zlib.deflateSync(body, { level, strategy })), name);
      const usual = zlib.deflateSync(body, { level }).length;
      assertLessOrEqual(compressed.length, usual * 1.01, `${name}, level ${level}`);
      assertEquals(await decompress(compressed, CompressionType.Zlib), body);
    }
  }
});

Deno.test("compress() - bodies that repeat are compressed as zlib does it", async () => {
  for (const [name, body] of Object.entries(REPEATING)) {
    const compressed = await compress(body, CompressionType.Zlib, 3);
    assertEquals(compressed, new Uint8Array(zlib.deflateSync(body, { level: 3 })), name);
    const { Z_HUFFMAN_ONLY } = zlib.constants;
    const blind = zlib.deflateSync(body, { level: 3, strategy: Z_HUFFMAN_ONLY }).length;
    assertLess(compressed.length, 0.9 * blind, name);
  }
});

Deno.test("compress() - levels above the official one look for repeats in anything", async () => {
  const body = RANDOM["base64 of something encrypted"]!;
  assertEquals(
    await compress(body, CompressionType.Zlib, 6),
    new Uint8Array(zlib.deflateSync(body, { level: 6 })),
  );
});
