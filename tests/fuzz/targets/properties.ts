import { assert, assertEquals } from "@std/assert";
import { InvalidArgumentError } from "../../../src/errors.ts";
import { decodeProperties, encodeProperties } from "../../../src/message/mod.ts";
import { readVectors } from "../../remoting/fixtures.ts";
import type { Target } from "../target.ts";

/** Property strings: reading never fails, and what can be written again reads the same. */
export function propertiesTarget(): Target {
  const texts = readVectors("properties").flatMap(({ input, expected }) =>
    [input.string, expected?.string].filter((text): text is string => typeof text === "string")
  );
  assert(texts.length > 0);
  return {
    name: "properties",
    seeds: texts.map((text) => encoder.encode(text)),
    refusals: [InvalidArgumentError],
    read(input) {
      const properties = decodeProperties(decoder.decode(input));
      assertEquals(Object.getPrototypeOf(properties), Object.prototype);
      assertEquals(decodeProperties(encodeProperties(properties)), properties);
      return true;
    },
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
