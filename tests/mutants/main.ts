// deno-lint-ignore-file no-console
/**
 * Changes the meaning of lines at random, one at a time, and shows which changes no test notices.
 *
 *     deno task mutants                     60 lines
 *     deno task mutants --seed 7 --list     what would be tried with another seed
 *
 * @module
 */
import { untilInterrupted } from "../support/interruption.ts";
import { HELP, readArguments, UsageError, type Wanted } from "./arguments.ts";
import { describeMutant, drawMutants, type Mutant, readSources } from "./draw.ts";
import { Results } from "./results.ts";
import { Trial, TYPE_CHECK } from "./trial.ts";

const ROOT = new URL("../../", import.meta.url);

/** Tries all mutants that nothing is known of, one after the other. Gives those without a result. */
async function tryAll(
  mutants: readonly Mutant[],
  results: Results,
  { again, minutes, seeds }: Wanted,
  signal: AbortSignal,
): Promise<void> {
  const isOpen = (mutant: Mutant) => {
    const known = results.get(mutant);
    return known === undefined || (again && known.killedBy === undefined);
  };
  const open = mutants.filter(isOpen), end = performance.now() + minutes * 60_000;
  if (open.length === 0) return;
  await using trial = await Trial.make(ROOT, seeds, signal);
  const failing = await trial.baseline();
  if (failing) throw new Error(`Cannot judge any change: without one, this fails: ${failing}`);
  for (const [index, mutant] of open.entries()) {
    if (performance.now() > end) {
      console.log(`${minutes} minutes are over: run it again to go on.`);
      return;
    }
    const outcome = await trial.judge(mutant), { killedBy, seconds } = outcome;
    await results.set(mutant, outcome);
    const fate = killedBy ? `noticed by ${killedBy}` : "NOT NOTICED";
    console.log(
      `${index + 1}/${open.length} ${fate} (${seconds} s): ${describeMutant(mutant)}`,
    );
  }
}

/** Shows what became of all; gives whether few enough survived. */
function report(mutants: readonly Mutant[], results: Results, most: number): boolean {
  const outcomes = mutants.map((mutant) => ({ mutant, outcome: results.get(mutant) }));
  const survivors = outcomes.filter(({ outcome }) => outcome && outcome.killedBy === undefined);
  const untried = outcomes.filter(({ outcome }) => !outcome).length;
  const byTypes = outcomes.filter(({ outcome }) => outcome?.killedBy === TYPE_CHECK).length;
  if (survivors.length > 0) console.log("\nNo test noticed:");
  for (const { mutant } of survivors) console.log(`  ${describeMutant(mutant)}`);
  const killed = mutants.length - survivors.length - untried;
  console.log(
    `\n${killed} of ${mutants.length} changes were noticed, ${byTypes} of them by the type check; ` +
      `${survivors.length} were not, ${untried} were not tried`,
  );
  return untried === 0 && survivors.length <= most;
}

async function run(wanted: Wanted, signal: AbortSignal): Promise<number> {
  const sources = await readSources(ROOT);
  const mutants = drawMutants(sources, wanted.seed, wanted.count);
  if (wanted.list) {
    for (const mutant of mutants) console.log(describeMutant(mutant));
    return 0;
  }
  const folder = Deno.env.get("TMPDIR") ?? "/tmp";
  const results = await Results.open(folder, sources, wanted.fresh);
  await tryAll(mutants, results, wanted, signal);
  return report(mutants, results, wanted.survivors) ? 0 : 1;
}

if (import.meta.main) {
  try {
    const wanted = readArguments(Deno.args);
    if (wanted.help) {
      console.log(HELP);
      Deno.exit(0);
    }
    Deno.exit(await untilInterrupted((signal) => run(wanted, signal)));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${HELP}`);
    Deno.exit(2);
  }
}
