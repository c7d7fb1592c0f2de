import zlib from "node:zlib";
import { assertEquals, assertLess, assertLessOrEqual, assertRejects } from "@std/assert";
import {
  CompressionType,
  decompress,
  InvalidArgumentError,
  MessageDecodeError,
} from "../../src/message/mod.ts";
import type { NodeZlib } from "../../src/message/compression/node_zlib.ts";
import { decompressZlib } from "../../src/message/compression/zlib.ts";
import { decompressZstd } from "../../src/message/compression/zstd.ts";
import { createRandom, fromBase64, readVectors, sha256 } from "./fixtures.ts";

const MIB = 1024 * 1024;
const { LZ4: Lz4, ZSTD: Zstd, ZLIB: Zlib } = CompressionType;
const TYPES: Record<string, CompressionType> = { LZ4: Lz4, ZSTD: Zstd, ZLIB: Zlib };

interface Plain {
  type: string;
  compressed: string;
  plainLength: number;
  plainSha256: string;
}

/** One compressed body of each kind, as the Java library wrote it. */
function readSamples(length = 4500) {
  return readVectors<null, Plain>("compression", "decompress")
    .filter(({ expected }) => expected.plainLength === length)
    .map(({ expected: { type, compressed } }) => ({
      name: type,
      type: TYPES[type]!,
      bytes: fromBase64(compressed),
    }));
}

function assertRefuses(
  bytes: Uint8Array,
  type: CompressionType,
  says: string,
  limit?: number,
): Promise<MessageDecodeError> {
  return assertRejects(() => decompress(bytes, type, limit), MessageDecodeError, says);
}

Deno.test("decompress() - reads what the Java library wrote", async () => {
  for (const { name, expected } of readVectors<null, Plain>("compression", "decompress")) {
    const plain = await decompress(fromBase64(expected.compressed), TYPES[expected.type]!);
    assertEquals(plain.length, expected.plainLength, name);
    assertEquals(await sha256(plain), expected.plainSha256, name);
  }
});

Deno.test("decompress() - reads what other compressors write", async () => {
  const text = new TextEncoder().encode("сообщение 🚀 ".repeat(20_000));
  for (const level of [1, 9]) {
    assertEquals(await decompress(zlib.deflateSync(text, { level }), Zlib), text);
  }
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate"));
  assertEquals(await decompress(await new Response(stream).bytes(), Zlib), text);
  const { ZSTD_c_checksumFlag, ZSTD_c_contentSizeFlag, ZSTD_c_compressionLevel } = zlib.constants;
  for (const flag of [0, 1]) {
    const params = { [ZSTD_c_checksumFlag]: flag, [ZSTD_c_contentSizeFlag]: flag };
    assertEquals(await decompress(zlib.zstdCompressSync(text, { params }), Zstd), text);
  }
  const best = { params: { [ZSTD_c_compressionLevel]: 19 } };
  assertEquals(await decompress(zlib.zstdCompressSync(text, best), Zstd), text);
});

Deno.test("decompress() - Zstandard frames may follow each other, and frames without data", async () => {
  const one = zlib.zstdCompressSync(new Uint8Array(10).fill(1));
  const two = zlib.zstdCompressSync(new Uint8Array(10).fill(2));
  const skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
  const expected = new Uint8Array(20).fill(1, 0, 10).fill(2, 10);
  const frames = [[...one, ...two], [...one, ...skippable, ...two], [...skippable, ...one, ...two]];
  for (const bytes of frames) {
    assertEquals(await decompress(new Uint8Array(bytes), Zstd, 20), expected);
    await assertRefuses(new Uint8Array(bytes), Zstd, "more than 19 bytes", 19);
  }
  await assertRefuses(new Uint8Array(skippable), Zstd, "no frame with data");
  const empty = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0];
  assertEquals((await decompress(new Uint8Array(empty), Zstd)).length, 0);
  const many = new Uint8Array(Array(1025).fill(empty).flat());
  await assertRefuses(many, Zstd, "more than 1024 frames");
});

