import { applyMutant, type Mutant } from "./draw.ts";

/** What became of a mutant. */
export interface Outcome {
  /** What noticed it; absent when nothing did. */
  readonly killedBy?: string;
  /** Seconds that it took. */
  readonly seconds: number;
}

/** Something that may notice a change. */
interface Judge {
  readonly name: string;
  readonly args: readonly string[];
}

/** Milliseconds after which a judge counts as hanging when nothing was changed. */
const DEADLINE = 900_000;

/** So many times as long as without a change, and so many milliseconds more, a judge may take. */
const PATIENCE = 4, MORE = 30_000;

/** What notices a change that does not fit its types. */
export const TYPE_CHECK = "the type check";

/** Folders that a copy of the package does not need. */
const LEFT_OUT: ReadonlySet<string> = new Set([".git", "node_modules", "dist"]);

/** A copy of the package in a folder of its own, in which lines are changed and judged. */
export class Trial implements AsyncDisposable {
  readonly #root: URL;
  readonly #folder: string;
  readonly #seeds: number;
  readonly #signal: AbortSignal | undefined;
  /** Milliseconds that each judge may take; one that takes longer hangs, which is noticed as well. */
  readonly #limits = new Map<string, number>();

  private constructor(root: URL, folder: string, seeds: number, signal?: AbortSignal) {
    this.#root = root;
    this.#folder = folder;
    this.#seeds = seeds;
    this.#signal = signal;
  }

  /** Copies the package. @param seeds Seeds of the simulation that each change is put to. */
  static async make(root: URL, seeds: number, signal?: AbortSignal): Promise<Trial> {
    const folder = await Deno.makeTempDir({ prefix: "mutants_" });
    const trial = new Trial(root, folder, seeds, signal);
    try {
      await copyAll(root, new URL(`file://${folder}/`), signal);
    } catch (error) {
      await trial[Symbol.asyncDispose]();
      throw error;
    }
    return trial;
  }

  /** What fails without any change; undefined when all is well. */
  async baseline(): Promise<string | undefined> {
    for (const judge of this.#judges("src/transaction/")) {
      const start = performance.now();
      // On a busy machine something may fail once: then it gets another chance.
      const failure = await this.#run(judge) && await this.#run(judge);
      if (failure) return failure;
      this.#limits.set(judge.name, PATIENCE * (performance.now() - start) + MORE);
    }
    return undefined;
  }

  /** Changes a line, and lets one judge after the other look until one notices. */
  async judge(mutant: Mutant): Promise<Outcome> {
    const start = performance.now();
    const secondsSince = () => Math.round((performance.now() - start) / 100) / 10;
    const file = `${this.#folder}/${mutant.file}`;
    const sound = await Deno.readTextFile(new URL(mutant.file, this.#root));
    await Deno.writeTextFile(file, applyMutant(sound, mutant));
    try {
      for (const judge of this.#judges(mutant.file)) {
        const killedBy = await this.#run(judge);
        if (killedBy) return { killedBy, seconds: secondsSince() };
      }
      return { seconds: secondsSince() };
    } finally {
      await Deno.writeTextFile(file, sound);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Who looks at a change of a file, the fastest and likeliest first. */
  #judges(file: string): Judge[] {
    const test = (...folders: string[]): Judge => ({
      name: folders.join(", "),
      args: ["test", "-A", "--no-check", "--fail-fast", ...folders],
    });
    const own = file.startsWith("src/transaction/")
      ? [test("tests/transaction"), test("tests/producer")]
      : [test("tests/producer"), test("tests/transaction")];
    return [
      { name: TYPE_CHECK, args: ["check", "--quiet", "mod.ts"] },
      ...own,
      {
        name: `${this.#seeds} seeds of the simulation`,
        args: [
          ...["run", "-A", "--no-check", "tests/simulation/main.ts"],
          ...["--seeds", String(this.#seeds)],
        ],
      },
      test("tests/client", "tests/trace", "tests/telemetry", "tests/bad_inputs"),
    ];
  }

  /** Runs a judge; gives what it found first, undefined when it found nothing. */
  async #run({ name, args }: Judge): Promise<string | undefined> {
    const timeUp = AbortSignal.timeout(this.#limits.get(name) ?? DEADLINE);
    const signal = this.#signal ? AbortSignal.any([this.#signal, timeUp]) : timeUp;
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: this.#folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stderr: "null",
      signal,
    }).output();
    this.#signal?.throwIfAborted();
    if (success) return undefined;
    const output = new TextDecoder().decode(stdout);
    const found = output.match(/^(.*) \.\.\. FAILED|^(seed \d+: \w+)/m);
    return found ? `${name}: ${(found[1] ?? found[2])!.trim()}` : name;
  }
}

async function copyAll(from: URL, to: URL, signal?: AbortSignal): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (LEFT_OUT.has(name)) continue;
    signal?.throwIfAborted();
    if (isDirectory) await copyAll(new URL(`${name}/`, from), new URL(`${name}/`, to), signal);
    else if (isFile) await Deno.copyFile(new URL(name, from), new URL(name, to));
  }
}
