import { INVARIANTS } from "./invariants/mod.ts";
import { PLANTS } from "./plants/plants.ts";

/** What the command line wants. */
export interface Wanted {
  help: boolean;
  /** One seed only. */
  seed?: number;
  /** Leaves out of it what is not needed. */
  shrink: boolean;
  /** First seed. */
  from: number;
  /** Number of seeds. */
  seeds: number;
  /** Ends at the first violation of one of these invariants. */
  until?: readonly string[];
  /** A planted fault, or `all`. */
  plant?: string;
}

/** The command line makes no sense. */
export class UsageError extends Error {}

/** The usage of the command. */
export const HELP = `Usage: deno task sim [--seeds N] [--from N] [--until S1,D1]
       deno task sim --seed N [--shrink]
       deno task sim --plant NAME|all [--seeds N] [--from N]

  --seeds N    number of seeds; default: 2000, for each planted fault 5000 at most
  --from N     first seed; default: 1
  --until LIST ends at the first violation of one of these invariants:
               ${INVARIANTS.map(({ name }) => name).join(",")}
  --seed N     one seed: its hash, violations and schedule
  --shrink     leaves out of it whatever the violation does not need
  --plant NAME plants a known fault into a copy of the sources and looks for it, or for all:
${PLANTS.map(({ name }) => `                 ${name}`).join("\n")}

Exit code 0: all invariants held, or all planted faults were found. 1: not so. 2: wrong arguments.`;

/** @throws {UsageError} */
export function readArguments(args: readonly string[]): Wanted {
  const wanted: Wanted = { help: false, shrink: false, from: 1, seeds: 0 };
  for (let i = 0; i < args.length; i++) {
    const name = args[i]!;
    if (name === "--help") wanted.help = true;
    else if (name === "--shrink") wanted.shrink = true;
    else if (name === "--until") wanted.until = readInvariants(args[++i]);
    else if (name === "--plant") wanted.plant = readPlant(args[++i]);
    else if (name === "--seed" || name === "--seeds" || name === "--from") {
      const value = Number(args[++i]);
      if (!Number.isSafeInteger(value) || value < (name === "--seeds" ? 1 : 0)) {
        throw new UsageError(`Cannot use ${name} ${args[i] ?? ""}: it takes a whole number`);
      }
      wanted[name.slice(2) as "seed" | "seeds" | "from"] = value;
    } else throw new UsageError(`Cannot use ${name}: it is no option`);
  }
  if (wanted.shrink && wanted.seed === undefined) {
    throw new UsageError("Cannot use --shrink without --seed N");
  }
  if (wanted.seeds === 0) wanted.seeds = wanted.plant === undefined ? 2_000 : 5_000;
  return wanted;
}

function readInvariants(list: string | undefined): string[] {
  const names = list?.split(",") ?? [];
  const unknown = names.find((name) => !INVARIANTS.some((invariant) => invariant.name === name));
  if (names.length === 0 || unknown !== undefined) {
    throw new UsageError(`Cannot use --until ${list ?? ""}: there is no such invariant`);
  }
  return names;
}

function readPlant(name: string | undefined): string {
  if (name === "all" || PLANTS.some((plant) => plant.name === name)) return name!;
  throw new UsageError(`Cannot use --plant ${name ?? ""}: there is no such fault`);
}
