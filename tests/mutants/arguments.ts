import { parseArgs } from "node:util";

/** What the command line wants. */
export interface Wanted {
  help: boolean;
  /** What lines are drawn by. */
  seed: number;
  /** How many lines. */
  count: number;
  /** How many of them may survive. */
  survivors: number;
  /** Seeds of the simulation that each is put to. */
  seeds: number;
  /** Minutes after which it ends. */
  minutes: number;
  /** Shows what would be tried, and tries nothing. */
  list: boolean;
  /** Tries those that survived once more. */
  again: boolean;
  /** Forgets what was found before. */
  fresh: boolean;
}

/** The command line makes no sense. */
export class UsageError extends Error {}

/** The usage of the command. */
export const HELP =
  `Changes the meaning of lines at random, one at a time, and runs the tests on each.

Usage: deno task mutants [--seed N] [--count N] [--survivors N] [--sim-seeds N] [--minutes N]
                         [--list] [--again] [--fresh]

  --seed N       what lines of src/transaction and src/producer are drawn by; default: 1
  --count N      how many lines; default: 60
  --survivors N  how many of them may go unnoticed; default: 2
  --sim-seeds N  seeds of the simulation that each is put to; default: 300
  --minutes N    ends after so long; the next run goes on where this one was; default: 60
  --list         shows the changes, and tries none
  --again        tries those that went unnoticed before once more
  --fresh        forgets what earlier runs found

Each change is put to the type check, tests/transaction, tests/producer, the simulation, and a few
more folders of tests, in a copy of the package in the folder for temporary files. A change that
means the same as before belongs on the list in tests/mutants/equivalent.ts, with the reason.

Exit code 0: no more survived than may. 1: more did, or time was up. 2: wrong arguments.`;

/** @throws {UsageError} */
export function readArguments(args: readonly string[]): Wanted {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        "help": { type: "boolean" },
        "seed": { type: "string" },
        "count": { type: "string" },
        "survivors": { type: "string" },
        "sim-seeds": { type: "string" },
        "minutes": { type: "string" },
        "list": { type: "boolean" },
        "again": { type: "boolean" },
        "fresh": { type: "boolean" },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const number = (name: string, least: number, fallback: number): number => {
    const text = values[name], value = text === undefined ? fallback : Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new UsageError(`Cannot use --${name} ${text}: it takes a whole number from ${least} on`);
  };
  return {
    help: values.help === true,
    seed: number("seed", 0, 1),
    count: number("count", 1, 60),
    survivors: number("survivors", 0, 2),
    seeds: number("sim-seeds", 1, 300),
    minutes: number("minutes", 1, 60),
    list: values.list === true,
    again: values.again === true,
    fresh: values.fresh === true,
  };
}
