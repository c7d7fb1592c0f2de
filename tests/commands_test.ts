import { assertEquals, assertMatch } from "@std/assert";
import { readSummary } from "../.ci/deno_test.ts";

const LAUNCHER = new URL("../.ci/launch.ts", import.meta.url).href;
const TEST_COMMAND = new URL("../.ci/test.ts", import.meta.url).href;

/** An environment in which JSR can't be reached. */
const OFFLINE = { HTTPS_PROXY: "http://127.0.0.1:9", NO_COLOR: "1" };

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

async function runDeno(args: string[], env: Record<string, string>): Promise<Result> {
  const inherited = Deno.env.toObject();
  if (!("JSR_URL" in env)) delete inherited.JSR_URL;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { ...inherited, ...env },
    clearEnv: true,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function withFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("test command - the counts are those of deno test", () => {
  const summary =
    "\n\x1b[0m\x1b[31mFAILED\x1b[0m | 12 passed (3 steps) | 2 failed (1 step) | 1 ignored (9ms)\n";
  assertEquals(readSummary(summary), { passed: 12, failed: 2, ignored: 1 });
  const inner = "------- output -------\nok | 7 passed | 0 failed (2ms)\n----- output end -----\n";
  assertEquals(readSummary(inner + "\nok | 1 passed | 0 failed | 2 filtered out (1s)\n"), {
    passed: 1,
    failed: 0,
    ignored: 0,
  });
  assertEquals(readSummary("error: Type checking failed.\n"), undefined);
});

Deno.test("test command - the last line and the exit code tell what happened", async () => {
  const cases: [source: string, lastLine: string, code: number][] = [
    ["Deno.test('a', () => {});", "1 passed, 0 failed", 0],
    ["Deno.test('a', () => {}); Deno.test('b', () => { throw 1; });", "1 passed, 1 failed", 1],
    ["Deno.test('a', () => {}); const n: number = '';", "0 passed, 1 failed", 1],
    ["import './gone.ts';", "0 passed, 1 failed", 1],
  ];
  await withFolder(async (folder) => {
    for (const [source, lastLine, code] of cases) {
      await Deno.writeTextFile(`${folder}/a_test.ts`, source);
      const args = ["run", "-A", TEST_COMMAND, `${folder}/a_test.ts`];
      const result = await runDeno(args, { JSR_URL: "http://127.0.0.1:9/" });
      assertEquals([result.stdout.trimEnd().split("\n").at(-1), result.code], [lastLine, code]);
    }
  });
});

Deno.test("launcher - where JSR does not answer, the stand-ins serve two runs at once", async () => {
  await withFolder(async (folder) => {
    const code = `import { concat } from "jsr:@std/bytes@^1.0.6";
      console.log(concat([]).length, Deno.env.get("JSR_URL"));
      Deno.exit(7);`;
    const args = ["run", "-A", "--no-config", LAUNCHER, "eval", "--no-config", code];
    const env = { ...OFFLINE, XDG_CACHE_HOME: folder, HOME: folder, LOCALAPPDATA: folder };
    const [first, second] = await Promise.all([runDeno(args, env), runDeno(args, env)]);
    assertEquals(first, second);
    assertEquals(first.code, 7);
    assertMatch(first.stdout, /^0 file:\/\/\/.*\/rocketmq-deno\/std-[0-9a-f]{16}\/\n$/);
    assertEquals(
      first.stderr,
      "JSR does not answer: @std packages come from the stand-ins in .ci/offline\n",
    );
  });
});

Deno.test("launcher - a registry that is already chosen is kept, and nothing is asked", async () => {
  const env = { ...OFFLINE, JSR_URL: "http://127.0.0.1:9/" };
  const code = `console.log(Deno.env.get("JSR_URL"))`;
  assertEquals(await runDeno(["run", "-A", LAUNCHER, "eval", code], env), {
    code: 0,
    stdout: "http://127.0.0.1:9/\n",
    stderr: "",
  });
});

Deno.test("launcher - a signal reaches the program, whose exit code is passed on", async () => {
  const program = `Deno.addSignalListener("SIGINT", () => Deno.exit(9));
      console.log("ready");
      setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", LAUNCHER, "eval", program],
    env: { JSR_URL: "http://127.0.0.1:9/" },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  for await (const chunk of child.stdout) {
    if (new TextDecoder().decode(chunk).includes("ready")) child.kill("SIGINT");
  }
  assertEquals((await child.status).code, 9);
});
