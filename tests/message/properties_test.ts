import { assert, assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import {
  decodeProperties,
  encodeProperties,
  InvalidArgumentError,
  isReservedProperty,
  MAX_PROPERTIES_SIZE,
  MessageProperty,
} from "../../src/message/mod.ts";
import { fromBase64, readVectors } from "./fixtures.ts";

interface Encoded {
  string: string;
  utf8: string;
  decodedAgain: Record<string, string>;
}

Deno.test("decodeProperties() - reads what the Java library reads", () => {
  for (
    const { name, input, expected } of readVectors<
      { string: string | null },
      Record<string, string>
    >("properties", "decode")
  ) {
    assertEquals(decodeProperties(input.string ?? ""), expected, name);
  }
});

Deno.test("encodeProperties() - writes what the Java library writes, or refuses what is lost", () => {
  let refused = 0;
  for (
    const { name, input, expected } of readVectors<{ entries: [string, string | null][] }, Encoded>(
      "properties",
      "encode",
    )
  ) {
    const properties = Object.fromEntries(input.entries) as Record<string, string>;
    const survives = JSON.stringify(expected.decodedAgain) ===
      JSON.stringify(Object.fromEntries(Object.entries(properties).sort()));
    if (survives) {
      assertEquals(encodeProperties(properties), expected.string, name);
      assertEquals(
        new TextEncoder().encode(encodeProperties(properties)),
        fromBase64(expected.utf8),
      );
    } else {
      assertThrows(() => encodeProperties(properties), InvalidArgumentError, "Cannot encode", name);
      refused++;
    }
  }
  assertEquals(refused, 4);
});

Deno.test("encodeProperties() - a value can't set another property", () => {
  for (
    const value of [
      "x\u0002TAGS\u0001evil",
      "x\u0002TRAN_MSG\u0001true",
      "x\u0002PGROUP\u0001victim\u0002",
      "x\u0001y",
      "x\u0000",
      "line\nbreak",
      "tab\t",
      "",
      " ",
      "\u00a0",
      "\ud800",
      "a\udc00b",
    ]
  ) {
    const error = assertThrows(
      () => encodeProperties({ region: value }),
      InvalidArgumentError,
      'Cannot encode property "region": its value',
    );
    assertEquals(error.code, "INVALID_ARGUMENT");
    assertThrows(() => encodeProperties({ [value]: "x" }), InvalidArgumentError, "its name");
  }
  const evil = `${"x".repeat(40)}\u0002TAGS\u0001evil`;
  const error = assertThrows(() => encodeProperties({ [evil]: "secret value" }));
  assertStringIncludes(String(error), "U+0002");
  assertFalse(String(error).includes("\u0002"), "the message holds the raw character");
  assertFalse(String(error).includes("secret value"), "the message holds the value");
});

Deno.test("encodeProperties() - refuses what is not text", () => {
  for (const value of [undefined, null, 1, true, {}, []] as unknown as string[]) {
    assertThrows(() => encodeProperties({ a: value }), InvalidArgumentError, "not a string");
  }
});

Deno.test("encodeProperties() - leaves the broker room for its own properties", () => {
  const fits = { n: "ж".repeat((MAX_PROPERTIES_SIZE - 3) / 2) };
  assertEquals(MAX_PROPERTIES_SIZE, 32767 - 512);
  assertEquals(new TextEncoder().encode(encodeProperties(fits)).length, MAX_PROPERTIES_SIZE);
  assertThrows(
    () => encodeProperties({ n: fits.n + "x" }),
    InvalidArgumentError,
    `they would have ${MAX_PROPERTIES_SIZE + 1} bytes, at most ${MAX_PROPERTIES_SIZE} are allowed`,
  );
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`name${i}`, "value"]));
  assertThrows(() => encodeProperties(many), InvalidArgumentError, "they would have at least");
});

Deno.test("properties - text of all kinds survives the round trip", () => {
  const properties = {
    "имя": "значение",
    "名前": "値 値",
    "🚀": "👩‍👩‍👧",
    "combining": "e\u0301",
    "bom": "\ufeffx",
    "edges": "\u0020 x \u007f\u0080\uffff\u{10ffff}",
    "separators": "a=b;c,d|e||f*",
    "1": "number-like names",
  };
  assertEquals(decodeProperties(encodeProperties(properties)), properties);
});

Deno.test("properties - __proto__ and its kin are plain data", () => {
  const text = "__proto__\u0001polluted\u0002constructor\u0001c\u0002toString\u0001t\u0002";
  const properties = decodeProperties(text);
  assertEquals(Object.keys(properties), ["__proto__", "constructor", "toString"]);
  assertEquals(Object.getPrototypeOf(properties), Object.prototype);
  assertEquals(Object.getOwnPropertyDescriptor(properties, "__proto__")?.value, "polluted");
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
  assertEquals(encodeProperties(properties), text);
});

Deno.test("decodeProperties() - takes linear time for hostile text", () => {
  // Every entry lacks the end of its name: a search from each one would read the rest again.
  const start = performance.now();
  assertEquals(decodeProperties("abc\u0002".repeat(1_000_000) + "k\u0001v"), { k: "v" });
  assert(performance.now() - start < 5000);
});

Deno.test("isReservedProperty() - agrees with the Java library, and guards the check counter too", () => {
  const vectors = readVectors<{ name: string | null }, Record<string, string>>(
    "message-api",
    "putUserProperty",
  );
  const reserved: string[] = [], free: string[] = [];
  for (const { input, error } of vectors) {
    if (input.name === null) continue;
    if (error === "RuntimeException") reserved.push(input.name);
    else if (error === undefined) free.push(input.name);
  }
  assertEquals(reserved.filter((name) => !isReservedProperty(name)), []);
  // Java lets an application set this one, which the broker overwrites on a half message.
  assertEquals(free.filter(isReservedProperty), ["__transactionId__"]);
  assert(isReservedProperty("TRANSACTION_CHECK_TIMES"));
  assertFalse(isReservedProperty(MessageProperty.CheckImmunityTimeInSeconds));
  assertFalse(isReservedProperty("toString"));
});

Deno.test("MessageProperty - has the names of the protocol", () => {
  const path = new URL("../fixtures/vectors/constants.json", import.meta.url);
  const { messageConst } = JSON.parse(Deno.readTextFileSync(path));
  const official = new Set(Object.values(messageConst));
  assertEquals(Object.values(MessageProperty).filter((name) => !official.has(name)), []);
  assertEquals(new Set(Object.values(MessageProperty)).size, Object.keys(MessageProperty).length);
  assertEquals(MessageProperty.UniqueKey, messageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX);
  assertEquals(MessageProperty.ProducerGroup, messageConst.PROPERTY_PRODUCER_GROUP);
  assertEquals(MessageProperty.TransactionPrepared, messageConst.PROPERTY_TRANSACTION_PREPARED);
  assertEquals(MessageProperty.WaitStoreMessageOk, messageConst.PROPERTY_WAIT_STORE_MSG_OK);
});
