import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  compareSignatures,
  pickUsed,
  readStandIns,
  SIGNATURES,
  type StdSignatures,
} from "../.ci/offline/compare_std.ts";
import { describeExports } from "../.ci/offline/signatures.ts";

const standIns = await readStandIns();
const real: StdSignatures = JSON.parse(await Deno.readTextFile(SIGNATURES));

/** The signatures of a source text. */
async function describeSource(source: string): Promise<Record<string, string>> {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, source);
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["doc", "--json", path] })
      .output();
    const [{ symbols }] = Object.values<{ symbols: unknown[] }>(
      JSON.parse(new TextDecoder().decode(stdout)).nodes,
    ) as [{ symbols: unknown[] }];
    return describeExports(symbols);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("stand-ins of @std - export nothing that the real packages don't have", () => {
  assertEquals(compareSignatures(standIns, real), []);
});

Deno.test("stand-ins of @std - all of their entry points and names were compared", () => {
  const names = Object.values(standIns).flatMap((signatures) => Object.keys(signatures));
  assertGreater(names.length, 150);
  for (const name of ["assertThrows", "concat", "Logger.warn", "ByteSliceStream.constructor"]) {
    assert(names.includes(name), name);
  }
  assertEquals(pickUsed(real, standIns), real);
});

Deno.test("stand-ins of @std - one more export, and another signature, are found", () => {
  const concat = "function (Uint8Array[]) => Uint8Array<ArrayBuffer>";
  const changed = { "@std/bytes": { concat, includes: "function () => boolean" } };
  assertEquals(compareSignatures(changed, real), [
    `@std/bytes concat: ${concat}\n` +
    "    really: function (readonly Uint8Array[]) => Uint8Array<ArrayBuffer>",
    "@std/bytes includes: function () => boolean\n    really: not there",
  ]);
});

Deno.test("signatures - show what callers see, whatever their parameters are called", async () => {
  const first = `export class A<T> extends Map<string, T> {
      #hidden = 1;
      protected readonly a: string | undefined = "";
      constructor(name: string, private size = 3) { super(); }
      get(key: string): T;
      get(key: string, ...rest: readonly unknown[]): T { return super.get(key)!; }
    }
    export interface O { b?: { c: (x: number) => void } }
    export type Falsy = false | 0n | "";
    export function f(x: unknown, y = ""): asserts x is string {}`;
  const signatures = await describeSource(first);
  assertEquals(signatures, {
    "A.constructor": "new (string, number?)",
    "A.a": "protected readonly: string | undefined",
    "A.get": "(string) => T",
    A: "class <T> extends Map<string, T>",
    "O.b": "optional: { c: (number) => void }",
    O: "interface",
    Falsy: 'type false | 0n | ""',
    f: "function (unknown, string?) => asserts it is string",
  });
  assertEquals(await describeSource(first.replaceAll("key", "name")), signatures);
});
