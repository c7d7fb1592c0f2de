import { assertEquals } from "@std/assert";
import { ByteWriter } from "../../src/remoting/byte_writer.ts";

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter(1);
  write(writer);
  return new TextDecoder().decode(writer.memory.subarray(0, writer.length));
}

Deno.test("ByteWriter - integers have the digits that they have as text", () => {
  const integers = [
    0,
    7,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    1_795_368_420_144,
    Number.MAX_SAFE_INTEGER,
  ];
  for (let power = 1; power < 1e16; power *= 10) integers.push(power - 1, power, 3 * power + 1);
  for (const integer of integers.filter(Number.isSafeInteger)) {
    for (const value of [integer, 0 - integer]) {
      assertEquals(written((writer) => writer.integer(value)), String(value));
      assertEquals(written((writer) => writer.long(BigInt(value))), String(value));
    }
  }
  for (const long of [2n ** 63n - 1n, -(2n ** 63n)]) {
    assertEquals(written((writer) => writer.long(long)), String(long));
  }
});
