import { createHash } from "node:crypto";
import type { Mutant, Sources } from "./draw.ts";
import type { Outcome } from "./trial.ts";

/** What was found so far, in a file, so that a run that was ended goes on where it was. */
export class Results {
  readonly #file: string;
  readonly #outcomes: Map<string, Outcome>;

  private constructor(file: string, outcomes: Map<string, Outcome>) {
    this.#file = file;
    this.#outcomes = outcomes;
  }

  /** Opens the results of these sources: with other sources there are none yet. */
  static async open(folder: string, sources: Sources, fresh: boolean): Promise<Results> {
    const hash = createHash("sha256");
    for (const [file, source] of sources) hash.update(file).update(source);
    const file = `${folder}/rocketmq_mutants_${hash.digest("hex").slice(0, 16)}.json`;
    let known: Record<string, Outcome> = {};
    try {
      if (!fresh) known = JSON.parse(await Deno.readTextFile(file));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return new Results(file, new Map(Object.entries(known)));
  }

  /** What is known of a mutant. */
  get(mutant: Mutant): Outcome | undefined {
    return this.#outcomes.get(keyOf(mutant));
  }

  /** Notes what became of a mutant. */
  async set(mutant: Mutant, outcome: Outcome): Promise<void> {
    this.#outcomes.set(keyOf(mutant), outcome);
    await Deno.writeTextFile(
      this.#file,
      JSON.stringify(Object.fromEntries(this.#outcomes), null, 1),
    );
  }
}

function keyOf({ file, index, new: changed }: Mutant): string {
  return `${file}:${index} ${changed.trim()}`;
}
