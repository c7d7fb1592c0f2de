import { assertEquals, assertThrows } from "@std/assert";
import {
  createOffsetMessageId,
  InvalidArgumentError,
  MessageDecodeError,
  parseOffsetMessageId,
} from "../../src/message/mod.ts";
import { readVectors } from "./fixtures.ts";

Deno.test("createOffsetMessageId() - makes the official ids, and they read back", () => {
  for (
    const { name, input, expected } of readVectors<
      { host: string; port: number; offset: string },
      { id: string; decodedHost: string; decodedPort: number; decodedOffset: string }
    >("message-id", "create")
  ) {
    const id = createOffsetMessageId(input.host, input.port, BigInt(input.offset));
    assertEquals(id, expected.id, name);
    const parsed = {
      host: expected.decodedHost,
      port: expected.decodedPort,
      offset: BigInt(expected.decodedOffset),
    };
    assertEquals(parseOffsetMessageId(id), parsed, name);
  }
});

Deno.test("parseOffsetMessageId() - reads what the Java library reads, and refuses what is no id", () => {
  let refused = 0;
  for (
    const { name, input, expected, error } of readVectors<
      { id: string },
      { host: string; port: number; offset: string }
    >("message-id", "decode")
  ) {
    // Java takes any character for a digit and gives an address that no one meant.
    if (error !== undefined || /[^0-9A-Fa-f]/.test(input.id)) {
      assertThrows(() => parseOffsetMessageId(input.id), MessageDecodeError, "32 or 56", name);
      refused++;
    } else {
      assertEquals(
        parseOffsetMessageId(input.id),
        { ...expected, offset: BigInt(expected.offset) },
        name,
      );
    }
  }
  assertEquals(refused, 4);
});

Deno.test("parseOffsetMessageId() - refuses a port over 65535 and trailing text", () => {
  const error = assertThrows(
    () => parseOffsetMessageId("7F0000010001000000000000000004D2"),
    MessageDecodeError,
    "port 65536",
  );
  assertEquals(error.offset, 4);
  for (
    const id of [
      "7F00000100002A9F0000000000004994\n",
      " 7F00000100002A9F0000000000004994",
      "0x000001000 2A9F0000000000004994",
      "7F00000100002A9F00000000000049940000000000000000",
      "７F00000100002A9F0000000000004994",
      "A".repeat(1_000_000),
    ]
  ) {
    assertThrows(() => parseOffsetMessageId(id), MessageDecodeError, "Cannot decode message id");
  }
});

Deno.test("createOffsetMessageId() - takes every form of an IPv6 address", () => {
  const groups = "20010DB8000000000000FF0000428329";
  for (
    const host of [
      "2001:db8::ff00:42:8329",
      "2001:0DB8:0000:0000:0000:FF00:0042:8329",
      "2001:db8:0:0:0:ff00:42:8329",
      "2001:db8::ff00:0.66.131.41",
      "2001:db8::ff00:42:8329%eth0",
    ]
  ) {
    assertEquals(createOffsetMessageId(host, 1, 2n), `${groups}000000010000000000000002`, host);
  }
  assertEquals(createOffsetMessageId("::", 0, 0n), "0".repeat(56));
  assertEquals(createOffsetMessageId("1::", 0, 0n), "0001" + "0".repeat(52));
  assertEquals(createOffsetMessageId("::1:2:3:4:5:6:7", 0, 0n).slice(0, 8), "00000001");
  // As in Java, an IPv4 address in IPv6's clothes is the IPv4 address.
  assertEquals(createOffsetMessageId("::ffff:1.2.3.4", 0, 0n), "01020304" + "0".repeat(24));
});

Deno.test("createOffsetMessageId() - refuses everything else", () => {
  for (
    const host of [
      "",
      "localhost",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "01.2.3.4",
      "1.2.3.4 ",
      "1.2.3.4:80",
      "[::1]",
      ":",
      ":::",
      "1:::2",
      "::1::",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
      "12345::",
      "::g",
      "::1.2.3.4:5",
      "1.2.3.4::",
      "::1%",
      "fe80::1%a%b",
      ":".repeat(100_000),
    ]
  ) {
    assertThrows(() => createOffsetMessageId(host, 1, 1n), InvalidArgumentError, "is not an IPv4");
  }
  for (const port of [-1, 65536, 1.5, NaN]) {
    assertThrows(
      () => createOffsetMessageId("::1", port, 1n),
      InvalidArgumentError,
      `port ${port}`,
    );
  }
  for (const offset of [2n ** 63n, -(2n ** 63n) - 1n]) {
    assertThrows(() => createOffsetMessageId("::1", 1, offset), InvalidArgumentError, "64 bits");
  }
});
