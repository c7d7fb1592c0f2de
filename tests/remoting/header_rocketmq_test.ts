import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  decodeCommand,
  encodeCommand,
  InvalidArgumentError,
  languageName,
  RemotingDecodeError,
} from "../../src/remoting/internal.ts";
import { command, concat, frameOf, hex, protoAccessor, utf8 } from "./frames.ts";

/** code 1, language JAVA, version 513, opaque 2, flag 1 */
const FIXED = "0001 00 0201 00000002 00000001";

function assertRefused(header: string, reason: string, offset: number): void {
  const error = assertThrows(
    () => decodeCommand(frameOf(hex(header), { type: 1, body: utf8("body") })),
    RemotingDecodeError,
    "Cannot decode frame: ",
    header,
  );
  assertStringIncludes(error.message, reason, header);
  assertEquals(error.offset, offset, header);
}

Deno.test("ROCKETMQ header - is laid out as Java does", () => {
  const frame = encodeCommand(command({
    code: 37,
    language: 0,
    version: 0,
    remark: "r",
    extFields: { producerGroup: "G", empty: "" },
    serializeType: "ROCKETMQ",
  }));
  assertEquals(
    frame,
    hex(
      "00000039 01000035 0025 00 0000 00000001 00000000 00000001 72 0000001f" +
        "000d 70726f647563657247726f7570 00000001 47 0005 656d707479 00000000",
    ),
  );
  assertEquals(decodeCommand(frame).extFields, { producerGroup: "G", empty: "" });
});

Deno.test("ROCKETMQ header - any text comes back as it was", () => {
  const nasty = 'KEYS\u0001k1 k2\u0002 "quoted" \\ \n\u0000 é 世界 🚀';
  const sent = command({
    remark: nasty,
    extFields: { [nasty]: nasty, long: "x".repeat(70_000), __proto__x: "y" },
    body: utf8("body"),
    serializeType: "ROCKETMQ",
  });
  assertEquals(decodeCommand(encodeCommand(sent)), sent);
});

Deno.test("ROCKETMQ header - texts of any length come back, whatever stands beside them", () => {
  for (const size of [1, 12, 13, 48, 127, 128, 195, 233, 255, 256, 300, 513]) {
    for (const character of ["a", "é", "世", "🚀", "\ufffd", "\ufeff"]) {
      const extFields = {
        plain: "x".repeat(size),
        ["n".repeat(size)]: "",
        other: character.repeat(size),
        last: "7F0000010C2D5FFD2B276FE41B30001F",
      };
      const sent = command({ extFields, serializeType: "ROCKETMQ" });
      assertEquals(decodeCommand(encodeCommand(sent)), sent, `${size} of ${character}`);
    }
  }
});

Deno.test("ROCKETMQ header - no remark and an empty one look the same, as in Java", () => {
  const decoded = decodeCommand(encodeCommand(command({ remark: "", serializeType: "ROCKETMQ" })));
  assertEquals(decoded.remark, undefined);
});

Deno.test("ROCKETMQ header - a name that comes twice or is empty, and an unknown language", () => {
  const pairs = "0001 61 00000001 31 0000 00000001 39 0001 61 00000001 32";
  const header = hex(`0001 63 0201 00000002 00000001 00000000 00000017 ${pairs}`);
  const decoded = decodeCommand(frameOf(header, { type: 1 }));
  assertEquals(decoded.extFields, { a: "2" });
  assertEquals([decoded.language, languageName(decoded.language)], [99, "OTHER"]);
});

Deno.test("ROCKETMQ header - names of Object.prototype are plain data (A16)", () => {
  using _ = protoAccessor();
  const names = ["__proto__", "constructor", "toString"];
  const size = (n: number) => [n >> 8, n & 255];
  const pairs = concat(
    names.map((name) =>
      concat([Uint8Array.from(size(name.length)), utf8(name), hex("00000001 78")])
    ),
  );
  const header = concat([
    hex(`${FIXED} 00000000 0000`),
    Uint8Array.from(size(pairs.length)),
    pairs,
  ]);
  const { extFields } = decodeCommand(frameOf(header, { type: 1 }));
  assertEquals(Object.entries(extFields), names.map((name) => [name, "x"]));
  assertEquals(Object.getPrototypeOf(extFields), Object.prototype);
});

