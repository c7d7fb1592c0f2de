import { assertEquals, assertGreater } from "@std/assert";
import { type DocNode, hasTag, readApiDocs, sourceOf, wordsOf } from "./api_docs.ts";

const ENTRY_POINTS = await readApiDocs();
const NODES = ENTRY_POINTS.flatMap(({ nodes }) => nodes);

/** Interfaces that a user fills in. */
const FILLED_IN = /(?:Options|Limits|Delay|Fields|Condition|Message|Query|Topic)$/;

/** Names that the protocol gave: their tables say what they are. */
const PROTOCOL_NAME = /^[A-Z0-9_]+$/;

/** Names that say that a number is a time. */
const TIME = /(?:Timeout|Interval|[tT]ime|delay|PerTry)$/;

/** Names that say that a number is a size. */
const SIZE = /(?:Size|Bytes|BytesWaiting|BodyOver)$/;

/** What throws where its comment need not say so with a tag. */
const THROWS_ELSEWHERE: Readonly<Record<string, string>> = {
  "RemotingCommandDecoderStream.constructor": "the stream is errored; the class says with what",
};

function isOptionalNumber({ optional, tsType }: DocNode): boolean {
  return optional === true && /^(?:number|bigint)$/.test(tsType?.repr ?? "");
}

Deno.test("API docs - each entry point says what it is for, with an example", () => {
  for (const { file, jsDoc, nodes } of ENTRY_POINTS) {
    const kinds = jsDoc.tags?.map(({ kind }) => kind) ?? [];
    assertEquals([kinds.includes("module"), kinds.includes("example")], [true, true], file);
    assertGreater((jsDoc.doc ?? "").length, 60, file);
    assertGreater(nodes.length, 10, file);
  }
});

Deno.test("API docs - everything that is public has a comment, members too", () => {
  const without = NODES.filter(({ node, symbol }) =>
    wordsOf(node).trim() === "" &&
    !(symbol.kind === "variable" && PROTOCOL_NAME.test(node.name ?? ""))
  );
  assertEquals(without.map(({ path }) => path), []);
});

Deno.test("API docs - tags are shown as such: each begins a line, and defaults are in braces", () => {
  const inText = NODES.filter(({ node }) => /(?<!\{)@(?!link)[a-z]+ /.test(node.jsDoc?.doc ?? ""));
  assertEquals(inText.map(({ path }) => path), []);
  // Unknown, or not of the form that is shown: a default without braces, for instance.
  assertEquals(NODES.filter(({ node }) => hasTag(node, "unsupported")).map(({ path }) => path), []);
});

Deno.test("API docs - each optional number of the options says what it is without it", () => {
  const without = NODES.filter(({ node, symbol, path }) =>
    symbol.kind === "interface" && FILLED_IN.test(path.split(".")[0]!) && isOptionalNumber(node) &&
    !hasTag(node, "default")
  );
  assertEquals(without.map(({ path }) => path), []);
});

Deno.test("API docs - numbers that are times or sizes have their unit", () => {
  const optional = NODES.filter(({ node, symbol }) =>
    symbol.kind === "interface" && isOptionalNumber(node)
  );
  const without = optional.filter(({ node }) => {
    const words = wordsOf(node);
    if (TIME.test(node.name!)) return !/\b(?:milliseconds?|ms|seconds?|s)\b/i.test(words);
    return SIZE.test(node.name!) && !/\b(?:bytes|messages)\b/i.test(words);
  });
  assertGreater(optional.length, 40);
  assertEquals(without.map(({ path }) => path), []);
});

Deno.test("API docs - what throws by itself says what it throws", async () => {
  const silent: string[] = [];
  for (const { path, node, symbol } of NODES) {
    const isCode = node.kind === "function" || node.functionDef !== undefined ||
      (symbol.kind === "class" && node.name === "constructor");
    if (!isCode || hasTag(node, "throws") || path in THROWS_ELSEWHERE) continue;
    if (/\bthrow\b/.test(await sourceOf(node))) silent.push(path);
  }
  assertEquals(silent, []);
});