Deno.test("decompress() - a body may be as large as the limit and no larger", async () => {
  for (const { name, type, bytes } of readSamples()) {
    assertEquals((await decompress(bytes, type, 4500)).length, 4500, name);
    for (const limit of [4499, 100, 1, 0]) {
      const error = await assertRefuses(bytes, type, `more than ${limit} bytes`, limit);
      assertEquals(error.limit, limit, name);
      assertEquals(error.code, "DECODE");
    }
  }
  for (const { name, type, bytes } of readSamples(0)) {
    assertEquals((await decompress(bytes, type, 0)).length, 0, name);
  }
  for (const limit of [NaN, -1, 1.5, Infinity]) {
    await assertRejects(() => decompress(new Uint8Array(), Zlib, limit), InvalidArgumentError);
  }
});

/** Runs `action` and asserts that it took less memory than the bombs would. */
async function assertTakesLittle(action: () => Promise<unknown>): Promise<void> {
  const before = Deno.memoryUsage().rss;
  await action();
  assertLess(Deno.memoryUsage().rss - before, 128 * MIB);
}

Deno.test("decompress() - 4 MiB of zlib that inflate to 4 GiB stop at the limit", async () => {
  const mebibyte = zlib.deflateRawSync(new Uint8Array(MIB), {
    level: 9,
    finishFlush: zlib.constants.Z_FULL_FLUSH,
  });
  const bomb = new Uint8Array(2 + 4096 * mebibyte.length);
  bomb.set([0x78, 0xda]);
  for (let at = 2; at < bomb.length; at += mebibyte.length) bomb.set(mebibyte, at);
  await assertTakesLittle(async () => {
    const error = await assertRefuses(bomb, Zlib, "more than 4194304 bytes");
    assertEquals(error.limit, 4 * MIB);
  });
});

Deno.test("decompress() - Zstandard and LZ4 bombs stop at the limit too", async () => {
  // A frame of blocks that each repeat one byte 128 KiB times.
  const zstd = new Uint8Array(6 + 4 * MIB);
  zstd.set([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]);
  for (let at = 6; at < zstd.length; at += 4) zstd.set([0x02, 0x00, 0x10, 0x41], at);
  zstd[zstd.length - 4]! |= 1;
  // One literal, then a match whose length goes on for ever.
  const lz4 = new Uint8Array(11 + 4 * MIB).fill(0xff);
  lz4.set([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]);
  new DataView(lz4.buffer).setUint32(7, 4 * MIB, true);
  lz4.set([0x1f, 0x41, 0x01, 0x00], 11);
  lz4.set([0x00, 0x00], lz4.length - 2);
  await assertTakesLittle(async () => {
    assertEquals((await assertRefuses(zstd, Zstd, "more than 4194304")).limit, 4 * MIB);
    assertEquals((await assertRefuses(lz4, Lz4, "more than 4194304")).limit, 4 * MIB);
  });
});

Deno.test("decompress() - a size that a frame only states is refused before memory is taken", async () => {
  // Zstandard, content of 2^60 bytes.
  const zstd = new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x10, 1, 0, 0]);
  assertEquals((await assertRefuses(zstd, Zstd, "more than")).limit, 4 * MIB);
  const lz4 = new Uint8Array([4, 0x22, 0x4d, 0x18, 0x68, 0x70, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0]);
  assertEquals((await assertRefuses(lz4, Lz4, "more than")).limit, 4 * MIB);
});

Deno.test("decompress() - a body cut off anywhere is refused, and so is one that goes on", async () => {
  for (const length of [23, 4500]) {
    for (const { type, bytes } of readSamples(length)) {
      for (let end = 0; end < bytes.length; end++) {
        await assertRefuses(bytes.subarray(0, end), type, "Cannot decompress");
      }
      await assertRefuses(new Uint8Array([...bytes, 0]), type, "Cannot decompress");
    }
  }
});

Deno.test("decompress() - a changed bit is noticed or does not matter", async () => {
  const text = new TextEncoder().encode("hello hello hello hello");
  const params = { [zlib.constants.ZSTD_c_checksumFlag]: 1 };
  for (
    const [type, bytes] of [
      [Zlib, zlib.deflateSync(text)],
      [Zstd, zlib.zstdCompressSync(text, { params })],
    ] as const
  ) {
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >>> 3]! ^= 1 << (bit & 7);
      const result = await decompress(changed, type).catch((error) => error);
      if (!(result instanceof MessageDecodeError)) {
        assertEquals(result, text, `${type}, bit ${bit}`);
      }
    }
  }
});

