import { ROOT } from "./doc_block.ts";

/** A doc comment as `deno doc --json` gives it. */
export interface JsDoc {
  /** Its text, without what its tags say. */
  doc?: string;
  /** Its tags. */
  tags?: { kind: string; doc?: string }[];
}

/** Anything that `deno doc --json` tells of, with the few fields that are looked at here. */
export interface DocNode {
  name?: string;
  kind?: string;
  jsDoc?: JsDoc;
  location?: { filename: string; line: number };
  optional?: boolean;
  tsType?: { repr?: string };
  [field: string]: unknown;
}

/** A symbol, or a member of one, that is public. */
export interface PublicNode {
  /** Names from the symbol on: `Producer.send`. */
  path: string;
  /** What it is. */
  node: DocNode;
  /** The symbol that it is or belongs to. */
  symbol: DocNode;
}

/** An entry point. */
export interface EntryPoint {
  /** Its path from the root of the package. */
  file: string;
  /** Its module comment. */
  jsDoc: JsDoc;
  /** Everything that is public there. */
  nodes: PublicNode[];
}

const MEMBERS = [
  "constructors",
  "properties",
  "methods",
  "callSignatures",
  "indexSignatures",
] as const;

/** Reads what `deno doc` knows of all entry points. */
export async function readApiDocs(): Promise<EntryPoint[]> {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const files: string[] = Object.values(exports);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...files],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  return Object.entries(nodes as Record<string, { module_doc?: JsDoc; symbols: DocNode[] }>)
    .map(([url, { module_doc: jsDoc = {}, symbols }]) => ({
      file: url.slice(ROOT.href.length),
      jsDoc,
      nodes: symbols.flatMap(listPublicNodes),
    }));
}

/** The declarations of a symbol and all that is public below; what another entry point has is left out. */
function listPublicNodes({ name = "", declarations }: DocNode): PublicNode[] {
  const found: PublicNode[] = [];
  for (const symbol of declarations as DocNode[]) {
    if (symbol.kind === "reference") continue;
    found.push({ path: name, node: symbol, symbol });
    collect(symbol.def, name, symbol);
  }
  return found;

  function collect(part: unknown, path: string, symbol: DocNode): void {
    if (Array.isArray(part)) part.forEach((item) => collect(item, path, symbol));
    else if (typeof part === "object" && part !== null) {
      for (const [field, value] of Object.entries(part)) {
        const isMembers = MEMBERS.some((members) => members === field);
        for (const node of isMembers ? value as DocNode[] : []) {
          if (node.accessibility === "private") continue;
          found.push({ path: `${path}.${node.name ?? field}`, node, symbol });
        }
        // What a function takes and gives is told by its own comment.
        if (field !== "params" && field !== "returnType") collect(value, path, symbol);
      }
    }
  }
}

/** The text of a comment, with what its tags say. */
export function wordsOf({ jsDoc = {} }: DocNode): string {
  return [jsDoc.doc ?? "", ...(jsDoc.tags ?? []).map(({ doc = "" }) => doc)].join("\n");
}

/** Whether the comment has a tag. */
export function hasTag({ jsDoc }: DocNode, kind: string): boolean {
  return jsDoc?.tags?.some((tag) => tag.kind === kind) ?? false;
}

/** The source of a function or method, from its first line to the brace that ends it. */
export async function sourceOf({ location }: DocNode): Promise<string> {
  const lines = (await Deno.readTextFile(new URL(location!.filename))).split("\n");
  const first = lines[location!.line]!;
  const end = `${first.match(/^\s*/)![0]}}`;
  if (/[;}]$/.test(first)) return first;
  const length = lines.slice(location!.line).findIndex((line) =>
    line === end || line === `${end};`
  );
  return lines.slice(location!.line, location!.line + length + 1).join("\n");
}
