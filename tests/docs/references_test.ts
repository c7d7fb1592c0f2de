import { assert, assertEquals, assertGreater } from "@std/assert";
import { listFiles, ROOT } from "./doc_block.ts";

interface Document {
  path: string;
  text: string;
}

const DOCUMENTS: Document[] = await Promise.all(
  [...await listFiles("", /\.md$/), ...await listFiles(".github/", /\.md$/)].map(async (path) => {
    return { path, text: await Deno.readTextFile(new URL(path, ROOT)) };
  }),
);

/** What is code in a document, inline or in blocks. */
function codeOf(text: string): string[] {
  return Array.from(text.matchAll(/```[^]*?```|`[^`\n]+`/g), ([code]) => code);
}

/** Everything that a pattern finds in the code of all documents, with where it stands. */
function findInCode(pattern: RegExp): [name: string, where: string][] {
  return DOCUMENTS.flatMap(({ path, text }) =>
    codeOf(text).flatMap((code) =>
      Array.from(code.matchAll(pattern), (match): [string, string] => [match[1]!, path])
    )
  );
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replaceAll(/```[^]*?```/g, "").matchAll(/^#+ (.*)$/gm);
  return new Set(
    Array.from(
      headings,
      ([, heading]) =>
        heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(/\s/g, "-"),
    ),
  );
}

async function exists(url: URL): Promise<boolean> {
  return await Deno.stat(url).then(() => true, () => false);
}

Deno.test("documents - every task that they name is there", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const named = findInCode(/(?:\bdeno(?:@[\d.]+)? |^`)task ([a-z][\w:-]*)/gm);
  assertGreater(named.length, 10);
  assertEquals(named.filter(([task]) => !(task in tasks)), []);
});

Deno.test("documents - one version of Deno is named in all", async () => {
  const [version] = /deno@[\d.]+\d/.exec(await Deno.readTextFile(new URL(".ci/run", ROOT)))!;
  const others = findInCode(/(deno@[\d.]+\d)/g).filter(([named]) => named !== version);
  assertEquals(others, []);
});

Deno.test("documents - links lead somewhere, and files that they name are there", async () => {
  const missing: string[] = [];
  for (const { path, text } of DOCUMENTS) {
    for (const [, target] of text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
      const [file, anchor] = target!.split("#", 2) as [string, string?];
      const url = new URL(file || path.slice(path.lastIndexOf("/") + 1), new URL(path, ROOT));
      if (!await exists(url)) missing.push(`${path}: ${target}`);
      else if (anchor !== undefined && !anchorsOf(await Deno.readTextFile(url)).has(anchor)) {
        missing.push(`${path}: ${target}`);
      }
    }
  }
  for (const [file, where] of findInCode(/((?:tests|examples|src|\.ci)\/[\w./-]+\.\w+)/g)) {
    if (!await exists(new URL(file, ROOT))) missing.push(`${where}: ${file}`);
  }
  for (const { path, text } of DOCUMENTS) {
    for (const [, file] of text.matchAll(/(?<![\w/])((?:\w+\/)+\w+_test\.ts)/g)) {
      const isThere = await exists(new URL(file!, ROOT)) ||
        await exists(new URL(`tests/${file}`, ROOT));
      if (!isThere) missing.push(`${path}: ${file}`);
    }
  }
  assertEquals(missing, []);
  assert(DOCUMENTS.length >= 4);
});
