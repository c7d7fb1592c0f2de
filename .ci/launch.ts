// deno-lint-ignore-file no-console
/**
 * Runs `deno` with the given arguments, also where JSR can't be reached: there the `@std` packages
 * come from the stand-ins in `.ci/std`.
 *
 *     deno run -A .ci/launch.ts test -A tests
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import {
  collectRegistryFiles,
  fingerprint,
  type RegistryFiles,
  writeRegistry,
} from "./registry.ts";

const HELP = `Runs deno, also where JSR can't be reached: @std packages come from .ci/std there.

Usage: deno run -A .ci/launch.ts COMMAND [ARGUMENT...]

  COMMAND  of deno, as run or test, with its arguments

The exit code is that of deno; 2 for wrong arguments.`;

/** How long JSR may take to answer, in milliseconds. */
const JSR_DEADLINE = 3000;

/** The environment for `deno`: with `JSR_URL` set where JSR itself does not answer. */
async function chooseRegistry(): Promise<Record<string, string>> {
  if (Deno.env.get("JSR_URL") || await doesJsrAnswer()) return {};
  const registry = await prepareRegistry();
  console.error("JSR does not answer: @std packages come from the stand-ins in .ci/std");
  return { JSR_URL: registry.href };
}

async function doesJsrAnswer(): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(JSR_DEADLINE);
    const response = await fetch("https://jsr.io/@std/assert/meta.json", { signal });
    const meta = await response.json();
    return response.ok && typeof meta?.versions === "object";
  } catch {
    return false;
  }
}

/**
 * Finds or makes the registry of the stand-ins as they are now. It lies outside of the package,
 * because `deno publish` takes every module inside for a part of it.
 */
async function prepareRegistry(): Promise<URL> {
  const files = await collectRegistryFiles(new URL("std/", import.meta.url));
  const name = await fingerprint(files);
  try {
    return await placeRegistry(files, new URL(`rocketmq-deno/std-${name}/`, userCache()));
  } catch {
    return await placeRegistry(files, new URL(`std-${name}/`, folderUrl(await Deno.makeTempDir())));
  }
}

/** Writes the files, unless they are there: complete or not at all, also when two do it at once. */
async function placeRegistry(files: RegistryFiles, registry: URL): Promise<URL> {
  if (await exists(registry)) return registry;
  const draft = new URL(`../draft-${crypto.randomUUID()}/`, registry);
  await writeRegistry(files, draft);
  try {
    await Deno.rename(draft, registry);
  } catch (error) {
    await Deno.remove(draft, { recursive: true });
    if (!await exists(registry)) throw error;
  }
  return registry;
}

/** Where the user's programs keep what they can make again. */
function userCache(): URL {
  const home = Deno.env.get("HOME");
  const folder = Deno.build.os === "windows"
    ? Deno.env.get("LOCALAPPDATA")
    : Deno.env.get("XDG_CACHE_HOME") || home && (
          Deno.build.os === "darwin" ? `${home}/Library/Caches` : `${home}/.cache`
        );
  if (!folder) throw new Error("Cannot find a cache folder: HOME is not set");
  return folderUrl(folder);
}

function folderUrl(path: string): URL {
  return new URL(`${pathToFileURL(path).href}/`);
}

async function exists(url: URL): Promise<boolean> {
  try {
    await Deno.stat(url);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs `deno` to its end and gives its exit code. */
async function runDeno(args: string[], env: Record<string, string>): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), { args, env }).spawn();
  forwardSignal("SIGINT", child, Deno.stdin.isTerminal());
  if (Deno.build.os !== "windows") forwardSignal("SIGTERM", child, false);
  return (await child.status).code;
}

/** Passes a signal on, unless the terminal already gave it to the child too. */
function forwardSignal(signal: Deno.Signal, child: Deno.ChildProcess, isShared: boolean): void {
  Deno.addSignalListener(signal, () => {
    if (isShared) return;
    try {
      child.kill(signal);
    } catch {
      // It has ended in between; its exit code follows.
    }
  });
}

if (import.meta.main) {
  const [command] = Deno.args;
  if (command === "--help" || command === "-h") console.log(HELP);
  else if (command === undefined || command.startsWith("-")) {
    console.error(`Cannot use ${command ?? "nothing"}: a command of deno is needed\n\n${HELP}`);
    Deno.exitCode = 2;
  } else Deno.exit(await runDeno(Deno.args, await chooseRegistry()));
}
