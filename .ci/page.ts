// deno-lint-ignore-file no-console
/**
 * Writes the files of the inspector's page into one that a published package can import. JSR rejects `import text from "./app.js" with { type: "text" }`, which Deno runs.
 *
 *     deno task page
 *
 * @module
 */

/** Where the page lies. */
export const PAGE_FOLDER = new URL("../src/testing/inspector/page/", import.meta.url);

/** The file that repeats the others. */
export const PAGE_FILES = new URL("files.json", PAGE_FOLDER);

/** What a browser reads. */
const SERVED = /\.(?:html|css|js|svg)$/;

/** The content of `files.json`, made from the files beside it. */
export async function collectPageFiles(): Promise<string> {
  const names = (await Array.fromAsync(Deno.readDir(PAGE_FOLDER), ({ name }) => name))
    .filter((name) => SERVED.test(name)).sort();
  const files: Record<string, string> = {};
  for (const name of names) files[name] = await Deno.readTextFile(new URL(name, PAGE_FOLDER));
  return `${JSON.stringify(files, undefined, 2)}\n`;
}

const HELP = `Writes the inspector's page into src/testing/inspector/page/files.json.

Usage: deno task page

  --help  this text

Exit code 0: it is written. 2: wrong arguments.`;

async function main([argument]: string[]): Promise<number> {
  if (argument === "--help") {
    console.log(HELP);
    return 0;
  }
  if (argument !== undefined) {
    console.error(`Cannot use ${argument}: it takes no argument\n\n${HELP}`);
    return 2;
  }
  await Deno.writeTextFile(PAGE_FILES, await collectPageFiles());
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
