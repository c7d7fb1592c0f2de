import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { Program } from "../support/program.ts";
import { type DocBlock, findBlocks, listBlocks, ROOT } from "./doc_block.ts";
import { EXAMPLE_CALLS, type ExampleCall, startProducer } from "./example_calls.ts";
import { makeRunnable, type RunKind, type RunnableBlock } from "./runnable_block.ts";

/** Most examples that may be marked as fragments that neither compile nor run. */
const MAX_IGNORED = 0;

/** Fewest examples of each kind: where fewer are found, they are no longer looked for rightly. */
const FEWEST: Readonly<Record<RunKind, number>> = {
  test: 2,
  program: 2,
  function: 15,
  statements: 15,
};

const BLOCKS = await listBlocks();

function nameOf({ file, line }: DocBlock): string {
  return `${file}:${line}`;
}

/** How the function of an example is called. */
function findCall({ file }: DocBlock, functionName: string): ExampleCall | undefined {
  const base = file.slice(file.lastIndexOf("/") + 1);
  return EXAMPLE_CALLS[`${base} ${functionName}`] ?? EXAMPLE_CALLS[functionName];
}

/** A broker of its own for an example, and a place for its module. */
async function withExample(
  block: DocBlock,
  run: (path: string, runnable: RunnableBlock, broker: EmbeddedBroker) => Promise<void>,
): Promise<void> {
  await using broker = await EmbeddedBroker.start({
    transactionCheckInterval: Infinity,
    recallMessages: true,
  });
  const runnable = await makeRunnable(block, broker.nameServer);
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, runnable.source);
    await run(path, runnable, broker);
  } finally {
    await Deno.remove(path);
  }
}

async function runDeno(...args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [args[0]!, "-A", "--no-check", "--config", "deno.json", ...args.slice(1)],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stdout) + decoder.decode(stderr));
}

/** Runs a program to its end. One that has told where it listens, and goes on, gets Ctrl+C. */
async function runProgram(path: string): Promise<void> {
  const permissions = ["-A", "--config", new URL("deno.json", ROOT).pathname];
  await using program = new Program(new URL(`file://${path}`), { permissions });
  await program.until("an end, or an address", () => /http:\/\//.test(program.stdout), 10_000)
    .then(() => program.signal("SIGINT"), () => {});
  const isServer = program.stdout.includes("http://");
  assertEquals(await program.exit(5_000), isServer ? 130 : 0, program.output);
}

for (const block of BLOCKS.filter(({ marker }) => marker !== "ignore")) {
  Deno.test(`example in ${nameOf(block)} - does what it says`, async () => {
    await withExample(block, async (path, { kind, functionName }, broker) => {
      if (kind === "test") return await runDeno("test", path);
      if (kind === "program") return await runProgram(path);
      const module = await import(`file://${path}`);
      if (kind === "statements") return;
      const call = findCall(block, functionName!);
      assert(call, `example_calls.ts does not say how ${functionName} is called`);
      await using producer = await startProducer(broker.nameServer);
      await call(module[functionName!], { broker, producer });
    });
  });
}

Deno.test("examples - all are found, and none is left out without need", async () => {
  const counts = { test: 0, program: 0, function: 0, statements: 0 };
  const ignored = BLOCKS.filter(({ marker }) => marker === "ignore");
  for (const block of BLOCKS) {
    assert(["", "ignore"].includes(block.marker), `${nameOf(block)} is marked ${block.marker}`);
    counts[(await makeRunnable(block, "127.0.0.1:1")).kind]++;
  }
  assert(ignored.length <= MAX_IGNORED, `ignored: ${ignored.map(nameOf).join(", ")}`);
  for (const [kind, fewest] of Object.entries(FEWEST)) {
    assertGreaterOrEqual(counts[kind as RunKind], fewest, kind);
  }
});

Deno.test("examples - every call is that of an example", async () => {
  const used = new Set<ExampleCall | undefined>();
  for (const block of BLOCKS) {
    const { kind, functionName } = await makeRunnable(block, "127.0.0.1:1");
    if (kind === "function") used.add(findCall(block, functionName!));
  }
  const unused = Object.entries(EXAMPLE_CALLS).filter(([, call]) => !used.has(call));
  assertEquals(unused.map(([name]) => name), []);
});

Deno.test("examples - are found in documents and in indented doc comments, with their lines", () => {
  const text =
    "# A\n\n```ts\nlet a;\n```\n\n  /**\n   * ```ts ignore\n   * f(\n   *\n   *   1);\n" +
    "   * ```\n   */\n```sh\nls\n```\n";
  assertEquals(findBlocks("a.md", text), [
    { file: "a.md", line: 4, marker: "", code: "let a;\n" },
    { file: "a.md", line: 9, marker: "ignore", code: "f(\n\n  1);\n" },
  ]);
});

Deno.test("examples - one that does not type-check fails the check of types", async () => {
  const path = await Deno.makeTempFile({ suffix: ".md" });
  try {
    await Deno.writeTextFile(path, '# A\n\n```ts\nconst a: number = "1";\nconsole.log(a);\n```\n');
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--doc", "--config", "deno.json", path],
      cwd: ROOT,
    }).output();
    assertEquals(success, false);
    assert(new TextDecoder().decode(stderr).includes("TS2322"));
  } finally {
    await Deno.remove(path);
  }
});
