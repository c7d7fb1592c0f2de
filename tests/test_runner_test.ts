import { assert, assertEquals, assertMatch } from "@std/assert";

/** Where something that a test leaves behind is allowed, or a rejection is looked at, and why. */
const ALLOWED: Readonly<Record<string, string>> = {
  "tests/test_runner_test.ts": "it shows that these are noticed",
  "tests/conformance/real_test.ts":
    "steps that run at the same time; the test around them is watched",
  "tests/integration/server_versions_test.ts": "the same",
  "tests/simulation/simulation.ts": "a rejection there is a violation of H2",
  "tests/soak/producer_program.ts": "it counts them, and the run fails",
};

const HIDING =
  /sanitize(?:Ops|Resources|Exit): false|["']unhandled[rR]ejection["']|["']uncaughtException["']/;

/** Runs one test module with the configuration of all. */
async function runTest(source: string): Promise<{ success: boolean; output: string }> {
  const path = await Deno.makeTempFile({ suffix: "_test.ts" });
  try {
    await Deno.writeTextFile(path, source);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--config", "deno.json", path],
      cwd: new URL("../", import.meta.url),
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    await Deno.remove(path);
  }
}

const LEFT_BEHIND: Readonly<Record<string, [source: string, says: RegExp]>> = {
  "a rejection that nobody takes": [
    "Deno.test('a', async () => { Promise.reject(new Error('alone')); await new Promise((r) => setTimeout(r, 5)); });",
    /alone/,
  ],
  "a rejection after the test": [
    "setTimeout(() => Promise.reject(new Error('late')), 1); Deno.test('a', () => new Promise((r) => setTimeout(r, 50)));",
    /late/,
  ],
  "an error out of a timer": [
    "setTimeout(() => { throw new Error('timer'); }, 1); Deno.test('a', () => new Promise((r) => setTimeout(r, 50)));",
    /timer/,
  ],
  "a timer": ["Deno.test('a', () => { setTimeout(() => {}, 60_000); });", /timer/i],
  "a listener": [
    "Deno.test('a', () => { Deno.listen({ port: 0 }); });",
    /listen/i,
  ],
  "an exit": ["Deno.test('a', () => { Deno.exit(0); });", /exit/i],
};

for (const [what, [source, says]] of Object.entries(LEFT_BEHIND)) {
  Deno.test(`test run - ${what} that is left behind fails it`, async () => {
    const { success, output } = await runTest(source);
    assertEquals(success, false, output);
    assertMatch(output, says);
  });
}

Deno.test("test run - one that leaves nothing behind passes", async () => {
  const { success, output } = await runTest("Deno.test('a', () => {});");
  assert(success, output);
});

Deno.test("test run - nowhere is hidden what a test leaves behind", async () => {
  const found: string[] = [];
  let looked = 0;
  for (const folder of ["src/", "tests/", ".ci/"]) {
    for await (const path of listModules(folder)) {
      looked++;
      const source = await Deno.readTextFile(new URL(`../${path}`, import.meta.url));
      if (!ALLOWED[path] && HIDING.test(source)) found.push(path);
    }
  }
  assertEquals(found, []);
  assert(looked > 300);
});

async function* listModules(folder: string): AsyncGenerator<string> {
  for await (
    const { name, isDirectory } of Deno.readDir(new URL(`../${folder}`, import.meta.url))
  ) {
    if (isDirectory) yield* listModules(`${folder}${name}/`);
    else if (name.endsWith(".ts")) yield `${folder}${name}`;
  }
}
