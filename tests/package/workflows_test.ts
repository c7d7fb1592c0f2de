import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = new URL(".github/workflows/", ROOT);

interface Workflow {
  name: string;
  text: string;
  /** The jobs' texts. */
  jobs: string[];
}

async function readWorkflows(): Promise<Workflow[]> {
  const names = (await Array.fromAsync(Deno.readDir(FOLDER))).map(({ name }) => name).sort();
  return await Promise.all(names.map(async (name) => {
    const text = await Deno.readTextFile(new URL(name, FOLDER));
    return { name, text, jobs: text.split(/^jobs:\n/m)[1]!.split(/^(?= {2}\w+:\n)/m) };
  }));
}

const WORKFLOWS = await readWorkflows();

/** The values of a key, wherever it stands. */
function valuesOf(text: string, key: string): string[] {
  const pattern = new RegExp(`^ *(?:- )?${key}: *(.*)$`, "gm");
  return Array.from(text.matchAll(pattern), ([, value]) => value!);
}

Deno.test("workflows - there is one for pull requests and one that publishes", () => {
  assertEquals(WORKFLOWS.map(({ name }) => name), ["ci.yml", "publish.yml"]);
  const [ci, publish] = WORKFLOWS;
  assertMatch(ci!.text, /^on:\n {2}pull_request:\n {2}push:\n {4}branches: \[main\]$/m);
  assertMatch(publish!.text, /^on:\n {2}push:\n {4}tags: \["v\*"\]$/m);
  for (const command of ["npx -y deno@2.9.6 task check", ".ci/run"]) {
    assert(valuesOf(ci!.text, "run").includes(command), command);
  }
  assertEquals(valuesOf(publish!.text, "run"), [
    'npx -y deno@2.9.6 run --allow-read .ci/release.ts "$GITHUB_REF_NAME"',
    ".ci/run",
    "npx -y deno@2.9.6 publish",
  ]);
  assertMatch(publish!.jobs.at(-1)!, /^ {4}needs: test$/m);
});

Deno.test("workflows - actions are pinned by commit, each at one version", () => {
  const pins = new Map<string, string>();
  for (const { name, text } of WORKFLOWS) {
    const uses = valuesOf(text, "uses");
    assertGreater(uses.length, 3, name);
    for (const use of uses) {
      const match = /^([\w-]+\/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$/.exec(use);
      assert(match, `${name}: ${use}`);
      assertEquals(pins.get(match[1]!) ?? match[2], match[2], use);
      pins.set(match[1]!, match[2]!);
    }
    const checkouts = uses.filter((use) => use.startsWith("actions/checkout@")).length;
    assertEquals(valuesOf(text, "persist-credentials"), Array(checkouts).fill("false"));
  }
});

Deno.test("workflows - may read, and only the job that publishes gets an identity", () => {
  for (const { name, text, jobs } of WORKFLOWS) {
    assertMatch(text, /^permissions:\n {2}contents: read\n\n/m, name);
    const writing = jobs.filter((job) => /: write\b|write-all/.test(job));
    assertEquals(writing.length, name === "publish.yml" ? 1 : 0, name);
    for (const job of writing) {
      assertMatch(job, /^ {4}permissions:\n {6}contents: read\n {6}id-token: write\n {4}\w/m);
      assertMatch(job, /deno@[\d.]+ publish$/m);
    }
    assertEquals(/secrets\.|pull_request_target|github\.token|GITHUB_TOKEN/.exec(text), null, name);
  }
});

Deno.test("workflows - every job has an end, and what is outdated is stopped", () => {
  for (const { name, text, jobs } of WORKFLOWS) {
    assertGreater(jobs.length, 0, name);
    for (const job of jobs) {
      const [minutes] = valuesOf(job, "timeout-minutes");
      assert(Number(minutes) > 0 && Number(minutes) <= 30, `${name}: ${minutes}`);
      assertEquals(valuesOf(job, "runs-on"), ["ubuntu-24.04"], name);
    }
    assertMatch(text, /^concurrency:\n {2}group: \S+/m, name);
  }
});

Deno.test("workflows - run what is in this repository, with the Deno of the other commands", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const [version] = /deno@[\d.]+/.exec(await Deno.readTextFile(new URL(".ci/run", ROOT)))!;
  for (const { name, text } of WORKFLOWS) {
    for (const command of valuesOf(text, "run")) {
      // Nothing that others can write, a branch's name for instance, gets into a shell.
      assertEquals(/\$\{\{/.exec(command), null, command);
      const [, used] = /^npx -y (\S+)/.exec(command) ?? [];
      if (used !== undefined) assertEquals(used, version, `${name}: ${command}`);
      const [, task] = /deno@\S+ task (\S+)/.exec(command) ?? [];
      if (task !== undefined) assert(task in tasks, `${name}: there is no task ${task}`);
      const [path] = /\.ci\/\S+/.exec(command) ?? [];
      if (path !== undefined) assert((await Deno.stat(new URL(path, ROOT))).isFile, path);
      assert(used ?? path, `${name}: ${command}`);
    }
  }
  assertEquals((await Deno.stat(new URL(".ci/run", ROOT))).mode! & 0o111, 0o111);
});
