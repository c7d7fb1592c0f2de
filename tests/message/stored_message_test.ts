import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  decodeMessages,
  decodeStoredMessage,
  decodeStoredMessages,
  encodeStoredMessage,
  InvalidArgumentError,
  MessageDecodeError,
  type StoredMessageFields,
} from "../../src/message/mod.ts";
import { assertOfficial } from "./official_message.ts";
import { fromBase64, type OfficialMessage, readVectors, toBase64 } from "./fixtures.ts";

function readStored() {
  return readVectors<{ bytes: string }, (OfficialMessage | null)[]>("stored-messages", "decode")
    .map(({ name, input, expected }) => ({
      name,
      bytes: fromBase64(input.bytes),
      expected: expected[0]!,
    }));
}

/** The bytes of a message that the Java library reads. */
function readSample(name = "plain"): Uint8Array {
  return readStored().find((vector) => vector.name === name)!.bytes;
}

Deno.test("decodeMessages() - reads what the Java library reads and refuses what it refuses", async () => {
  let refused = 0;
  for (const { name, bytes, expected } of readStored()) {
    if (expected === null) {
      await assertRejects(() => decodeMessages(bytes), MessageDecodeError, "Cannot de", name);
      refused++;
    } else {
      const messages = await decodeMessages(bytes);
      assertEquals(messages.length, 1, name);
      await assertOfficial(messages[0]!, expected);
    }
  }
  assertEquals(refused, 5);
});

Deno.test("encodeStoredMessage() - gives back the bytes that were decoded", () => {
  // These two do not say what they are: a wrong size, and properties that Java drops.
  const inexact = ["x-size-too-big", "x-odd-properties", "x-compressed-garbage"];
  let exact = 0;
  for (const { name, bytes, expected } of readStored()) {
    if (expected === null || inexact.includes(name)) continue;
    assertEquals(toBase64(encodeStoredMessage(decodeStoredMessage(bytes))), toBase64(bytes), name);
    exact++;
  }
  assertEquals(exact, 13);
});

Deno.test("decodeStoredMessages() - reads several messages, and views instead of copies", () => {
  const one = readSample(), six = readSample("ipv6-hosts");
  const bytes = new Uint8Array([...one, ...six, ...one]);
  const messages = decodeStoredMessages(bytes);
  assertEquals(messages.map(({ bornHost }) => bornHost), [
    "127.0.0.1:50000",
    "[0:0:0:0:0:0:0:1]:50000",
    "127.0.0.1:50000",
  ]);
  for (const { body } of messages) assertStrictEquals(body.buffer, bytes.buffer);
  assertEquals(decodeStoredMessages(new Uint8Array()), []);
  // Also where the messages lie within a larger buffer, as the body of a frame does.
  const frame = new Uint8Array([1, 2, 3, ...bytes, 4]);
  assertEquals(decodeStoredMessages(frame.subarray(3, -1)), messages);
});

Deno.test("decodeStoredMessages() - bounds the number of messages", () => {
  const bytes = new Uint8Array([...readSample(), ...readSample()]);
  assertEquals(decodeStoredMessages(bytes, { maxMessages: 2 }).length, 2);
  const error = assertThrows(
    () => decodeStoredMessages(bytes, { maxMessages: 1 }),
    MessageDecodeError,
    "there are more than 1",
  );
  assertEquals([error.limit, error.offset], [1, readSample().length]);
  assertThrows(() => decodeStoredMessages(bytes, { maxMessages: NaN }), InvalidArgumentError);
});

Deno.test("decodeStoredMessage() - takes exactly one message that states its own size", () => {
  const one = readSample();
  assertEquals(decodeStoredMessage(one).topic, "StoredTopic");
  for (
    const [says, bytes] of [
      ["163 bytes follow behind its end", new Uint8Array([...one, ...one])],
      ["1 bytes follow", new Uint8Array([...one, 0])],
      ["magic code", new Uint8Array([0, ...one])],
      ["total size", new Uint8Array()],
      ["states a size of 173 bytes and has 163", readSample("x-size-too-big")],
    ] as const
  ) {
    assertThrows(() => decodeStoredMessage(bytes), MessageDecodeError, says);
  }
});

