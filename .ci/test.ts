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

/** One thing that has to succeed. */
interface Step {
  /** What it looks at. */
  title: string;
  /** Arguments for `deno`. */
  args: string[];
}

/** What `deno test` counted. */
export interface Counts {
  /** Tests that passed. */
  passed: number;
  /** Tests that failed. */
  failed: number;
  /** Tests that were left out. */
  ignored: number;
}

/** Where documentation examples run as tests; elsewhere they need a cluster and are only checked. */
const RUNNABLE_EXAMPLES = ["src/remoting", "src/message", "src/requests"];

/**
 * How long the output of `deno test` may stay open after its end, in milliseconds: a process that
 * a test left behind holds it open for ever.
 */
const OUTPUT_GRACE = 2000;

const ROOT = new URL("../", import.meta.url);

/** The counts in the summary that `deno test` ends with, or nothing if it did not get that far. */
export function readSummary(output: string): Counts | undefined {
  // deno-lint-ignore no-control-regex
  const plain = output.replace(/\x1b\[[0-9;]*m/g, "");
  const pattern =
    /^(?:ok|FAILED) \| (\d+) passed(?: \(.*?\))? \| (\d+) failed(?: \(.*?\))?(?: \| (\d+) ignored)?/gm;
  const last = [...plain.matchAll(pattern)].at(-1);
  if (!last) return undefined;
  return { passed: Number(last[1]), failed: Number(last[2]), ignored: Number(last[3] ?? 0) };
}

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

async function runTests(step: Step): Promise<Counts> {
  announce(step);
  const child = new Deno.Command(Deno.execPath(), { args: step.args, cwd: ROOT, stdout: "piped" })
    .spawn();
  let output = "";
  const reading = show(child.stdout, (text) => output += text);
  const { success } = await child.status;
  await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, OUTPUT_GRACE))]);
  const counts = readSummary(output) ?? { passed: 0, failed: 0, ignored: 0 };
  if (!success && counts.failed === 0) counts.failed = 1;
  return counts;
}

async function show(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onText: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    onText(decoder.decode(chunk, { stream: true }));
    for (let at = 0; at < chunk.length;) at += await Deno.stdout.write(chunk.subarray(at));
  }
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
  return await runTests({ title: "tests", args: ["test", "-A", ...selection] });
}

async function runAll(): Promise<Counts> {
  const checks = await runChecks();
  const examples = RUNNABLE_EXAMPLES;
  const args = ["test", "-A", "--no-check", "--doc", "tests", ...examples];
  const tests = await runTests({ title: "tests, and the examples in the documentation", args });
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
