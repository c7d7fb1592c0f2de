import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random } from "../fuzz/random.ts";
import { HELP, readArguments, UsageError } from "./arguments.ts";
import { commands } from "./subjects/commands.ts";
import { signatures } from "./subjects/signatures.ts";
import { mapWord, readMap, readText, sortedMapWord, textWord, toRecord } from "./words.ts";

Deno.test("draw - the same seed gives the same command, another seed another", () => {
  const lineOf = (seed: number) => commands.describe(commands.draw(new Random(seed))).join("|");
  assertEquals(lineOf(7), lineOf(7));
  assertEquals(new Set(Array.from({ length: 100 }, (_, seed) => lineOf(seed))).size, 100);
});

Deno.test("draw - a thousand commands have all the shapes by which encoders differ", () => {
  const drawn = Array.from({ length: 1_000 }, (_, seed) => commands.draw(new Random(seed)));
  const values = drawn.flatMap(({ extFields }) => Object.values(extFields));
  const shapes: Record<string, boolean> = {
    "no remark": drawn.some(({ remark }) => remark === undefined),
    "an empty remark": drawn.some(({ remark }) => remark === ""),
    "a surrogate pair": drawn.some(({ remark }) => /[\u{10000}-\u{10ffff}]/u.test(remark ?? "")),
    "the largest opaque": drawn.some(({ opaque }) => opaque === 2 ** 31 - 1),
    "a negative opaque": drawn.some(({ opaque }) => opaque < 0),
    "a code beyond 16 bits": drawn.some(({ code }) => code > 0xffff),
    "no fields": drawn.some(({ extFields }) => Object.keys(extFields).length === 0),
    "many fields": drawn.some(({ extFields }) => Object.keys(extFields).length > 20),
    "an empty value": values.includes(""),
    // deno-lint-ignore no-control-regex
    "an escape": values.some((value) => /["\\\0-\x1f]/.test(value)),
    "a long value": values.some((value) => value.length > 1_000),
    "no body": drawn.some(({ body }) => body.length === 0),
    "a body of some KiB": drawn.some(({ body }) => body.length > 4_096),
    "a name of Object's own": drawn.some(({ extFields }) => Object.hasOwn(extFields, "__proto__")),
  };
  for (const [shape, isThere] of Object.entries(shapes)) assert(isThere, `none has ${shape}`);
});

Deno.test("draw - keys are such as can be used, and some fields hold half of a surrogate pair", () => {
  const drawn = Array.from({ length: 300 }, (_, seed) => signatures.draw(new Random(seed)));
  for (const { accessKey, secretKey } of drawn) {
    assert(accessKey.isWellFormed() && secretKey.isWellFormed());
    assert(accessKey !== "" && secretKey !== "");
  }
  const fields = drawn.flatMap(({ request }) => Object.values(request.extFields));
  assert(fields.some((value) => !value.isWellFormed()));
  assert(fields.some((value) => value.isWellFormed() && value !== ""));
});

Deno.test("words - texts and maps come back as they were, halves of surrogate pairs too", () => {
  for (const text of ["", "a|b;c:d,e", "größer 中文 🦕", "\ud83d alone", "\udc00", "\0\u2028"]) {
    assertEquals(readText(textWord(text)), text);
  }
  assertEquals(readText(textWord(undefined)), undefined);
  const entries: [string, string | undefined][] = [["b", "1"], ["__proto__", ""], ["a", undefined]];
  assertEquals(readMap(mapWord(entries)), entries);
  assertEquals(readMap(mapWord([])), []);
  assertEquals(readMap(sortedMapWord(entries)).map(([name]) => name), ["__proto__", "a", "b"]);
  assertEquals(Object.entries(toRecord([["__proto__", "x"]])), [["__proto__", "x"]]);
});

Deno.test("arguments of the comparison - counts and seed, and nothing else", () => {
  assertEquals(readArguments(["--commands", "5", "--seed", "9"]), {
    help: false,
    commands: 5,
    signatures: 1_000,
    messages: 1_000,
    seed: 9,
  });
  assert(readArguments(["--help"]).help && HELP.includes("--signatures"));
  for (const args of [["--what", "1"], ["--seed"], ["--seed", "-1"], ["--commands", "1.5"]]) {
    assertThrows(() => readArguments(args), UsageError, "Cannot use");
  }
});
