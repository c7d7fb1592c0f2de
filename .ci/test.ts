// deno-lint-ignore-file no-console
/**
 * The whole test command, step by step: format, lint, types, documentation, packaging, tests. Its
 * last line is `N passed, N failed`.
 *
 *     deno task test                      everything
 *     deno task test tests/remoting       these tests only; what follows is passed to `deno test`
 *     deno task check                     everything but the tests
 *
 * @module
 */

import { untilInterrupted } from "../tests/support/interruption.ts";
import { addCounts, type Counts, NOTHING, runDenoTest } from "./deno_test.ts";
import { searchForSecrets } from "./secrets.ts";

/** One thing that has to succeed. */
interface Step {
  /** What it looks at. */
  title: string;
  /** Arguments for `deno`. */
  args: string[];
}

/**
 * The tests that start servers of their own, in processes. They wait more than they work, so they
 * run beside the others, which leave them the time that they need: their clocks are real.
 */
const ON_BROKERS = [
  "tests/conformance",
  "tests/examples",
  "tests/inspector",
  "tests/integration",
  "tests/support_test",
];

const HELP = `Runs the checks and tests of this package.

Usage: deno task test [PATH...] [OPTION...]
       deno task check

Without a path: format, lint, types, documentation, package and all tests. With one: the tests there.
The last line is \`N passed, N failed\`.

  --filter TEXT  only tests with this in their name; a pattern between slashes
  --fail-fast    ends at the first failure
  --parallel     test modules at once
  --shuffle      in another order
  --trace-leaks  tells where what a test left behind was made
  --checks-only  everything but the tests, as \`deno task check\`
  --help         this text

Exit code 0: all passed. 1: something failed. 2: wrong arguments. 130: ended by Ctrl+C.`;

/** The options that `deno test` gets. */
const OPTIONS = ["--filter", "--fail-fast", "--parallel", "--shuffle", "--trace-leaks"];

/** The scripts of the inspector's page. */
const PAGE = "src/testing/inspector/page";

const ROOT = new URL("../", import.meta.url);

async function listChecks(): Promise<Step[]> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const entryPoints: string[] = Object.values(config.exports);
  const documents = [...await listDocuments(""), ...await listDocuments(".github/")];
  return [
    { title: "format", args: ["fmt", "--check"] },
    { title: "lint", args: ["lint"] },
    {
      title: "types, also of the examples in the documentation",
      args: [
        "check",
        "--quiet",
        "--doc",
        ...entryPoints,
        "src",
        "tests",
        "examples",
        ".ci",
        ...documents,
      ],
    },
    {
      title: "types of the inspector's page, which runs in browsers",
      args: ["check", "--quiet", "--config", ".ci/page.json", `${PAGE}/app.js`],
    },
    { title: "documentation of all that is public", args: ["doc", "--lint", ...entryPoints] },
    { title: "package", args: ["publish", "--dry-run", "--allow-dirty"] },
  ];
}

/** The Markdown files in a folder of the package. */
async function listDocuments(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(folder || ".", ROOT)));
  return entries.filter(({ name }) => name.endsWith(".md")).map(({ name }) => folder + name).sort();
}

function announce({ title, args }: Step): void {
  console.log(`\n== ${title}: deno ${args.join(" ")}`);
}

/** Runs everything but the tests; a check counts like a test. */
async function runChecks(signal: AbortSignal): Promise<Counts> {
  const counts = { passed: 0, failed: 0, ignored: 0 };
  for (const step of await listChecks()) {
    announce(step);
    const command = new Deno.Command(Deno.execPath(), { args: step.args, cwd: ROOT, signal });
    const { success } = await command.spawn().status;
    signal.throwIfAborted();
    counts[success ? "passed" : "failed"]++;
    if (!success) console.log(`FAILED: ${step.title}`);
  }
  return counts;
}

async function runSelected(selection: string[], signal: AbortSignal): Promise<Counts> {
  const titles = (await listChecks()).map((check) => check.title);
  console.log(`Only what was named. Not run: other tests; ${titles.join("; ")}`);
  const args = ["test", "-A", ...selection];
  announce({ title: "tests", args });
  return (await runDenoTest(args, { signal })).counts;
}

/** Test modules and folders of them, the ones on brokers apart. */
async function listTests(): Promise<{ onBrokers: string[]; others: string[] }> {
  const others: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL("tests/", ROOT))) {
    const path = `tests/${name}`;
    if (ON_BROKERS.includes(path)) continue;
    if (isDirectory || name.endsWith("_test.ts")) others.push(path);
  }
  return { onBrokers: ON_BROKERS, others: others.sort() };
}

/**
 * Runs the checks and all tests, then looks for secrets in everything that the tests showed. Tests on
 * brokers take the longest, so everything else runs beside them.
 */
async function runAll(signal: AbortSignal): Promise<Counts> {
  const { onBrokers, others } = await listTests();
  const record = await Deno.makeTempDir({ prefix: "rocketmq-deno-tests-" });
  try {
    const args = ["test", "-A", "--no-check", "--preload", "tests/support/record_output.ts"];
    const options = { env: { ROCKETMQ_TESTS_RECORD: record }, signal };
    const onBrokersArgs = [...args, "--parallel", ...onBrokers];
    announce({ title: "tests on brokers, two at once, in the background", args: onBrokersArgs });
    const background = runDenoTest(onBrokersArgs, {
      signal,
      env: { ...options.env, DENO_JOBS: "2" },
      isHeld: true,
    });
    background.catch(() => {}); // when it is ended, so is what is waited for first
    const checks = await runChecks(signal);
    const rest = [...args, ...others];
    announce({ title: "the other tests", args: rest });
    const first = await runDenoTest(rest, { ...options, isModest: true });
    console.log("\n== tests on brokers, which ran beside these");
    const second = await background;
    await second.show();
    console.log("\n== secrets in what the tests showed, logged, told and threw");
    const secrets = await searchForSecrets(record, [...first.output, ...second.output]);
    console.log(secrets.report);
    const found = { ...NOTHING, [secrets.isClean ? "passed" : "failed"]: 1 };
    const tests = addCounts(first.counts, second.counts, found);
    const steps = `${checks.passed} steps passed, ${checks.failed} failed`;
    console.log(`Beside the tests ${steps}; a failed one counts below like a failed test.`);
    return { ...tests, failed: tests.failed + checks.failed };
  } finally {
    await Deno.remove(record, { recursive: true });
  }
}

function run(args: string[], signal: AbortSignal): Promise<Counts> {
  if (args[0] === "--checks-only") return runChecks(signal);
  return args.length > 0 ? runSelected(args, signal) : runAll(signal);
}

async function main(args: string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(HELP);
    return 0;
  }
  const strange = args.find((arg, i) =>
    arg.startsWith("-") && !OPTIONS.includes(arg.split("=", 1)[0]!) &&
    !(arg === "--checks-only" && i === 0 && args.length === 1)
  );
  if (strange !== undefined) {
    console.error(`Cannot use ${strange}: it is no option\n\n${HELP}`);
    return 2;
  }
  return await untilInterrupted(async (interrupted) => {
    const { passed, failed, ignored } = await run(args, interrupted);
    if (ignored > 0) console.log(`Left out: ${ignored}`);
    console.log(`\n${passed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