Deno.test("decompress() - noise ends in a MessageDecodeError or within the limit", async () => {
  const random = createRandom(42);
  for (const { type, bytes } of [...readSamples(23), ...readSamples(3000)]) {
    for (let run = 0; run < 300; run++) {
      const noisy = bytes.slice();
      for (let i = 0; i < 3; i++) noisy[Math.floor(random() * bytes.length)] = random() * 256;
      const result = await decompress(noisy, type, 5000).catch((error) => error);
      if (result instanceof Uint8Array) assertLessOrEqual(result.length, 5000);
      else assertEquals(result?.constructor, MessageDecodeError, String(result));
    }
  }
});

Deno.test("decompress() - one kind is not taken for another", async () => {
  for (const { name, type, bytes } of readSamples()) {
    for (const other of Object.values(CompressionType)) {
      if (other === type) continue;
      const otherName = Object.keys(TYPES).find((key) => TYPES[key] === other);
      await assertRefuses(bytes, other, `Cannot decompress ${otherName} body`);
      assertEquals(TYPES[name], type);
    }
  }
});

Deno.test("decompress() - Zstandard frames that need a dictionary or are malformed are refused", async () => {
  const magic = [0x28, 0xb5, 0x2f, 0xfd];
  for (
    const [says, ...rest] of [
      ["needs a dictionary", 0x21, 7, 0, 1, 0, 0],
      ["reserved bit", 0x28, 0, 1, 0, 0],
      ["reserved type", 0x20, 0, 0x07, 0, 0],
      ["too large", 0x20, 0, 0x03, 0, 0xff, 0],
      ["it is damaged", 0x20, 5, 0x05, 0, 0],
    ] as [string, ...number[]][]
  ) {
    await assertRefuses(new Uint8Array([...magic, ...rest]), Zstd, says);
  }
});

Deno.test("decompress() - a runtime without Zstandard gives a typed error", async () => {
  const [sample] = readSamples().filter(({ type }) => type === Zstd);
  const missing = new TypeError("Module not found");
  const loads = [() => Promise.resolve({}), () => Promise.reject(missing)];
  const errors = await Promise.all(loads.map((load) =>
    assertRejects(
      () => decompressZstd(sample!.bytes, 5000, load),
      MessageDecodeError,
      "this runtime has no zstdDecompressSync",
    )
  ));
  assertEquals(errors.map((error) => error.cause), [undefined, missing]);
});

/** What `node:zlib` is in runtimes whose decompressor of zlib is of no use. */
const POOR_ZLIBS: Readonly<Record<string, () => Promise<NodeZlib>>> = {
  "without node:zlib": () => Promise.reject(new TypeError("Module not found")),
  "whose inflateSync ignores its options, as that of Deno 2.2": () =>
    Promise.resolve({ inflateSync: (bytes) => zlib.inflateSync(bytes) as never }),
};

for (const [runtime, load] of Object.entries(POOR_ZLIBS)) {
  Deno.test(`decompress() - a runtime ${runtime} reads zlib with the web's own decompressor`, async () => {
    const text = new TextEncoder().encode("сообщение 🚀 ".repeat(20_000));
    const compressed = zlib.deflateSync(text);
    assertEquals(await decompressZlib(compressed, text.length, load), text);
    const error = await assertRejects(
      () => decompressZlib(compressed, text.length - 1, load),
      MessageDecodeError,
      "more than",
    );
    assertEquals(error.limit, text.length - 1);
    await assertRejects(
      () => decompressZlib(new Uint8Array(100), 100, load),
      MessageDecodeError,
      "cut off or damaged",
    );
  });
}

Deno.test("decompress() - zlib that is cut off is refused where the web's decompressor takes it, as in Deno 2.2", async () => {
  const [load] = Object.values(POOR_ZLIBS), own = globalThis.DecompressionStream;
  globalThis.DecompressionStream = class extends TransformStream {
    constructor() {
      super({ transform: () => {} });
    }
  } as typeof own;
  try {
    const cut = zlib.deflateSync("сообщение").subarray(0, 12);
    await assertRejects(
      () => decompressZlib(cut, 100, load),
      MessageDecodeError,
      "cut off or damaged",
    );
  } finally {
    globalThis.DecompressionStream = own;
  }
});

Deno.test("decompress() - a body keeps no more memory than it has bytes", async () => {
  for (const { name, type, bytes } of [...readSamples(), ...readSamples(23)]) {
    const body = await decompress(bytes, type);
    assertEquals(body.buffer.byteLength, body.length, name);
    assertEquals(body.constructor, Uint8Array, name);
  }
});
