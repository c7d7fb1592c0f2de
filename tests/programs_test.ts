// Every program that a person may start: its usage, wrong arguments, and Ctrl+C. The examples have
// tests of their own; those that need a cluster are interrupted in tests/integration.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Program } from "./support/program.ts";
import { eventually } from "./support/progress.ts";
import { StartedProcesses } from "./support/started_processes.ts";

const ROOT = new URL("../", import.meta.url);

/** The programs, and whether they begin to work for long without any argument. */
const PROGRAMS = [
  ".ci/offline/compare_std.ts",
  ".ci/launch.ts",
  ".ci/page.ts",
  ".ci/release.ts",
  ".ci/test.ts",
  "tests/bench/check_backs.ts",
  "tests/bench/codec.ts",
  "tests/bench/codec_figures.ts",
  "tests/bench/flat.ts",
  "tests/bench/main.ts",
  "tests/bench/runtimes.ts",
  "tests/bench/start_up.ts",
  "tests/chaos/main.ts",
  "tests/differential/main.ts",
  "tests/examples/main.ts",
  "tests/examples/run_example.ts",
  "tests/fuzz/main.ts",
  "tests/groups/main.ts",
  "tests/inspector/main.ts",
  "tests/mutants/main.ts",
  "tests/runtimes/main.ts",
  "tests/servers/main.ts",
  "tests/simulation/main.ts",
  "tests/soak/main.ts",
  "tests/support/demo.ts",
  "tests/support/with_cluster.ts",
];

/** Modules that another program starts, with arguments that only it knows. */
const PARTS = [
  "tests/bench/check_answerer.ts",
  "tests/bench/check_asker.ts",
  "tests/bench/flat_client.ts",
  "tests/bench/responder.ts",
  "tests/bench/runtimes_program.ts",
  "tests/bench/start_once.ts",
  "tests/chaos/chaos.ts",
  "tests/chaos/member.ts",
  "tests/integration/programs/consumer_member.ts",
  "tests/integration/programs/group_member.ts",
  "tests/soak/producer_program.ts",
  "tests/testing/testdata/open_folder.ts",
  "tests/transaction/programs/undecided_orders.ts",
];

/** Programs that go on for long, and what they have written once they do. */
const LONG: readonly [program: string, args: string[], isBusy: (program: Program) => boolean][] = [
  ["tests/bench/check_backs.ts", [], ({ stdout }) => stdout.includes("---:")],
  ["tests/bench/codec.ts", [], ({ stdout }) => stdout.includes("memcpy")],
  ["tests/bench/codec_figures.ts", [], ({ stdout }) => stdout.includes("M/s")],
  ["tests/bench/flat.ts", ["--part", "length"], ({ stdout }) => stdout.includes("---:")],
  ["tests/fuzz/main.ts", ["--runs", "1000000000"], hasRun],
  ["tests/mutants/main.ts", ["--fresh"], hasRun],
  ["tests/simulation/main.ts", ["--seeds", "1000000"], hasRun],
  ["tests/simulation/main.ts", ["--plant", "all"], hasRun],
  ["tests/support/demo.ts", [], ({ stdout }) => stdout.includes("KEY")],
];

/** How many run at once. */
const AT_ONCE = 3;

/** For programs that write nothing before they end. */
function hasRun(program: Program): boolean {
  return performance.now() - started.get(program)! > 1_000;
}

const started = new WeakMap<Program, number>();

function start(path: string, args: string[], env: Record<string, string> = {}): Program {
  const program = new Program(new URL(path, ROOT), { permissions: ["-A"], args, env });
  started.set(program, performance.now());
  return program;
}

