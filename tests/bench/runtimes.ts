/**
 * Shows how fast transactions are in Deno, Node.js and Bun, against an embedded broker in this process.
 *
 *     deno task bench:runtimes
 *     deno task bench:runtimes --transactions 20000 --rounds 5
 *
 * @module
 */
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { bundleFor } from "../runtimes/bundle.ts";
import { LOWEST, prepareRuntime } from "../runtimes/runtimes.ts";
import { print, progress } from "../support/progress.ts";

const HELP = `Shows how fast transactions are in Deno, Node.js and Bun, on an embedded broker.

Usage: deno task bench:runtimes [OPTION...]

  --transactions N  measured in each run; default: 10000
  --concurrency N   at once; default: 32
  --rounds N        of all three, in turn; the median counts; default: 3

Exit code 0: it was measured. 1: a run failed. 2: wrong arguments.`;

const PROGRAM = new URL("runtimes_program.ts", import.meta.url);

/** What is run, by the name of its runtime. */
type Commands = ReadonlyMap<string, readonly [string, ...string[]]>;

async function commandsIn(folder: string): Promise<Commands> {
  const source =
    `import { main } from "${PROGRAM.href}";\nawait main(JSON.parse(Deno.args[0]!));\n`;
  const bundle = await bundleFor(folder, "speed", source);
  const [node, bun] = [await prepareRuntime("node"), await prepareRuntime("bun")];
  const deno = ["run", "--allow-net", "--no-check", "--quiet", PROGRAM.href];
  return new Map([
    [`Deno ${Deno.version.deno}`, [Deno.execPath(), ...deno]],
    [`Node.js (${LOWEST.node})`, [...node.command, bundle]],
    [`Bun (${LOWEST.bun})`, [...bun.command, bundle]],
  ]);
}

async function measure([program, ...args]: readonly [string, ...string[]]): Promise<number> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} failed: ${decoder.decode(stderr)}`);
  return Number(decoder.decode(stdout));
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    print(HELP);
    return 0;
  }
  const wanted = { transactions: 10_000, concurrency: 32, rounds: 3 };
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i]!.slice(2), value = Number(args[i + 1]);
    if (!Object.hasOwn(wanted, name) || !Number.isSafeInteger(value) || value < 1) {
      progress(`Cannot use ${args[i]} ${args[i + 1] ?? ""}\n\n${HELP}`);
      return 2;
    }
    wanted[name as keyof typeof wanted] = value;
  }
  const folder = await Deno.makeTempDir({ prefix: "bench-runtimes-" });
  try {
    const commands = await commandsIn(folder);
    const rates = new Map<string, number[]>([...commands.keys()].map((name) => [name, []]));
    for (let round = 0; round < wanted.rounds; round++) {
      for (const [name, command] of commands) {
        await using broker = await EmbeddedBroker.start({ topics: ["Speed"] });
        const options = JSON.stringify({ ...wanted, nameServers: broker.nameServer });
        rates.get(name)!.push(await measure([...command, options]));
      }
    }
    for (const [name, all] of rates) {
      const median = all.toSorted((a, b) => a - b)[all.length >> 1]!;
      print(`${name.padEnd(18)} ${median} transactions a second (${all.join(", ")})`);
    }
    return 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
