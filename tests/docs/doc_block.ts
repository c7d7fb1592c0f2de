/** A TypeScript example in a document or in a doc comment. */
export interface DocBlock {
  /** Path of its file, from the root of the package. */
  file: string;
  /** Number of its first line in that file. */
  line: number;
  /** What follows ```` ```ts ````: `ignore` for a fragment that is not a program. */
  marker: string;
  /** Its source. */
  code: string;
}

/** The root of the package. */
export const ROOT = new URL("../../", import.meta.url);

/** Fences of TypeScript, also behind the asterisks of a doc comment. */
const FENCE = /^([ \t]*(?:\*[ \t])?)```ts\b[ \t]*(.*)\n([^]*?)^\1```[ \t]*$/gm;

/** The TypeScript examples in a text. */
export function findBlocks(file: string, text: string): DocBlock[] {
  return Array.from(text.matchAll(FENCE), (match) => {
    const [, indent = "", marker = "", body = ""] = match;
    const line = text.slice(0, match.index).split("\n").length + 1;
    const lines = body.split("\n").map((row) =>
      row.startsWith(indent) ? row.slice(indent.length) : row.replace(/^[ \t]*\*?[ \t]*$/, "")
    );
    return { file, line, marker: marker.trim(), code: lines.join("\n") };
  });
}

/** The examples of the documents, and of the doc comments of everything that is published. */
export async function listBlocks(): Promise<DocBlock[]> {
  const files = [
    ...await listFiles("", /\.md$/),
    ...await listFiles(".github/", /\.md$/),
    "mod.ts",
  ];
  files.push(...await listFilesBelow("src/"));
  const blocks: DocBlock[] = [];
  for (const file of files) {
    blocks.push(...findBlocks(file, await Deno.readTextFile(new URL(file, ROOT))));
  }
  return blocks;
}

/** The files of a folder whose names are like this, with its path. */
export async function listFiles(folder: string, name: RegExp): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(folder || ".", ROOT)));
  return entries.filter((entry) => entry.isFile && name.test(entry.name))
    .map((entry) => folder + entry.name).sort();
}

async function listFilesBelow(folder: string): Promise<string[]> {
  const files = await listFiles(folder, /\.ts$/);
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) files.push(...await listFilesBelow(`${folder}${name}/`));
  }
  return files;
}