Deno.test("stored messages - a cut at every byte ends in a MessageDecodeError that says where", () => {
  for (const name of ["plain", "ipv6-hosts", "magic-v2", "compressed-ZLIB"]) {
    const bytes = readSample(name);
    for (let end = 0; end < bytes.length; end++) {
      const cut = bytes.subarray(0, end);
      const error = assertThrows(() => decodeStoredMessage(cut), MessageDecodeError);
      assert(error.offset <= end, `cut at ${end}`);
      if (end > 0) assertThrows(() => decodeStoredMessages(cut), MessageDecodeError);
    }
  }
});

/** Where the length fields of a message with IPv4 addresses and a body of 11 bytes lie. */
const FIELDS = [
  { field: "body length", at: 84, size: 4, strict: true },
  { field: "topic length", at: 99, size: 1, strict: true },
  { field: "properties length", at: 111, size: 2, strict: true },
  { field: "total size", at: 0, size: 4, strict: false },
] as const;

Deno.test("stored messages - a length of -1, 0, too little, too much or the most is refused", () => {
  for (const { field, at, size, strict } of FIELDS) {
    const max = 2 ** (8 * size - 1) - 1;
    const sample = readSample(), view = new DataView(sample.buffer);
    const read = { 1: view.getInt8(at), 2: view.getInt16(at), 4: view.getInt32(at) }[size];
    for (const value of [-1, 0, read - 1, read + 1, max, -max - 1]) {
      const bytes = sample.slice(), changed = new DataView(bytes.buffer);
      if (size === 1) changed.setInt8(at, value);
      if (size === 2) changed.setInt16(at, value);
      if (size === 4) changed.setInt32(at, value);
      const say = `${field} ${value}`;
      assertThrows(() => decodeStoredMessage(bytes), MessageDecodeError, "Cannot decode", say);
      if (strict) assertThrows(() => decodeStoredMessages(bytes), MessageDecodeError, "", say);
    }
  }
});

Deno.test("stored messages - a message without a topic is refused", () => {
  for (const version of [1, 2] as const) {
    const bytes = encodeStoredMessage({ topic: "T", body: new Uint8Array(1), version });
    const without = new Uint8Array([...bytes.subarray(0, -4), 0, 0, 0]);
    assertThrows(() => decodeStoredMessages(without), MessageDecodeError, "the topic is empty");
  }
});

Deno.test("stored messages - nothing that arrives leads to another error", () => {
  const sample = readSample("magic-v2");
  for (let at = 0; at < sample.length; at++) {
    for (const value of [0x00, 0x7f, 0x80, 0xff]) {
      const bytes = sample.slice();
      bytes[at] = value;
      try {
        decodeStoredMessages(bytes);
      } catch (error) {
        assertInstanceOf(error, MessageDecodeError, `${value} at ${at}: ${error}`);
      }
    }
  }
});

Deno.test("stored messages - a port that is none and an unknown magic code are refused", () => {
  for (const at of [52, 68]) {
    const bytes = readSample();
    new DataView(bytes.buffer).setInt32(at, 70000);
    const error = assertThrows(() => decodeStoredMessage(bytes), MessageDecodeError, "port 70000");
    assertEquals(error.offset, at);
  }
  const blank = readSample("x-blank-magic");
  const error = assertThrows(() => decodeStoredMessage(blank), MessageDecodeError, "0xcbd43194");
  assertEquals(error.offset, 4);
});

Deno.test("stored messages - offsets beyond 2^53 stay exact", () => {
  const offset = 2n ** 63n - 1n;
  const bytes = encodeStoredMessage({
    topic: "T",
    body: new Uint8Array(1),
    queueOffset: offset,
    commitLogOffset: offset - 1n,
    preparedTransactionOffset: -1n,
  });
  const message = decodeStoredMessage(bytes);
  assertEquals(message.queueOffset, offset);
  assertEquals(message.commitLogOffset, offset - 1n);
  assertEquals(message.preparedTransactionOffset, -1n);
});

