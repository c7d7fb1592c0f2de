/** A TypeScript file as the architecture tests see it. */
export interface SourceFile {
  /** Path below the root of the package, with `/`. */
  path: string;
  /** The text, with comments, and the contents of strings and regular expressions, left out. */
  code: string;
  /** What it imports and re-exports from, as it is written there. */
  imports: string[];
  /** The file as it is. */
  text: string;
}

const IMPORT = /\b(?:import|export)\b(?:[^;"]*?\bfrom)?\s*\(?\s*"(\d+)"/g;
const COMMENT = /\/\/[^\n]*|\/\*.*?\*\//sy;
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/sy;
const TEMPLATE_START = /`(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)/sy;
const TEMPLATE_REST = /\}(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)/sy;
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const BEFORE_REGEXP = /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|await))\s*$/;

/** Reads every TypeScript file of `src/`, and `mod.ts` where there is one. */
export async function readSources(root: URL): Promise<SourceFile[]> {
  const paths = await listSources(root, "src/");
  const entries = await Array.fromAsync(Deno.readDir(root), (entry) => entry.name);
  if (entries.includes("mod.ts")) paths.push("mod.ts");
  return await Promise.all(
    paths.map(async (path) => scanSource(path, await Deno.readTextFile(new URL(path, root)))),
  );
}

/** Looks at one file. */
export function scanSource(path: string, text: string): SourceFile {
  const { code, strings } = maskLiterals(text);
  const imports = [...code.matchAll(IMPORT)].map((match) => strings[Number(match[1])]!);
  return {
    path,
    code: code.replaceAll(/"\d+"/g, '""'),
    imports,
    text,
  };
}

async function listSources(root: URL, folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    if (entry.isDirectory) paths.push(...await listSources(root, `${folder}${entry.name}/`));
    else if (entry.name.endsWith(".ts")) paths.push(`${folder}${entry.name}`);
  }
  return paths.sort();
}

/**
 * Drops comments and puts a number in the place of each string, so that what is left is code only.
 * The expressions inside of a template are code too.
 */
function maskLiterals(text: string): { code: string; strings: string[] } {
  const strings: string[] = [];
  const braces: ("block" | "template")[] = [];
  let code = "";
  let at = 0;

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  }

  function keep(content: string): void {
    code += `"${strings.length}"`;
    strings.push(content);
  }

  function keepTemplatePart(part: string): void {
    keep(part.slice(1, -1));
    if (part.endsWith("{")) braces.push("template");
  }

  while (at < text.length) {
    const isRegExpAllowed = BEFORE_REGEXP.test(code.slice(-20));
    const isTemplateResumed = text[at] === "}" && braces.at(-1) === "template";
    let part: string | undefined;
    if (take(COMMENT) !== undefined) code += " ";
    else if ((part = take(STRING)) !== undefined) keep(part.slice(1, -1));
    else if (isRegExpAllowed && take(REGEXP) !== undefined) keep("");
    else if ((part = take(TEMPLATE_START)) !== undefined) keepTemplatePart(part);
    else if (isTemplateResumed && (part = take(TEMPLATE_REST)) !== undefined) {
      braces.pop();
      keepTemplatePart(part);
    } else {
      if (text[at] === "{") braces.push("block");
      if (text[at] === "}") braces.pop();
      code += text[at++];
    }
  }
  return { code, strings };
}
