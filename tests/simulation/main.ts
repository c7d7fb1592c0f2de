// deno-lint-ignore-file no-console
/**
 * Runs whole clients against a world of faults in virtual time, and checks the invariants.
 *
 *     deno task sim                              2000 seeds
 *     deno task sim --seeds 200000 --from 1      more of them
 *     deno task sim --seed 4711 --shrink         one, and the least that shows what is wrong
 *     deno task sim --plant all                  plants known faults and expects them to be found
 *
 * @module
 */
import { untilInterrupted } from "../support/interruption.ts";
import { HELP, readArguments, UsageError, type Wanted } from "./arguments.ts";
import { describePlan, describeViolation } from "./describe_plan.ts";
import { drawPlan } from "./draw_plan.ts";
import { runSeeds } from "./farm.ts";
import { findPlants } from "./plants/find.ts";
import { Progress } from "./progress.ts";
import { shrink } from "./shrinker.ts";
import { judge, type Verdict } from "./verdict.ts";

/** Runs many seeds; gives whether all invariants held. */
async function runMany({ from, seeds: count, until }: Wanted): Promise<boolean> {
  const start = performance.now();
  const progress = new Progress(count);
  let broken = 0, found = 0;
  const verdicts = await runSeeds({
    from,
    count,
    onVerdicts: (verdicts) => {
      for (const { seed, violations } of verdicts) {
        if (violations.length === 0) continue;
        broken++;
        found += violations.length;
        progress.clear();
        for (const violation of violations) {
          console.log(`seed ${seed}: ${describeViolation(violation)}`);
        }
      }
      progress.add(verdicts.length);
      return verdicts.some(({ violations }) =>
        violations.some(({ invariant }) => until?.includes(invariant))
      );
    },
  });
  progress.clear();
  for (const [name, times] of sumOf(verdicts)) console.log(`${name}: ${times}`);
  const seconds = (performance.now() - start) / 1000;
  if (broken > 0) console.log("See what is wrong with one of them: --seed N --shrink");
  console.log(
    `${verdicts.length} seeds from ${from} in ${seconds.toFixed(1)} s, ` +
      `${(verdicts.length / seconds).toFixed(0)} seeds/s: ` +
      `${broken} seeds with violations, ${found} violations`,
  );
  return broken === 0;
}

/** Adds up what was counted, in the order of the names. */
function sumOf(verdicts: readonly Verdict[]): [name: string, times: number][] {
  const sums = new Map<string, number>();
  for (const { counts } of verdicts) {
    for (const [name, times] of Object.entries(counts)) {
      sums.set(name, (sums.get(name) ?? 0) + times);
    }
  }
  return [...sums].sort(([a], [b]) => a < b ? -1 : 1);
}

/** Plants faults; gives whether all were found. Ctrl+C takes the copy of the sources away. */
async function findAll(plant: string, { from, seeds }: Wanted): Promise<boolean> {
  const code = await untilInterrupted(async (interrupted) =>
    await findPlants(plant, from, seeds, interrupted) ? 0 : 1
  );
  if (code > 1) Deno.exit(code);
  return code === 0;
}

/** Runs one seed; gives whether all invariants held. */
async function runOne(seed: number, shrinks: boolean): Promise<boolean> {
  const plan = drawPlan(seed);
  const verdict = await judge(plan);
  console.log(`seed ${seed}: hash ${verdict.hash}, ${verdict.violations.length} violations`);
  for (const violation of verdict.violations) console.log(`  ${describeViolation(violation)}`);
  if (!shrinks || verdict.violations.length === 0) {
    console.log(describePlan(plan));
    return verdict.violations.length === 0;
  }
  const shrunk = await shrink(plan, async (candidate) => (await judge(candidate)).violations);
  console.log(
    `\nThe least that still shows it, after ${shrunk.runs} runs ` +
      `(the same with deno task sim --seed ${seed} --shrink):`,
  );
  console.log(describePlan(shrunk.plan));
  for (const violation of shrunk.violations) console.log(`  ${describeViolation(violation)}`);
  return false;
}

if (import.meta.main) {
  try {
    const wanted = readArguments(Deno.args);
    const isFine = wanted.help
      ? (console.log(HELP), true)
      : wanted.plant !== undefined
      ? await findAll(wanted.plant, wanted)
      : wanted.seed !== undefined
      ? await runOne(wanted.seed, wanted.shrink)
      : await runMany(wanted);
    Deno.exit(isFine ? 0 : 1);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${HELP}`);
    Deno.exit(2);
  }
}
