import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { readArguments, UsageError } from "./arguments.ts";
import { applyMutant, describeMutant, drawMutants, readSources } from "./draw.ts";
import { EQUIVALENT } from "./equivalent.ts";
import { maskLiterals, mutableLines, mutationsOf } from "./mutate.ts";

const ROOT = new URL("../../", import.meta.url);

/** The changes of one line, as text. */
function changesOf(line: string): string[] {
  return mutationsOf(line, maskLiterals(line)).map((mutation) => mutation.line);
}

Deno.test("mutants - a line is changed in every way that keeps its form", () => {
  const cases: Record<string, string[]> = {
    "if (a && b === 1) return;": [
      "if (a || b === 1) return;",
      "if (a && b !== 1) return;",
      "if (a && b === 2) return;",
      "if (!(a && b === 1)) return;",
      "if (a && b === 1) {}",
    ],
    "while (size > most) {": [
      "while (size >= most) {",
      "while (size < most) {",
      "while (!(size > most)) {",
    ],
    "  this.#table.delete(id);": ["  ;"],
    "  await sleep(clock);": ["  ;", "  sleep(clock);"],
    "close(): void {": ["close(): void { return;"],
    'return state === "COMMIT";': [
      'return state !== "COMMIT";',
      'return state === "ROLLBACK";',
    ],
    "count++;": ["count--;"],
    "const all = list.some(isFit);": ["const all = list.every(isFit);"],
    "const left = Math.min(rest, end - now);": [
      "const left = Math.min(rest, end + now);",
      "const left = Math.max(rest, end - now);",
    ],
    "return true;": ["return false;"],
  };
  for (const [line, changes] of Object.entries(cases)) assertEquals(changesOf(line), changes);
});

Deno.test("mutants - comments, texts, types and imports stay as they are", () => {
  for (
    const line of ["// a && b", 'log("a === 1 && b");'.replace("log", "const x ="), "`a > ${1}`"]
  ) {
    assertEquals(changesOf(line), []);
  }
  const source = [
    'import { a } from "./a.ts";',
    "import {",
    "  b = true,",
    '} from "./b.ts";',
    "export interface Sizes {",
    '  kind: "COMMIT" | "ROLLBACK";',
    "}",
    "type Both = true & 1;",
    "",
    "export function isFit(size: number): boolean {",
    "  return size > 1;",
    "}",
  ].join("\n");
  assertEquals(mutableLines(source).map(({ text }) => text.trim()), ["return size > 1;"]);
});

Deno.test("mutants - a seed draws the same lines every time, another one others", async () => {
  const sources = await readSources(ROOT);
  const drawn = drawMutants(sources, 1, 60);
  assertEquals(drawn.length, 60);
  assertEquals(drawMutants(sources, 1, 60), drawn);
  assert(drawMutants(sources, 2, 60).some(({ old }, index) => old !== drawn[index]!.old));
  const places = new Set(drawn.map(({ file, index }) => `${file}:${index}`));
  assertEquals(places.size, 60, "one change a line");
  for (const folder of ["src/transaction/", "src/producer/"]) {
    assertGreater(drawn.filter(({ file }) => file.startsWith(folder)).length, 10, folder);
  }
  for (const mutant of drawn) {
    const source = sources.get(mutant.file)!, changed = applyMutant(source, mutant);
    assert(changed !== source);
    assertEquals(changed.split("\n").length, source.split("\n").length);
    assertStringIncludes(describeMutant(mutant), mutant.new.trim());
  }
});

Deno.test("mutants - a line that has gone is not changed", () => {
  const mutant = { file: "a.ts", index: 1, old: "b", new: "c", operator: "any" };
  assertEquals(applyMutant("a\nb", mutant), "a\nc");
  assertThrows(() => applyMutant("a\nx", mutant), Error, "Cannot change line 2 of a.ts");
});

Deno.test("mutants - each change that means the same is still there, and says why", async () => {
  const sources = await readSources(ROOT);
  for (const { file, old, new: changed, reason } of EQUIVALENT) {
    const lines = mutableLines(sources.get(file) ?? "");
    const isThere = lines.some(({ text, mutations }) =>
      text.trim() === old && mutations.some(({ line }) => line.trim() === changed)
    );
    assert(isThere, `${file}: ${old}`);
    assertGreater(reason.length, 40, old);
  }
});

Deno.test("deno task mutants - its options are read", () => {
  assertEquals(readArguments([]).count, 60);
  assertEquals(readArguments(["--seed", "7", "--count", "5", "--again"]), {
    ...readArguments([]),
    ...{ seed: 7, count: 5, again: true },
  });
  for (const args of [["--seed", "x"], ["--count", "0"], ["--weed"], ["more"]]) {
    assertThrows(() => readArguments(args), UsageError);
  }
});
