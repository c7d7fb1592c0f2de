// deno-lint-ignore-file no-console
/**
 * Runs `deno` with the given arguments, also where JSR can't be reached: there the `@std` packages
 * come from the stand-ins in `.ci/offline`.
 *
 *     deno run -A .ci/launch.ts test -A tests
 *
 * @module
 */
import { prepareRegistry } from "./offline/registry.ts";

const HELP = `Runs deno, also where JSR can't be reached: @std packages come from .ci/offline there.

Usage: deno run -A .ci/launch.ts COMMAND [ARGUMENT...]

  COMMAND  of deno, as run or test, with its arguments

The exit code is that of deno; 2 for wrong arguments.`;

/** How long JSR may take to answer, in milliseconds. */
const JSR_DEADLINE = 3000;

/** The environment for `deno`: with `JSR_URL` set where JSR itself does not answer. */
async function chooseRegistry(): Promise<Record<string, string>> {
  if (Deno.env.get("JSR_URL") || await doesJsrAnswer()) return {};
  const registry = await prepareRegistry();
  console.error("JSR does not answer: @std packages come from the stand-ins in .ci/offline");
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
