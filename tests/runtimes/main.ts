/**
 * Runs this package in other runtimes: the packed package by its quick start, and tests of the sources.
 *
 *     deno task runtimes                        all of it, in Node.js 22, Bun and the lowest Deno
 *     deno task runtimes node                   in Node.js 22
 *     deno task runtimes bun --only quick-start
 *
 * @module
 */
import { PackedPackage } from "../package/packed_package.ts";
import { print, progress } from "../support/progress.ts";
import { bundleFor } from "./bundle.ts";
import { testsOf } from "./parts.ts";
import { LOWEST, prepareRuntime, type Runtime } from "./runtimes.ts";

const PARTS = ["quick-start", "tls", "conformance"] as const;
type Part = typeof PARTS[number];

const NAMES = ["node", "bun", "deno"] as const;
type Name = typeof NAMES[number];

const HELP = `Runs this package in other runtimes, which npm brings.

Usage: deno task runtimes [RUNTIME...] [--only PART,...] [--nameserver HOST:PORT]

  RUNTIME            ${NAMES.join(", ")}: ${Object.values(LOWEST).join(", ")}; default: all of them
  --only PARTS       of ${
  PARTS.join(", ")
}; default: all of them. In Deno there is the quick start only
  --nameserver ADDR  the quick start on a cluster in place of an embedded broker

Exit code 0: all went well. 1: something failed. 2: wrong arguments.`;

/** What the quick start prints on an embedded broker. */
const QUICK_START = "o-1: COMMIT\no-2: COMMIT\no-3: UNKNOWN\nvisible: 3\n";

interface Wanted {
  names: Name[];
  parts: Part[];
  nameServer: string | undefined;
}

function readArguments(args: readonly string[]): Wanted {
  const wanted: Wanted = { names: [], parts: [...PARTS], nameServer: undefined };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--only") {
      wanted.parts = (args[++i] ?? "").split(",").map((it) => choose(it, PARTS));
    } else if (arg === "--nameserver") wanted.nameServer = args[++i];
    else wanted.names.push(choose(arg, NAMES));
  }
  if (wanted.names.length === 0) wanted.names = [...NAMES];
  return wanted;
}

function choose<T extends string>(text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new TypeError(`Cannot use "${text}": ${choices.join(", ")} can be chosen`);
}

async function runParts({ names, parts, nameServer }: Wanted): Promise<string[]> {
  const failures: string[] = [];
  await using project = await PackedPackage.install({ withDependencies: true });
  await project.write(
    "quick_start.js",
    await Deno.readTextFile(new URL("quick_start.js", import.meta.url)),
  );
  const bundles = new Map<Part, string>();
  for (const part of parts) {
    if (part === "quick-start" || names.every((name) => name === "deno")) continue;
    bundles.set(part, await bundleFor(project.folder, part, testsOf(part)));
  }
  for (const name of names) {
    const runtime = await runtimeOf(name);
    for (const part of parts) {
      if (part !== "quick-start" && name === "deno") continue;
      const problem = part === "quick-start"
        ? await runQuickStart(project, runtime, nameServer)
        : await runTests(runtime, bundles.get(part)!);
      print(`${problem === undefined ? "ok" : "FAILED"} ${runtime.name} ${part}`);
      if (problem !== undefined) {
        failures.push(`${runtime.name} ${part}`);
        progress(problem);
      }
    }
  }
  return failures;
}

async function runtimeOf(name: Name): Promise<Runtime> {
  const runtime = await prepareRuntime(name);
  if (name !== "deno") return runtime;
  const options = ["run", "--quiet", "--no-lock", "--allow-net", "--node-modules-dir=manual"];
  return { ...runtime, command: [...runtime.command, ...options] };
}

/** Runs the quick start; gives what went wrong. */
async function runQuickStart(
  project: PackedPackage,
  { command }: Runtime,
  nameServer: string | undefined,
): Promise<string | undefined> {
  const address = nameServer === undefined ? [] : [nameServer];
  const { code, stdout, stderr } = await project.run([...command, "quick_start.js", ...address]);
  if (nameServer !== undefined) print(stdout.trimEnd());
  const isRight = nameServer !== undefined || stdout === QUICK_START;
  return code === 0 && isRight ? undefined : `exit code ${code}\n${stdout}${stderr}`;
}

/** Runs a file of tests; gives what it said of those that failed. */
async function runTests({ command }: Runtime, path: string): Promise<string | undefined> {
  const [program, ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args, path],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder(), output = decoder.decode(stdout);
  print(`   ${output.trimEnd().split("\n").at(-1)}`);
  return success ? undefined : output.replace(/^ok .*\n/gm, "") + decoder.decode(stderr);
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    print(HELP);
    return 0;
  }
  let wanted: Wanted;
  try {
    wanted = readArguments(args);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    progress(`${error.message}\n\n${HELP}`);
    return 2;
  }
  const failures = await runParts(wanted);
  print(failures.length === 0 ? "All went well" : `Failed: ${failures.join(", ")}`);
  return failures.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
