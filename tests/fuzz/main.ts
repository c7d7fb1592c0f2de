// deno-lint-ignore-file no-console
/**
 * Reads many changed inputs and ends with exit code 1 at the first that brings a fault to light.
 *
 *     deno task fuzz                                all targets, 100,000 inputs each
 *     deno task fuzz --target frames --runs 10000000 --seed 7
 *
 * @module
 */
import { fuzz, FuzzFailure } from "./fuzzer.ts";
import { allTargets } from "./targets.ts";

const HELP = `Usage: deno task fuzz [--target NAME] [--runs N] [--seed N]

  --target NAME  one of: ${allTargets().map(({ name }) => name).join(", ")}; default: all
  --runs N       inputs of each target; default: 100000
  --seed N       seed of the first input, the next one has the next seed; default: 1

Exit code 0: no fault. 1: a fault, with the seed that shows it again. 2: wrong arguments.`;

function readArguments(args: string[]): { target?: string; runs: number; seed: number } {
  const read: { target?: string; runs: number; seed: number } = { runs: 100_000, seed: 1 };
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i], value = args[i + 1];
    const number = Number(value);
    if (name === "--target" && allTargets().some((target) => target.name === value)) {
      read.target = value!;
    } else if (name === "--runs" && Number.isSafeInteger(number) && number > 0) read.runs = number;
    else if (name === "--seed" && Number.isSafeInteger(number) && number >= 0) read.seed = number;
    else {
      console.error(`Cannot use ${name} ${value ?? ""}\n\n${HELP}`);
      Deno.exit(2);
    }
  }
  return read;
}

if (import.meta.main) {
  if (Deno.args.includes("--help")) {
    console.log(HELP);
    Deno.exit(0);
  }
  const { target: wanted, runs, seed } = readArguments(Deno.args);
  // Most inputs end in an error, and most of its price is the stack: one input shows it.
  if (runs > 1) Error.stackTraceLimit = 0;
  for (const target of allTargets().filter(({ name }) => !wanted || name === wanted)) {
    try {
      const { accepted, refused, largestExcess, seconds } = fuzz(target, seed, runs);
      const rate = Math.round(runs / seconds).toLocaleString("en");
      console.log(
        `${target.name}: ${runs.toLocaleString("en")} inputs, ${accepted} accepted, ${refused} ` +
          `refused, ${rate}/s, largest buffer ${largestExcess} bytes beyond its input`,
      );
    } catch (error) {
      if (!(error instanceof FuzzFailure)) throw error;
      console.error(error.message);
      Deno.exit(1);
    }
  }
}
