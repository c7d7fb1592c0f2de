import { assertEquals, assertThrows } from "@std/assert";
import {
  type BatchMessage,
  decodeBatch,
  encodeBatch,
  InvalidArgumentError,
  MessageDecodeError,
} from "../../src/message/mod.ts";
import { fromBase64, readVectors, sha256, toBase64 } from "./fixtures.ts";

interface Input {
  messages: { flag: number; body: string; properties: [string, string][] }[];
}

interface Expected {
  length: number;
  bytes?: string;
  sha256: string;
  decodedAgain: { flag: number; bodyLength: number; properties: Record<string, string> }[];
}

Deno.test("encodeBatch() - writes what the Java library writes, and it reads back", async () => {
  let refused = 0;
  for (const { name, input, expected } of readVectors<Input, Expected>("batch", "encode")) {
    const messages = input.messages.map(({ flag, body, properties }) => ({
      flag,
      body: fromBase64(body),
      properties: Object.fromEntries(properties),
    }));
    if (
      input.messages.some((m) => m.properties.some(([, v]) => v === "" || v.includes("\u0002")))
    ) {
      assertThrows(() => encodeBatch(messages), InvalidArgumentError, undefined, name);
      refused++;
    } else {
      const bytes = encodeBatch(messages);
      assertEquals(bytes.length, expected.length, name);
      assertEquals(await sha256(bytes), expected.sha256, name);
      assertEquals(decodeBatch(bytes), messages, name);
    }
    if (expected.bytes === undefined) continue;
    const decoded = decodeBatch(fromBase64(expected.bytes));
    assertEquals(
      decoded.map(({ flag, body, properties }) => ({ flag, bodyLength: body.length, properties })),
      expected.decodedAgain,
      name,
    );
    assertEquals(decoded.map(({ body }) => toBase64(body)), input.messages.map(({ body }) => body));
  }
  assertEquals(refused, 1);
});

Deno.test("encodeBatch() - refuses a flag that does not fit", () => {
  const message = { body: new Uint8Array(1), properties: { WAIT: "true" }, flag: 2 ** 31 };
  assertThrows(() => encodeBatch([message]), InvalidArgumentError, "flag 2147483648");
  assertEquals(encodeBatch([]).length, 0);
});

Deno.test("decodeBatch() - a cut at every byte and a wrong length are refused", () => {
  const message: BatchMessage = { body: new Uint8Array(5), properties: { WAIT: "true" } };
  const bytes = encodeBatch([message, message]);
  const half = bytes.length / 2;
  for (let end = 1; end < bytes.length; end++) {
    if (end === half) continue;
    assertThrows(() => decodeBatch(bytes.subarray(0, end)), MessageDecodeError, "Cannot decode");
  }
  for (const at of [0, 16]) {
    for (const value of [-1, 0, 4, 6, 0x7fffffff]) {
      const changed = bytes.slice();
      new DataView(changed.buffer).setInt32(at, value);
      assertThrows(() => decodeBatch(changed), MessageDecodeError, "Cannot decode batch");
    }
  }
  const error = assertThrows(() => decodeBatch(bytes, { maxMessages: 1 }), MessageDecodeError);
  assertEquals([error.limit, error.offset], [1, half]);
});
