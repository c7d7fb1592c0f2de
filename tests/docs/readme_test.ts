import { assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { type PublicNode, readApiDocs } from "./api_docs.ts";
import { listFiles, ROOT } from "./doc_block.ts";

/** Most bytes of the README: what a newcomer reads before the first transaction. */
const MAX_BYTES = 30_000;

/** The interfaces whose members are the options of a producer. */
const OPTIONS =
  /^(?:TransactionProducer|Producer|ProducerBase|Client|Access|Sending|Compression|Retry)Options\./;

const README = await Deno.readTextFile(new URL("README.md", ROOT));
const OPERATING = await Deno.readTextFile(new URL(".github/OPERATING.md", ROOT));
const CHINESE = await Deno.readTextFile(new URL(".github/README.zh-CN.md", ROOT));
const NODES = (await readApiDocs()).flatMap(({ nodes }) => nodes);

/** The headings of one level, without what stands in code. */
function headingsOf(text: string, level: string): string[] {
  const headings = text.replaceAll(/```[^]*?```/g, "").matchAll(/^(#+) (.*)$/gm);
  return Array.from(headings).filter(([, marks]) => marks === level).map(([, , words]) => words!);
}

/** The text below a heading, up to the next one of its level or above. */
function sectionOf(text: string, heading: string): string {
  const [, marks = "", below = ""] = text.split(new RegExp(`^(#+) ${heading}$`, "m"));
  return below.split(new RegExp(`^#{1,${marks.length}} `, "m"))[0]!;
}

/** The names of a table of contents, in their order. */
function contentsOf(text: string): string[] {
  return Array.from(text.matchAll(/\[([^\]]+)\]\(#[\p{L}\w-]+\)/gu), ([, name]) => name!);
}

/** What a document says an option is without being set, by its name. */
function readDefaults(section: string): Map<string, string> {
  const rows = Array.from(section.matchAll(/^\| (`.*?) \| (.*?) \|/gm), ([, names, values]) => {
    return namesOf(names!).map((name): [string, string] => [name, values!.trim()]);
  });
  const [, list = ""] = section.split("### What you may tune");
  const items = Array.from(
    list.matchAll(/`(\w+)`(?:\s\(([^;,)]*))?/g),
    ([, name, value = ""]): [string, string] => [name!, value.replaceAll(/\s+/g, " ")],
  );
  return new Map([...rows.flat(), ...items]);
}

function namesOf(text: string): string[] {
  return Array.from(text.matchAll(/`(\w+)`/g), ([, name]) => name!);
}

/** A default as the code writes it: bytes are numbers there. */
function asInCode(value: string): string {
  const [, amount, unit] = /^(\d+) (KiB|MiB)$/.exec(value) ?? [];
  if (amount === undefined) return value.replaceAll("`", "");
  return String(Number(amount) * (unit === "KiB" ? 1024 : 1024 ** 2));
}

/** The default in a doc comment, if it is a value and not a description. */
function defaultOf({ node }: PublicNode): string | undefined {
  const tag = node.jsDoc?.tags?.find(({ kind }) => kind === "default") as
    | { value?: string; doc?: string }
    | undefined;
  const text = (tag?.value ?? tag?.doc ?? "").replaceAll(/^\{|\}$/g, "");
  return /^(?:\d+|true|false|"[^"]*")$/.test(text) ? text : undefined;
}

Deno.test("README - is short enough to be read", () => {
  assertLessOrEqual(new TextEncoder().encode(README).length, MAX_BYTES);
});

Deno.test("README - its table of contents is that of its headings", () => {
  const headings = headingsOf(README, "##").filter((heading) => heading !== "Contents");
  assertGreater(headings.length, 15);
  assertEquals(contentsOf(sectionOf(README, "Contents")), headings);
});

Deno.test("README - the Chinese one has the same chapters, and a table of them", () => {
  const headings = headingsOf(CHINESE, "##");
  assertEquals(headings.length, headingsOf(README, "##").length);
  assertEquals(
    contentsOf(sectionOf(CHINESE, "目录")),
    headings.filter((heading) => heading !== "目录"),
  );
});

Deno.test("documents - pages with a table of contents list their headings", async () => {
  for (const path of [".github/OPERATING.md", ".github/CONTRIBUTING.md"]) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    const [contents] = text.split(/^## /m);
    assertEquals(contentsOf(contents!), headingsOf(text, "##"), path);
  }
});

Deno.test("README - names every option of a producer, with its default", () => {
  const options = NODES.filter(({ path }) => OPTIONS.test(path));
  const inCode = new Map(options.map((option) => [option.node.name!, defaultOf(option)]));
  assertGreater(inCode.size, 50);
  const told = readDefaults(sectionOf(README, "Options"));
  assertEquals([...inCode.keys()].filter((name) => !told.has(name)), []);
  for (const [name, value] of inCode) {
    if (value !== undefined) assertEquals(asInCode(told.get(name)!), value, name);
  }
});

Deno.test("README - names every error of this module, with its code", () => {
  const rows = Array.from(
    sectionOf(README, "Errors").matchAll(/^\| `(\w+)` +\| (`.*?) +\|/gm),
    ([, name, codes]): [string, string[]] => [name!, namesOf(codes!)],
  );
  const classes = NODES.filter(({ path, node }) => node.kind === "class" && /^\w+Error$/.test(path))
    .map(({ path }) => path).filter((path) => path !== "RocketMQError");
  assertEquals([...new Set(rows.map(([name]) => name))].sort(), [...new Set(classes)].sort());
  const codes = NODES.find(({ path }) => path === "RocketMQErrorCode");
  const all = Array.from(
    JSON.stringify(codes).matchAll(/"repr":"([A-Z_]+)"/g),
    ([, code]) => code!,
  );
  assertEquals([...new Set(rows.flatMap(([, codes]) => codes))].sort(), [...new Set(all)].sort());
});

Deno.test("CONTRIBUTING - its map shows every folder of the sources", async () => {
  const text = await Deno.readTextFile(new URL(".github/CONTRIBUTING.md", ROOT));
  const shown = Array.from(text.matchAll(/^\| `(src\/\w+)`/gm), ([, folder]) => folder!);
  const entries = await Array.fromAsync(Deno.readDir(new URL("src/", ROOT)));
  const folders = entries.filter((entry) => entry.isDirectory).map(({ name }) => `src/${name}`);
  assertEquals(shown.sort(), folders.sort());
});

Deno.test("Operating it - alerts on metrics, counters and events that there are", async () => {
  const files = [
    ...await listFiles("src/", /\.ts$/),
    ...await listFiles("src/producer/", /\.ts$/),
    ...await listFiles("src/transaction/", /\.ts$/),
  ];
  const sources = await Promise.all(files.map((path) => Deno.readTextFile(new URL(path, ROOT))));
  const alerts = sectionOf(OPERATING, "Alerts");
  const metrics = new Set(
    alerts.match(/(?<=`)(?:messaging\.client|rocketmq\.transaction)\.[\w.]+/g),
  );
  assertGreater(metrics.size, 3);
  for (const metric of metrics) {
    assertEquals(sources.some((source) => source.includes(`"${metric}"`)), true, metric);
  }
  const counters = Array.from(alerts.matchAll(/stats\(\)\.(\w+)/g), ([, name]) => name!);
  const events = Array.from(alerts.matchAll(/event `(\w+)`/g), ([, name]) => name!);
  assertGreater(counters.length * events.length, 9);
  const members = NODES.filter(({ path }) => /^\w*(?:Stats|Counters)\./.test(path));
  const counted = new Set(members.map(({ node }) => node.name));
  assertEquals(counters.filter((name) => !counted.has(name)), []);
  const types = JSON.stringify(NODES.filter(({ path }) => /Event\.type$/.test(path)));
  assertEquals(events.filter((name) => !types.includes(`"${name}"`)), []);
});
