/**
 * Runs an example as its first line says, with exactly its permissions.
 *
 *     deno task example order_service/main.ts --crash-after local
 *
 * @module
 */
import { print, progress } from "../support/progress.ts";
import { runChild } from "../support/run_child.ts";
import { EXAMPLES, readShebang } from "./example_program.ts";

/** The examples below a folder that can be run, by their names. */
async function listExamples(folder = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, EXAMPLES))) {
    if (isDirectory) names.push(...await listExamples(`${folder}${name}/`));
    else if (await readShebang(folder + name).catch(() => undefined)) names.push(folder + name);
  }
  return names.sort();
}

async function usage(): Promise<string> {
  return `Runs an example with exactly the permissions that its first line names.

Usage: deno task example NAME [OPTION...]

Examples; each tells its options by --help:
${(await listExamples()).map((name) => `  ${name}`).join("\n")}

Exit codes: those of the example; 2 wrong arguments.`;
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === "--help" || name === "-h") {
    print(await usage());
    return 0;
  }
  if (!name || !(await listExamples()).includes(name)) {
    progress(`${name ? `There is no example "${name}"` : "Name an example"}\n\n${await usage()}`);
    return 2;
  }
  const { env, command, permissions } = await readShebang(name);
  return await runChild({
    command: Deno.execPath(),
    args: [command, "--quiet", ...permissions, new URL(name, EXAMPLES).href, ...args],
    env,
  });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
