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

import { addCounts, type Counts, NOTHING, runDenoTest } from "./deno_test.ts";
import { searchForSecrets } from "./secrets.ts";

/** One thing that has to succeed. */
interface Step {
  /** What it looks at. */
  title: string;
  /** Arguments for `deno`. */
  args: string[];
}

/** Where documentation examples run as tests; elsewhere they need a cluster and are only checked. */
const RUNNABLE_EXAMPLES = ["src/remoting", "src/message", "src/requests"];

/**
 * The tests that start servers of their own, in processes. They wait more than they work, so they
 * run beside the others, which leave them the time that they need: their clocks are real.
 */
const ON_BROKERS = [
  "tests/conformance",
  "tests/examples",
  "tests/integration",
  "tests/support_test",
];

const ROOT = new URL("../", import.meta.url);

async function listChecks(): Promise<Step[]> {
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const entryPoints: string[] = Object.values(config.exports);
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
        "README.md",
      ],
    },
    { title: "documentation of all that is public", args: ["doc", "--lint", ...entryPoints] },
    { title: "package", args: ["publish", "--dry-run", "--allow-dirty"] },
  ];
}

function announce({ title, args }: Step): void {
  console.log(`\n== ${title}: deno ${args.join(" ")}`);
}

/** Runs everything but the tests; a check counts like a test. */
async function runChecks(): Promise<Counts> {
  const counts = { passed: 0, failed: 0, ignored: 0 };
  for (const step of await listChecks()) {
    announce(step);
    const { success } = await new Deno.Command(Deno.execPath(), { args: step.args, cwd: ROOT })
      .spawn().status;
    counts[success ? "passed" : "failed"]++;
    if (!success) console.log(`FAILED: ${step.title}`);
  }
  return counts;
}

async function runSelected(selection: string[]): Promise<Counts> {
  const titles = (await listChecks()).map((check) => check.title);
  console.log(`Only what was named. Not run: other tests; ${titles.join("; ")}`);
  const args = ["test", "-A", ...selection];
  announce({ title: "tests", args });
  return (await runDenoTest(args)).counts;
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

/** Runs all tests, then looks for secrets in everything that they showed. */
async function runAllTests(): Promise<Counts> {
  const { onBrokers, others } = await listTests();
  const record = await Deno.makeTempDir({ prefix: "rocketmq-deno-tests-" });
  try {
    const args = ["test", "-A", "--no-check", "--preload", "tests/support/record_output.ts"];
    const options = { env: { ROCKETMQ_TESTS_RECORD: record } };
    const onBrokersArgs = [...args, "--parallel", ...onBrokers];
    announce({ title: "tests on brokers, two at once, in the background", args: onBrokersArgs });
    const background = runDenoTest(onBrokersArgs, {
      env: { ...options.env, DENO_JOBS: "2" },
      isHeld: true,
    });
    const rest = [...args, "--doc", ...others, ...RUNNABLE_EXAMPLES];
    announce({ title: "the other tests, and the examples in the documentation", args: rest });
    const first = await runDenoTest(rest, { ...options, isModest: true });
    console.log("\n== tests on brokers, which ran beside these");
    const second = await background;
    await second.show();
    console.log("\n== secrets in what the tests showed, logged, told and threw");
    const secrets = await searchForSecrets(record, [...first.output, ...second.output]);
    console.log(secrets.report);
    const found = { ...NOTHING, [secrets.isClean ? "passed" : "failed"]: 1 };
    return addCounts(first.counts, second.counts, found);
  } finally {
    await Deno.remove(record, { recursive: true });
  }
}

async function runAll(): Promise<Counts> {
  const checks = await runChecks();
  const tests = await runAllTests();
  const steps = `${checks.passed} steps passed, ${checks.failed} failed`;
  console.log(`Before the tests ${steps}; a failed one counts below like a failed test.`);
  return { ...tests, failed: tests.failed + checks.failed };
}

function run(args: string[]): Promise<Counts> {
  if (args[0] === "--checks-only") return runChecks();
  return args.length > 0 ? runSelected(args) : runAll();
}

if (import.meta.main) {
  const { passed, failed, ignored } = await run(Deno.args);
  if (ignored > 0) console.log(`Left out: ${ignored}`);
  console.log(`\n${passed} passed, ${failed} failed`);
  Deno.exit(failed === 0 ? 0 : 1);
}
