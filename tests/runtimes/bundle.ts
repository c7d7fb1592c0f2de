const ROOT = new URL("../../", import.meta.url);

/** The version of esbuild that turns `using`, which Node.js 22 does not know, into what it does. */
const ESBUILD = "esbuild@0.25.12";

/** The source of a file that runs tests, but for those that are left out, and says how they went. */
export function runTestsAfter(modules: readonly string[], leftOut: readonly string[]): string {
  const imports = modules.map((path) => `import ${JSON.stringify(new URL(path, ROOT).href)};\n`);
  return `${imports.join("")}await Deno.runTests(${JSON.stringify(leftOut)});\n`;
}

/**
 * Writes a program into a folder, as one file that Node.js and Bun run, with a stand-in for what tests
 * use of Deno. The name `Deno` is that file's alone: for the sources in it there is no Deno.
 */
export async function bundleFor(folder: string, name: string, source: string): Promise<string> {
  const entry = `${folder}/${name}_entry.ts`, out = `${folder}/${name}.mjs`;
  const standIn = `${name}_deno.mjs`;
  await Deno.writeTextFile(entry, source);
  await bundle(new URL("deno_stand_in.ts", import.meta.url).pathname, `${folder}/${standIn}`);
  await bundle(entry, out);
  const text = await Deno.readTextFile(out);
  await Deno.writeTextFile(out, `import { standIn as Deno } from "./${standIn}";\n${text}`);
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
