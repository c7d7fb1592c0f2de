/**
 * Runs the micro-benchmarks of the codec.
 *
 *     deno task bench:codec
 *     deno task bench:codec --filter "send request"
 *
 * @module
 */
import { runChild } from "../support/run_child.ts";
import { print, progress } from "../support/progress.ts";

const HELP = `Usage: deno task bench:codec [--filter TEXT] [--json]

Measures the codec in groups. The first line of each is the floor: the same bytes only copied. Where
the header is JSON, a second floor is the engine's own JSON on the same text.

  --filter TEXT  only the benchmarks with this in their name; a pattern between slashes
  --json         the figures as JSON

Exit code 0: measured. 2: wrong arguments. 130: ended by Ctrl+C.`;

/** The arguments for `deno bench`; undefined where they make no sense. */
function readArguments(args: readonly string[]): string[] | undefined {
  const known: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!, value = args[i + 1];
    if (arg === "--json" || arg.startsWith("--filter=")) known.push(arg);
    else if (arg === "--filter" && value !== undefined) known.push(arg, args[++i]!);
    else return undefined;
  }
  return known;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    print(HELP);
    return 0;
  }
  const known = readArguments(args);
  if (known === undefined) {
    progress(`Cannot use ${args.join(" ")}\n\n${HELP}`);
    return 2;
  }
  const module = new URL("codec_bench.ts", import.meta.url).href;
  return await runChild({
    command: Deno.execPath(),
    args: ["bench", "-A", "--no-check", module, ...known],
  });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
