import { assertEquals, assertGreater } from "@std/assert";
import {
  dependenciesAreFew,
  everyFileHasItsPlace,
  foldersAreEnteredByTheDoor,
  HELPERS,
  importsGoDown,
  importsMakeNoCircle,
  oneFileDialsPerRuntime,
  oneFileFetches,
  producersKnowNoHalfMessages,
  pureFoldersStayPure,
  type Rule,
  runtimesAreNamedAtSeams,
  runtimeTimeAndChanceComeThroughOneDoor,
  sourcesImportSources,
} from "./support/architecture_rules.ts";
import { readSources, scanSource } from "./support/source_scanner.ts";

/** Asserts that `rule` finds exactly `problem` in a file that breaks it. */
function assertBites(rule: Rule, path: string, text: string, ...problems: string[]): void {
  const dialer = scanSource("src/transport/deno_dialer.ts", "await Deno.connect({ port: 1 });");
  assertEquals(rule([dialer]), []);
  assertEquals(rule([dialer, scanSource(path, text)]), problems.map((p) => `${path} ${p}`));
}

const ROOT = new URL("../", import.meta.url);

async function assertKept(rule: Rule): Promise<void> {
  const files = await readSources(ROOT);
  assertGreater(files.length, HELPERS.length, "The sources were not found");
  assertEquals(rule(files), []);
}

Deno.test("architecture - every file has its place", async () => {
  assertBites(
    everyFileHasItsPlace,
    "src/util/strings.ts",
    "",
    "lies in no folder that FOLDERS lists and is no helper that HELPERS lists",
  );
  assertBites(
    everyFileHasItsPlace,
    "src/util.ts",
    "",
    "lies in no folder that FOLDERS lists and is no helper that HELPERS lists",
  );
  await assertKept(everyFileHasItsPlace);
});

Deno.test("architecture - a folder imports only from folders below it", async () => {
  assertBites(
    importsGoDown,
    "src/remoting/frame.ts",
    `import { Message } from "../message/mod.ts";\nimport { x } from "./y.ts";`,
    "imports upwards from src/message/mod.ts",
  );
  assertBites(
    importsGoDown,
    "src/route/mod.ts",
    `export type { ClientInstance } from '../client/mod.ts';\nimport "../message/mod.ts";`,
    "imports upwards from src/client/mod.ts",
  );
  assertBites(
    importsGoDown,
    "src/errors.ts",
    `const codec = await import("./remoting/mod.ts");`,
    "imports upwards from src/remoting/mod.ts",
  );
  await assertKept(importsGoDown);
});

Deno.test("architecture - a folder is entered through its mod.ts", async () => {
  assertBites(
    foldersAreEnteredByTheDoor,
    "src/client/mod.ts",
    `import {\n  Connection,\n} from "../transport/connection.ts";\nimport "./pool.ts";`,
    "imports src/transport/connection.ts past src/transport/mod.ts",
  );
  assertBites(
    foldersAreEnteredByTheDoor,
    "mod.ts",
    `export * from "./src/producer/producer.ts";\nexport * from "./src/errors.ts";`,
    "imports src/producer/producer.ts past src/producer/mod.ts",
  );
  await assertKept(foldersAreEnteredByTheDoor);
});

Deno.test("architecture - dependencies are few and none is from npm", async () => {
  const text = `import { concat } from "@std/bytes/concat";
    import { inflate } from "node:zlib";
    import lz4 from "npm:lz4js";
    import net from "node:net";
    export * from "https://example.com/mod.ts";`;
  assertBites(
    dependenciesAreFew,
    "src/message/compression.ts",
    text,
    "depends on npm:lz4js",
    "depends on node:net",
    "depends on https://example.com/mod.ts",
  );
  await assertKept(dependenciesAreFew);
});

Deno.test("architecture - sources import sources only", async () => {
  assertBites(
    sourcesImportSources,
    "src/producer/mod.ts",
    `import { Producer } from "../../mod.ts";`,
    "imports mod.ts, which lies outside of src/",
  );
  await assertKept(sourcesImportSources);
});

Deno.test("architecture - pure folders have no I/O, no clock and no logging", async () => {
  const text = `import { defaultLogger } from "../logger.ts";
    import { ProtocolError } from "../errors.ts";
    const id = \`\${Date.now()} of "Deno.pid"\`; // not console.log
    const host = Deno.hostname();
    setTimeout(() => Math.random() / performance.now());`;
  assertBites(
    pureFoldersStayPure,
    "src/message/unique_key.ts",
    text,
    "names Date.now",
    "names Deno",
    "names setTimeout",
    "names Math.random",
    "names performance",
    "imports src/logger.ts",
  );
  assertBites(
    pureFoldersStayPure,
    "src/trace/trace.ts",
    `import { Telemetry } from "../telemetry.ts"; const now = Date.now();`,
    "names Date.now",
    "imports src/telemetry.ts",
  );
  await assertKept(pureFoldersStayPure);
});

