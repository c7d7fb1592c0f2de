import { assertEquals } from "@std/assert";
import { ByteWriter } from "../src/bytes.ts";

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.finish();
}

Deno.test("ByteWriter - numbers have the bytes that a DataView gives them", () => {
  for (const value of [0, 1, -1, 127, 128, 255, 256, 32_767, -32_768, 2 ** 31 - 1, -(2 ** 31)]) {
    for (const size of [1, 2, 4] as const) {
      const view = new DataView(new ArrayBuffer(4));
      view.setInt32(0, value);
      const expected = new Uint8Array(view.buffer).slice(4 - size);
      assertEquals(written((writer) => writer.integer(value, size)), expected);
    }
  }
  for (const value of [0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 31n, 1n]) {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigInt64(0, value);
    assertEquals(written((writer) => writer.int64(value)), new Uint8Array(view.buffer));
  }
});

Deno.test("ByteWriter - text is UTF-8, whatever its length and its characters are", () => {
  const encoder = new TextEncoder();
  for (
    const text of ["", "a", "é", "aé", "😀", "x\ud800y", "é".repeat(511), "ab".repeat(600) + "é"]
  ) {
    const bytes = encoder.encode(text);
    assertEquals(written((writer) => writer.text(text)), bytes);
    assertEquals(
      written((writer) => writer.lengthPrefixed(text, 4)),
      Uint8Array.of(0, 0, bytes.length >>> 8, bytes.length, ...bytes),
    );
  }
});

Deno.test("ByteWriter - going back drops what was written behind a place", () => {
  const bytes = written((writer) => {
    writer.bytes(Uint8Array.of(1, 2, 3));
    writer.seek(1);
    writer.integer(9, 1);
  });
  assertEquals(bytes, Uint8Array.of(1, 9));
});
