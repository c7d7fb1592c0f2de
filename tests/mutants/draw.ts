import { Random } from "../fuzz/random.ts";
import { isEquivalent } from "./equivalent.ts";
import { mutableLines } from "./mutate.ts";

/** A change of meaning in one line of the sources. */
export interface Mutant {
  /** The file, from the root of the package. */
  readonly file: string;
  /** Index of the line, from 0. */
  readonly index: number;
  /** The line as it is. */
  readonly old: string;
  /** The line as it is with the change. */
  readonly new: string;
  /** What was changed, in a few words. */
  readonly operator: string;
}

/** Sources by their path from the root of the package. */
export type Sources = ReadonlyMap<string, string>;

/** The folders whose lines are changed. */
export const FOLDERS = ["src/transaction", "src/producer"] as const;

/** Reads the sources whose lines are changed. */
export async function readSources(root: URL): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for (const folder of FOLDERS) {
    for await (const { name } of Deno.readDir(new URL(folder, root))) {
      if (!name.endsWith(".ts") || name === "mod.ts") continue;
      const path = `${folder}/${name}`;
      sources.set(path, await Deno.readTextFile(new URL(path, root)));
    }
  }
  return new Map([...sources].sort(([a], [b]) => a < b ? -1 : 1));
}

/** Draws lines at random, and one change for each; those that are known to mean the same are left out. */
export function drawMutants(sources: Sources, seed: number, count: number): Mutant[] {
  const random = new Random(seed);
  const lines = [...sources].flatMap(([file, source]) =>
    mutableLines(source).map((line) => ({ file, ...line }))
  );
  const drawn: Mutant[] = [];
  while (drawn.length < count && lines.length > 0) {
    const [{ file, index, text, mutations }] = lines.splice(random.below(lines.length), 1) as [
      typeof lines[number],
    ];
    const { operator, line } = random.pick(mutations);
    const mutant = { file, index, old: text, new: line, operator };
    if (!isEquivalent(mutant)) drawn.push(mutant);
  }
  return drawn;
}

/** A source with one line changed. @throws {Error} when the line is not there any more. */
export function applyMutant(source: string, { file, index, old, new: changed }: Mutant): string {
  const lines = source.split("\n");
  if (lines[index] !== old) {
    throw new Error(`Cannot change line ${index + 1} of ${file}: it is not`);
  }
  lines[index] = changed;
  return lines.join("\n");
}

/** A change as it is shown to people. */
export function describeMutant({ file, index, old, new: changed, operator }: Mutant): string {
  return `${file}:${index + 1} (${operator})\n    - ${old.trim()}\n    + ${changed.trim()}`;
}
