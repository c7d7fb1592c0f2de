import { assertEquals, assertThrows } from "@std/assert";
import { InvalidArgumentError, ProtocolError } from "../../src/errors.ts";
import { defineHeader, type HeaderFields } from "../../src/requests/mod.ts";
import { assertProtocolError } from "./support.ts";

const header = defineHeader("EXAMPLE request", {
  name: "string",
  count: "int",
  size: "uint",
  time: "long",
  position: ["pos", "offset"],
  fast: "boolean",
  note: "string?",
  tries: ["t", "int?"],
  last: "offset?",
  slow: "boolean?",
});
type Example = HeaderFields<typeof header>;

const fields: Example = {
  name: "n",
  count: -5,
  size: 0,
  time: -9_223_372_036_854_775_808n,
  position: 9_223_372_036_854_775_807n,
  fast: true,
};
const extFields = {
  name: "n",
  count: "-5",
  size: "0",
  time: "-9223372036854775808",
  pos: "9223372036854775807",
  fast: "true",
};

Deno.test("header - the list gives encode, decode and the type", () => {
  assertEquals(header.encode(fields), extFields);
  assertEquals(header.decode(extFields), fields);
  const all: Required<Example> = { ...fields, note: "x", tries: 3, last: 0n, slow: false };
  const allText = { ...extFields, note: "x", t: "3", last: "0", slow: "false" };
  assertEquals(header.encode(all), allText);
  assertEquals(header.decode(allText), all);
  // @ts-expect-error a required field can't be left out
  assertThrows(() => header.encode({ ...fields, name: undefined }), InvalidArgumentError);
  // @ts-expect-error a long is a bigint
  assertThrows(() => header.encode({ ...fields, time: 5 }), InvalidArgumentError);
  // @ts-expect-error the wire name is not a property
  assertEquals(header.decode(extFields).pos, undefined);
});

Deno.test("header - undefined optional fields are left out, unknown ones are ignored", () => {
  assertEquals(header.encode({ ...fields, note: undefined, tries: undefined }), extFields);
  const more = { ...extFields, ns: "x", nsd: "true", "": "y" };
  assertEquals(header.decode(more), fields);
});

Deno.test("header - an optional field without text counts as absent, as in the binary header", () => {
  assertEquals(header.decode({ ...extFields, note: "", t: "", last: "", slow: "" }), fields);
  assertEquals(header.decode({ ...extFields, name: "" }).name, "");
});

Deno.test("header - names of Object.prototype do not count as fields", () => {
  const odd = defineHeader("ODD request", { constructor: "string?", toString: "string?" });
  assertEquals(Object.keys(odd.decode({})), []);
  assertThrows(
    () => defineHeader("ODD request", { valueOf: "string" }).decode({}),
    ProtocolError,
    'field "valueOf" is missing',
  );
});

Deno.test("header - a missing or invalid field is named, with what is needed (B10, B12)", () => {
  const bad: [wireName: string, values: (string | undefined)[]][] = [
    ["name", [undefined]],
    ["count", [
      undefined,
      "",
      "abc",
      "1e3",
      "1.5",
      " 5",
      "5 ",
      "+5",
      "0x10",
      "--5",
      "-",
      "2147483648",
      "-2147483649",
      "99999999999",
      "١",
    ]],
    ["size", [undefined, "-1", "2147483648", "NaN"]],
    ["time", [
      undefined,
      "",
      "abc",
      "1e3",
      " 5",
      "5n",
      "9223372036854775808",
      "-9223372036854775809",
      "5\n",
    ]],
    ["pos", [
      undefined,
      "",
      "abc",
      "1e3",
      "-1",
      " 5",
      "9223372036854775808",
      "1".repeat(20),
      "1".repeat(100_000),
    ]],
    ["fast", [undefined, "", "TRUE", "yes", "1", "true "]],
    ["t", ["abc", "1e3"]],
    ["last", ["-1"]],
    ["slow", ["maybe"]],
  ];
  for (const [name, values] of bad) {
    for (const value of values) {
      const text: Record<string, string> = { ...extFields };
      if (value === undefined) delete text[name];
      else text[name] = value;
      const error = assertProtocolError(
        () => header.decode(text, { address: "h:1", topic: "T" }),
        "Cannot read EXAMPLE request: ",
        `field "${name}" is ${value === undefined ? "missing" : '"'}`,
        "is needed",
      );
      assertEquals([error.address, error.topic], ["h:1", "T"]);
      assertEquals(error.message.length < 200, true, error.message);
    }
  }
});

Deno.test("header - what could not be read is not written", () => {
  const bad: [keyof Example, unknown[]][] = [
    ["name", [undefined, 5, null]],
    ["count", [1.5, NaN, Infinity, 2 ** 31, -(2 ** 31) - 1, "5", 5n, undefined]],
    ["size", [-1, 2 ** 31]],
    ["time", [2n ** 63n, -(2n ** 63n) - 1n, 5]],
    ["position", [-1n, 2n ** 63n]],
    ["fast", ["true", 1]],
    ["note", [5, null]],
    ["tries", [0.5]],
  ];
  for (const [name, values] of bad) {
    for (const value of values) {
      assertThrows(
        () => header.encode({ ...fields, [name]: value }),
        InvalidArgumentError,
        `Cannot write EXAMPLE request: "${name}" is `,
      );
    }
  }
  assertEquals(header.encode({ ...fields, count: -0 }).count, "0");
});
