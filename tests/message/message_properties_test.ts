import { assertEquals, assertThrows } from "@std/assert";
import {
  createProperties,
  InvalidArgumentError,
  type Message,
} from "../../src/message/internal.ts";
import { readVectors } from "./fixtures.ts";

type Part = Pick<Message, "tags" | "keys" | "properties">;

Deno.test("createProperties() - tag, keys and own properties come together", () => {
  const message: Part = Object.freeze({
    tags: "TagA",
    keys: ["order-1", "customer-7"],
    properties: Object.freeze({ region: "eu" }),
  });
  assertEquals(createProperties(message), {
    region: "eu",
    TAGS: "TagA",
    KEYS: "order-1 customer-7",
  });
  assertEquals(createProperties({}), {});
});

Deno.test("createProperties() - sets tag and keys as the Java library does", () => {
  for (
    const { name, input, expected } of readVectors<{ keys: string[] }, { KEYS: string }>(
      "message-api",
      "setKeys",
    )
  ) {
    assertEquals(createProperties(input), { ...expected }, name);
  }
  let blank = 0;
  for (
    const { name, input, expected } of readVectors<
      { tags: string | null; keys: string | null },
      { properties: Record<string, string> }
    >("message-api", "newMessage")
  ) {
    const message = input as Part;
    if (input.tags === " ") {
      assertThrows(() => createProperties(message), InvalidArgumentError, "blank");
      blank++;
      continue;
    }
    const { WAIT: _wait, ...properties } = expected.properties;
    assertEquals(createProperties(message), properties, name);
  }
  assertEquals(blank, 1);
});

Deno.test("createProperties() - a string of keys may hold several, an entry of an array none", () => {
  assertEquals(createProperties({ keys: "order-1 customer-7" }), { KEYS: "order-1 customer-7" });
  assertEquals(createProperties({ keys: " order-1  customer-7 " }), { KEYS: "order-1 customer-7" });
  assertEquals(createProperties({ keys: [] }), {});
  assertThrows(
    () => createProperties({ keys: ["a b"] }),
    InvalidArgumentError,
    "a space separates",
  );
  assertThrows(() => createProperties({ keys: "a\nb" }), InvalidArgumentError, "U+000A");
  assertThrows(() => createProperties({ keys: ["a", ""] }), InvalidArgumentError, "empty");
  assertThrows(() => createProperties({ keys: ["a\u0002TAGS\u0001b"] }), InvalidArgumentError);
  const notKeys = 42 as unknown as string;
  assertThrows(() => createProperties({ keys: notKeys }), InvalidArgumentError, "neither a string");
});

Deno.test("createProperties() - refuses tags that no subscription could name", () => {
  for (const tags of ["*", "a*", "TagA || TagB", "||", " ", "tag\u0000", "\udfff"]) {
    assertThrows(() => createProperties({ tags }), InvalidArgumentError, undefined, tags);
  }
  assertEquals(createProperties({ tags: "标签|x" }), { TAGS: "标签|x" });
});

Deno.test("createProperties() - names of the system are refused, with the way to set them", () => {
  for (
    const name of [
      "TRAN_MSG",
      "PGROUP",
      "REAL_TOPIC",
      "REAL_QID",
      "UNIQ_KEY",
      "DELAY",
      "TRANSACTION_CHECK_TIMES",
      "CLUSTER",
      "MSG_REGION",
      "WAIT",
      "__transactionId__",
    ]
  ) {
    assertThrows(
      () => createProperties({ properties: { [name]: "1" } }),
      InvalidArgumentError,
      `Cannot set property "${name}": the system uses this name`,
    );
  }
  assertThrows(
    () => createProperties({ properties: { TAGS: "TagA" } }),
    InvalidArgumentError,
    'set "tags" of the message',
  );
  assertThrows(
    () => createProperties({ properties: { KEYS: "k" } }),
    InvalidArgumentError,
    'set "keys" of the message',
  );
});

Deno.test("createProperties() - reads every part once and keeps __proto__ as data", () => {
  const reads: string[] = [];
  const message = {
    get tags() {
      reads.push("tags");
      return "TagA";
    },
    get keys() {
      reads.push("keys");
      return "k";
    },
    get properties() {
      reads.push("properties");
      return JSON.parse('{"__proto__":"plain"}');
    },
  };
  const properties = createProperties(message);
  assertEquals(reads.sort(), ["keys", "properties", "tags"]);
  assertEquals(Object.getOwnPropertyDescriptor(properties, "__proto__")?.value, "plain");
  assertEquals(Object.getPrototypeOf(properties), Object.prototype);
});
