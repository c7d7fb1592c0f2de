const ROOT = new URL("../../", import.meta.url);
const STAND_IN = new URL("deno_stand_in.ts", import.meta.url);

/** The version of esbuild that turns `using`, which Node.js 22 does not know, into what it does. */
const ESBUILD = "esbuild@0.25.12";

/**
 * Writes modules of tests into a folder, as one file that Node.js and Bun run, with a stand-in for
 * what tests use of Deno. For the sources in it there is no Deno.
 *
 * @param entries Paths of modules below the root of the repository.
 * @param run What is done at the end of the file: `standIn` and `runTests` can be named.
 */
export async function bundleFor(
  folder: string,
  name: string,
  entries: readonly string[],
  run = "",
): Promise<string> {
  const all = `${folder}/${name}_entry.ts`, out = `${folder}/${name}.mjs`;
  const imports = entries.map((path) => `import ${JSON.stringify(new URL(path, ROOT).href)};\n`);
  await Deno.writeTextFile(all, imports.join(""));
  const standIn = `${folder}/deno_stand_in.mjs`;
  await bundle(STAND_IN.pathname, standIn);
  await bundle(all, out);
  const text = await Deno.readTextFile(out);
  const head = `import { runTests, standIn as Deno } from "./deno_stand_in.mjs";\n`;
  await Deno.writeTextFile(out, `${head}${text}\n${run}\n`);
  return out;
}

/** Makes one file of a module and all that it imports; built-in modules stay imports. */
async function bundle(entry: string, out: string): Promise<void> {
  const raw = `${out}.raw.mjs`;
  await run([Deno.execPath(), "bundle", "--quiet", "--platform=deno", "-o", raw, entry]);
  await run(["npx", "-y", ESBUILD, raw, "--target=node22", "--format=esm", `--outfile=${out}`]);
  await Deno.remove(raw);
}

async function run([program, ...args]: [string, ...string[]]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (!success) {
    throw new Error(`${program} ${args[0]} failed: ${new TextDecoder().decode(stderr)}`);
  }
}
