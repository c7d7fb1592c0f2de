import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { listPublished } from "./list_published.ts";

const ROOT = new URL("../../", import.meta.url);

/** What is published beside `src`. */
const AT_ROOT = ["CHANGELOG.md", "LICENSE", "README.md", "deno.json", "mod.ts"];

function isPartOfPage(path: string): boolean {
  return /^src\/testing\/inspector\/page\/\w+\.(?:html|css|js|svg)$/.test(path);
}

async function listFilesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) files.push(...await listFilesBelow(`${folder}${name}/`));
    else files.push(folder + name);
  }
  return files;
}

Deno.test("package - holds the sources, the documents of a user and nothing else", async () => {
  const published = await listPublished();
  // The page's files are published as one that can be imported.
  const sources = (await listFilesBelow("src/")).filter((path) => !isPartOfPage(path));
  assertGreater(sources.length, 200);
  assertEquals(published, [...AT_ROOT, ...sources].sort());
  const strange = published.filter((path) => /_test\.|_bench\.|testdata|fixture|\/\./.test(path));
  assertEquals(strange, []);
});

Deno.test("package - has what JSR asks for: a scoped name, a version, a licence, entry points", async () => {
  const { name, version, license, exports } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  assertMatch(name, /^@[a-z0-9-]+\/[a-z0-9-]+$/);
  assertMatch(version, /^\d+\.\d+\.\d+(?:-[\w.]+)?$/);
  assertEquals(license, "Apache-2.0");
  assertMatch(await Deno.readTextFile(new URL("LICENSE", ROOT)), /Apache License\s+Version 2\.0/);
  for (const path of Object.values<string>(exports)) {
    assertMatch(await Deno.readTextFile(new URL(path, ROOT)), /\* @module/);
  }
});