Deno.test("stored messages - text that is not UTF-8 is read as Java reads it", () => {
  const bytes = encodeStoredMessage({
    topic: "T",
    body: new Uint8Array(1),
    properties: { "\ufeffbom": "\ufeffx", bad: "1234" },
  });
  bytes.set([0xc3, 0x28, 0xff, 0xfe], bytes.length - 5);
  assertEquals(decodeStoredMessage(bytes).properties, {
    "\ufeffbom": "\ufeffx",
    bad: "\ufffd(\ufffd\ufffd",
  });
});

Deno.test("encodeStoredMessage() - one address may be IPv6 and the other not", () => {
  const fields = { topic: "T", body: new Uint8Array([1, 2]), sysFlag: 0x8 };
  const v4 = "10.0.0.1:65535", v6 = "[2001:db8::8]:10911", java = "[2001:db8:0:0:0:0:0:8]:10911";
  for (
    const [bornHost, storeHost, sysFlag] of [
      [v4, v4, 0x08],
      [v6, v4, 0x18],
      [v4, v6, 0x28],
      [v6, v6, 0x38],
    ] as const
  ) {
    const message = decodeStoredMessage(encodeStoredMessage({ ...fields, bornHost, storeHost }));
    assertEquals(message.sysFlag, sysFlag);
    assertEquals(message.bornHost, bornHost === v6 ? java : v4);
    assertEquals(message.storeHost, storeHost === v6 ? java : v4);
    assertEquals(message.body, fields.body);
  }
  // A flag that the addresses contradict does not survive.
  const stale = encodeStoredMessage({ ...fields, sysFlag: 0x38 });
  assertEquals(decodeStoredMessage(stale).sysFlag, 0x08);
});

Deno.test("encodeStoredMessage() - a long topic takes the second form", () => {
  const body = new Uint8Array(3);
  for (const [length, version] of [[1, 1], [127, 1], [128, 2], [255, 2], [32767, 2]] as const) {
    const message = decodeStoredMessage(encodeStoredMessage({ topic: "t".repeat(length), body }));
    assertEquals([message.topic.length, message.version], [length, version]);
  }
  const counted = decodeStoredMessage(encodeStoredMessage({ topic: "ж".repeat(64), body }));
  assertEquals([counted.topic.length, counted.version], [64, 2]);
});

Deno.test("encodeStoredMessage() - refuses what does not fit its field", () => {
  for (
    const [says, wrong] of [
      ["the topic has 0 bytes", { topic: "" }],
      ["the topic has 32768 bytes", { topic: "t".repeat(32768) }],
      ["the topic has 128 bytes, 1 to 127", { topic: "t".repeat(128), version: 1 }],
      ["the properties have 32768 bytes", { properties: { a: "x".repeat(32765) } }],
      ["empty or holds a separator", { properties: { a: "x\u0002TAGS\u0001evil" } }],
      ["empty or holds a separator", { properties: { "a\u0001b": "x" } }],
      ["empty or holds a separator", { properties: { a: "" } }],
      ['bornHost "localhost:1"', { bornHost: "localhost:1" }],
      ['storeHost "::1:10911"', { storeHost: "::1:10911" }],
      ['storeHost "1.2.3.4:65536"', { storeHost: "1.2.3.4:65536" }],
      ['storeHost "1.2.3.4"', { storeHost: "1.2.3.4" }],
      ["queueId 1.5", { queueId: 1.5 }],
      ["flag 2147483648", { flag: 2 ** 31 }],
      ["queueOffset 9223372036854775808", { queueOffset: 2n ** 63n }],
      ["bornTimestamp NaN", { bornTimestamp: NaN }],
    ] as [string, Partial<StoredMessageFields>][]
  ) {
    const fields = { topic: "T", body: new Uint8Array(1), ...wrong } as StoredMessageFields;
    assertThrows(() => encodeStoredMessage(fields), InvalidArgumentError, says);
  }
  const fits = { topic: "T", body: new Uint8Array(), properties: { a: "x".repeat(32764) } };
  assertEquals(decodeStoredMessage(encodeStoredMessage(fits)).properties, fits.properties);
});
