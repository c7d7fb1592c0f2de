import { assert, assertGreater, assertStringIncludes, assertThrows } from "@std/assert";
import { fuzz, FuzzFailure } from "./fuzzer.ts";
import type { Target } from "./target.ts";
import { allTargets } from "./targets.ts";

/** Enough to find a bound that is missing; `deno task fuzz` does more. */
const RUNS = 4_000;

for (const target of allTargets()) {
  Deno.test(`fuzz - ${target.name}: only errors that are meant, and no memory beyond the input`, () => {
    const report = fuzz(target, 1, RUNS);
    assertGreater(report.accepted, RUNS / 100, "hardly any input was accepted");
    if (target.refusals.length > 0 && target.name !== "properties") {
      assertGreater(report.refused, RUNS / 100, "hardly any input was refused");
    }
  });
}

Deno.test("fuzz - a reader that believes a length, or throws what it likes, is found", () => {
  const seeds = [Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4)];
  const lengthOf = (input: Uint8Array) =>
    input.length < 4 ? 0 : new DataView(input.buffer, input.byteOffset).getUint32(0) % 2 ** 26;
  const believing: Target = {
    name: "believing",
    seeds,
    refusals: [],
    read: (input) => new Uint8Array(lengthOf(input)).length > 0,
  };
  const careless: Target = {
    name: "careless",
    seeds,
    refusals: [SyntaxError],
    read: (input) => input[input[3]!]!.toString() === "4",
  };
  const believed = assertThrows(() => fuzz(believing, 1, 10_000), FuzzFailure);
  assertStringIncludes(believed.message, "bytes in one buffer");
  const failure = assertThrows(() => fuzz(careless, 1, 10_000), FuzzFailure);
  const seed = Number(/seed (\d+)/.exec(failure.message)![1]);
  const again = assertThrows(() => fuzz(careless, seed, 1), FuzzFailure);
  assert(again.message === failure.message, "the seed does not give the same input again");
});