Deno.test("ROCKETMQ header - lengths that pass an end are refused (A22-A24)", () => {
  assertRefused("00", "the ROCKETMQ header has 1 bytes, at least 21 are needed", 8);
  assertRefused(`${FIXED} 00000000 000000`, "has 20 bytes, at least 21 are needed", 8);
  assertRefused(`${FIXED} 00000001 00000000`, "a remark of 1 bytes passes the end", 21);
  assertRefused(`${FIXED} ffffffff 00000000`, "a remark of -1 bytes passes the end", 21);
  assertRefused(`${FIXED} 7fffffff 00000000`, "a remark of 2147483647 bytes passes the end", 21);
  assertRefused(`${FIXED} 00000000 00000001`, "extFields of 1 bytes pass the end", 25);
  assertRefused(`${FIXED} 00000000 ffffffff`, "extFields of -1 bytes pass the end", 25);
  assertRefused(
    `${FIXED} 00000000 7fffffff 0001`,
    "extFields of 2147483647 bytes pass the end",
    25,
  );
  assertRefused(`${FIXED} 00000001 72 00000002 61`, "extFields of 2 bytes pass the end", 26);
  assertRefused(`${FIXED} 00000000 00000001 00`, "the name of an extField is cut", 29);
  assertRefused(`${FIXED} 00000000 00000003 0002 61`, "the name of an extField is cut", 29);
  assertRefused(`${FIXED} 00000000 00000006 ffff 00000000`, "the name of an extField is cut", 29);
  assertRefused(`${FIXED} 00000000 00000006 0001 61 000000`, "the value of an extField is cut", 32);
  assertRefused(
    `${FIXED} 00000000 00000007 0001 61 00000001`,
    "the value of an extField is cut",
    32,
  );
  assertRefused(
    `${FIXED} 00000000 00000008 0001 61 ffffffff 62`,
    "the value of an extField is cut",
    32,
  );
  assertRefused(
    `${FIXED} 00000000 00000008 0001 61 7fffffff 62`,
    "the value of an extField is cut",
    32,
  );
});

Deno.test("ROCKETMQ header - a value must not reach beyond the extFields into the header's rest", () => {
  assertRefused(
    `${FIXED} 00000000 00000008 0001 61 00000002 62 63`,
    "the value of an extField is cut",
    32,
  );
});

Deno.test("ROCKETMQ header - text that is not UTF-8 is refused (A14)", () => {
  assertRefused(`${FIXED} 00000001 e9 00000000`, "not UTF-8", 25);
  assertRefused(`${FIXED} 00000000 00000008 0001 61 00000001 e9`, "not UTF-8", 36);
  assertRefused(`${FIXED} 00000000 00000008 0001 e9 00000001 61`, "not UTF-8", 31);
  const long = `0001 61 00000080 ${"78".repeat(128)}`;
  assertRefused(`${FIXED} 00000000 0000008f ${long} 0001 62 00000001 e9`, "not UTF-8", 171);
  assertRefused(`${FIXED} 00000000 0000008f ${long} 0001 e9 00000001 61`, "not UTF-8", 166);
});

Deno.test("ROCKETMQ header - more than 4096 extFields are refused, empty ones too (A25)", () => {
  const pair = hex("0000 00000000");
  for (const [count, refused] of [[4096, false], [4097, true], [1_000_000, true]] as const) {
    const pairs = new Uint8Array(pair.length * count);
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, pairs.length);
    const frame = frameOf(concat([hex(`${FIXED} 00000000`), size, pairs]), { type: 1 });
    if (!refused) assertEquals(decodeCommand(frame).extFields, {});
    else {
      const error = assertThrows(() => decodeCommand(frame), RemotingDecodeError, "more than 4096");
      assertEquals(error.limit, 4096);
    }
  }
});

Deno.test("ROCKETMQ header - what does not fit 16 bits is refused when written", () => {
  const binary = { serializeType: "ROCKETMQ" } as const;
  for (const value of [32768, -32769, 200050]) {
    for (const field of ["code", "version"] as const) {
      assertThrows(
        () => encodeCommand(command({ ...binary, [field]: value })),
        InvalidArgumentError,
        `${field} ${value} does not fit the 16 bits of the ROCKETMQ header, use JSON`,
      );
    }
  }
  const longest = command({ ...binary, extFields: { ["k".repeat(32767)]: "v" } });
  assertEquals(decodeCommand(encodeCommand(longest)), longest);
  assertThrows(
    () => encodeCommand(command({ ...binary, extFields: { ["k".repeat(32768)]: "v" } })),
    InvalidArgumentError,
    "has 32768 bytes",
  );
});