/** Does something with each, some at once. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const item of rest) await work(item);
  }));
}

async function listModules(folder: string): Promise<string[]> {
  const modules: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) modules.push(...await listModules(`${folder}${name}/`));
    else if (/(?<!_test)\.ts$/.test(name)) modules.push(folder + name);
  }
  return modules;
}

Deno.test("programs - all are known here", async () => {
  const found: string[] = [];
  for (const path of [...await listModules("tests/"), ...await listModules(".ci/")]) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    if (/^(?!.*(?:\*|\/\/)).*(?:import\.meta\.main|Deno\.args)/m.test(text)) found.push(path);
  }
  assertEquals(found.sort(), [...PROGRAMS, ...PARTS].sort());
});

Deno.test("programs - each task runs one of them", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  for (const { command } of Object.values<{ command: string }>(tasks)) {
    const paths = command.match(/[\w./]+\.ts\b/g)!;
    for (const path of paths) assert(PROGRAMS.includes(path), command);
  }
});

Deno.test("programs - the script of the whole run demands a broker, and passes its arguments on", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const npx = `#!/bin/sh\necho "$ROCKETMQ_TESTS_REQUIRE_BROKER $PWD $*"\nexit 7\n`;
    await Deno.writeTextFile(`${folder}/npx`, npx, { mode: 0o700 });
    const { code, stdout } = await new Deno.Command(new URL(".ci/run", ROOT).pathname, {
      args: ["--filter", "two words"],
      env: { PATH: `${folder}:${Deno.env.get("PATH")}` },
    }).output();
    const root = ROOT.pathname.slice(0, -1);
    assertEquals(
      [code, new TextDecoder().decode(stdout)],
      [7, `1 ${root} -y deno@2.9.6 task test --filter two words\n`],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("programs - the script of the whole run installs a browser only when told to, and says so", async () => {
  const folder = await Deno.makeTempDir();
  const runs = async (args: string[], env: Record<string, string> = {}) => {
    const { stdout, stderr } = await new Deno.Command("/bin/bash", {
      args: [new URL(".ci/run", ROOT).pathname, ...args],
      env: { PATH: folder, ...env },
      clearEnv: true,
    }).output();
    return new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
  };
  try {
    const scripts = { npx: `echo "ran $*"`, "apt-get": `echo "apt-get $*"`, id: "echo 0" };
    for (const [name, script] of Object.entries(scripts)) {
      await Deno.writeTextFile(`${folder}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    }
    await Deno.writeTextFile(`${folder}/dirname`, `#!/bin/sh\necho "\${1%/*}"\n`, { mode: 0o700 });
    const ran = "ran -y deno@2.9.6 task test\n";
    assertEquals(
      await runs([]),
      `.ci/run: no Chromium, so no tests in a browser; --install-browser installs it\n${ran}`,
    );
    for (const [args, env] of [[["--install-browser"], {}], [[], { CI: "true" }]] as const) {
      const output = await runs([...args], env);
      assertMatch(output, /no Chromium; installing the package chromium for the tests/);
      assertMatch(output, /^\.ci\/run: apt-get .*install -y --no-install-recommends chromium$/m);
      assert(output.endsWith(ran), output);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("programs - help tells the usage on stdout", async () => {
  await forEach(PROGRAMS, async (path) => {
    await using program = start(path, ["--help"]);
    assertEquals(await program.exit(), 0, path + program.output);
    assertMatch(program.stdout, /^(?:.+\n)*\n?Usage: (?:deno|npx) /, path);
    assertMatch(program.stdout, /exit codes?\b/i, path);
    assertEquals(program.stderr, "", path);
  });
});

Deno.test("programs - an option that there is not is refused, with what there is", async () => {
  await forEach(PROGRAMS, async (path) => {
    await using program = start(path, ["--nonsense", "1"]);
    assertEquals(await program.exit(), 2, path + program.output);
    assertMatch(program.stderr, /--nonsense.*\n[^]*Usage: /, path);
    assertEquals(program.stderr.includes("    at "), false, path);
    assertEquals(program.stdout, "", path);
  });
});

Deno.test("programs - Ctrl+C ends those that go on for long, without a trace", async () => {
  await forEach(LONG, async ([path, args, isBusy]) => {
    const processes = new StartedProcesses();
    await using program = start(path, args, processes.env);
    await program.until(`${path} at work`, () => isBusy(program), 30_000);
    program.signal("SIGINT");
    assertEquals(await program.exit(10_000), 130, path + program.output);
    let left: string[] = [];
    await eventually(async () => (left = await processes.list()).length === 0, 5_000);
    assertEquals(left, [], path);
    assertEquals(/ {4}at |Uncaught|\bTypeError\b/.exec(program.output), null, path);
  });
});

Deno.test("programs - Ctrl+C ends a run of the tests, and what it has started", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const test = `${folder}/wait_test.ts`;
    await Deno.writeTextFile(
      test,
      `Deno.test("waits", () => new Promise((resolve) => setTimeout(resolve, 600_000)));`,
    );
    const processes = new StartedProcesses();
    await using program = start(".ci/test.ts", [test], processes.env);
    await program.until("the test", () => program.stdout.includes("waits"), 30_000);
    program.signal("SIGINT");
    assertEquals(await program.exit(10_000), 130, program.output);
    let left: string[] = [];
    await eventually(async () => (left = await processes.list()).length === 0, 5_000);
    assertEquals(left, []);
    assertEquals(/ {4}at |Uncaught/.exec(program.stderr), null, program.stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