Deno.test("architecture - one file opens connections for each kind of runtime", async () => {
  const deno = scanSource("src/transport/deno_dialer.ts", "await Deno.connectTls(options);");
  const node = scanSource("src/transport/node_dialer.ts", "loadNodeTls().connect(options);");
  const other = scanSource("src/client/c.ts", "const conn = await Deno.connect(options);");
  assertEquals(oneFileDialsPerRuntime([deno, node]), []);
  assertEquals(oneFileDialsPerRuntime([deno, other]), [
    "src/client/c.ts dials",
    "src/transport/node_dialer.ts does not dial",
  ]);
  await assertKept(oneFileDialsPerRuntime);
});

Deno.test("architecture - what is one runtime's is named in files for it, chosen at few seams", async () => {
  const text = `import { isDeno, loadNodeNet } from "../runtime.ts";
    if (isDeno) await Deno.listen(options); else loadNodeNet(); Bun.listen(options);`;
  const names = ["isDeno", "loadNodeNet", "Deno", "Bun"].map((name) => `names ${name}`);
  assertBites(runtimesAreNamedAtSeams, "src/client/a.ts", text, ...names);
  assertBites(
    runtimesAreNamedAtSeams,
    "src/testing/net/node_listener.ts",
    text,
    ...names.filter((name) => name !== "names loadNodeNet"),
  );
  await assertKept(runtimesAreNamedAtSeams);
});

Deno.test("architecture - one file gets URLs", async () => {
  const text = `const a = await fetch(url); const b = globalThis.fetch;
    const c = options.fetch(url) ?? this.#options.fetch; const refetch = prefetch(url);`;
  assertBites(
    oneFileFetches,
    "src/client/config.ts",
    text,
    "names fetch(",
    "names globalThis.fetch",
  );
  await assertKept(oneFileFetches);
});

Deno.test("architecture - runtime, time and chance come through the clock and the dialer", async () => {
  const text = `const at = new Date(); const then = new Date(at);
    const id = crypto.randomUUID() + Date.now();
    const signal = AbortSignal.timeout(10); const addr: Deno.Addr = a;`;
  assertBites(
    runtimeTimeAndChanceComeThroughOneDoor,
    "src/client/heartbeat.ts",
    text,
    "names new Date()",
    "names crypto.",
    "names Date.",
    "names AbortSignal.timeout",
    "names Deno",
  );
  await assertKept(runtimeTimeAndChanceComeThroughOneDoor);
});

Deno.test("architecture - imports make no circle, those of types included", async () => {
  const a = scanSource("src/client/a.ts", `import type { B } from "./b.ts";`);
  const b = scanSource("src/client/b.ts", `import { c } from "./c.ts"; import "./d.ts";`);
  const c = scanSource("src/client/c.ts", `export type { A } from "./a.ts"; import "./d.ts";`);
  const d = scanSource("src/client/d.ts", "");
  assertEquals(importsMakeNoCircle([a, b, d]), []);
  assertEquals(importsMakeNoCircle([a, b, c, d]), [
    "src/client/a.ts → src/client/b.ts → src/client/c.ts → src/client/a.ts is a circle",
  ]);
  await assertKept(importsMakeNoCircle);
});

Deno.test("architecture - a producer of ordinary messages knows no half messages", async () => {
  assertBites(producersKnowNoHalfMessages, "src/producer/a.ts", "// a Half message", "says half");
  await assertKept(producersKnowNoHalfMessages);
});

Deno.test("architecture - the scanner tells code from comments, strings and regular expressions", () => {
  const text = `/** Deno.connect, import "./a.ts" */
    const quote = /["'\`/\\]]/g, half = 4 / 2 / 1; // Deno.pid
    const text = 'it\\'s "Date.now()"' + \`\${\`\${Deno.pid}\`} setTimeout \${{ a: "}" }.a} \\\` \$\`;
    import { a } from "./a.ts"; import "./b.ts"; export { c } from './c.ts';
    export const d = "./d.ts"; const e = await import("./e.ts"); import type { F } from "./f.ts";`;
  const { code, imports } = scanSource("src/x.ts", text);
  assertEquals(code.match(/Deno\.\w+|Date|setTimeout/g), ["Deno.pid"]);
  assertEquals(imports, ["./a.ts", "./b.ts", "./c.ts", "./e.ts", "./f.ts"]);
});
