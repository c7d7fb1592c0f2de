import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { PackedPackage } from "../package/packed_package.ts";
import { nodeTest } from "../support/node_tests.ts";
import { EXAMPLES, readShebang } from "./example_program.ts";
import { TemporaryFolder } from "./temporary_folder.ts";

const EXAMPLE = new URL("decode_capture.js", EXAMPLES);
const ROOT = new URL("../../", import.meta.url);

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** What runs the example: a program, and its arguments before those of the example. */
type Runner = [program: string, ...args: string[]];

async function run(runner: Runner, args: string[], cwd?: string): Promise<Result> {
  const [program, ...rest] = runner;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...rest, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    ...(cwd === undefined ? {} : { cwd }),
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Writes a capture: what a client has sent, and what came back. */
async function writeCapture(path: string): Promise<void> {
  const lines = (await Deno.readTextFile(new URL("tests/fixtures/frames/send.jsonl", ROOT)))
    .split("\n", 2);
  const frames = lines.map((line) => Uint8Array.fromBase64(JSON.parse(line).frame));
  await Deno.writeFile(path, await new Response(new Blob(frames)).bytes());
}

/** What it has to print, and how it ends, whatever runs it. */
async function assertDecodes(runner: Runner, folder: string): Promise<void> {
  const capture = `${folder}/capture.bin`;
  await writeCapture(capture);
  const { code, stdout, stderr } = await run(runner, [capture], folder);
  assertEquals([code, stderr], [0, ""], stdout);
  const [request = "", response = "", end] = stdout.split("\n");
  assertMatch(request, /^#150 request SEND_MESSAGE_V2 \{.*"b":"FixTopic".*\} body 14 bytes$/);
  assertMatch(response, /^#150 response SUCCESS \{.*"queueId":"3".*\} body 0 bytes$/);
  assertEquals(end, "");

  await Deno.truncate(capture, 100);
  const cut = await run(runner, [capture], folder);
  assertEquals([cut.code, cut.stdout], [1, ""]);
  assertStringIncludes(cut.stderr, "This is no capture: ");
  assertEquals((await run(runner, [`${folder}/gone.bin`], folder)).code, 1);
  assertEquals((await run(runner, [], folder)).code, 2);
}

Deno.test("decode capture - Deno prints the commands of a capture", async () => {
  await using folder = await TemporaryFolder.make();
  const { permissions } = await readShebang("decode_capture.js");
  const runner: Runner = [Deno.execPath(), "run", "--quiet", "--no-prompt", ...permissions];
  await assertDecodes([...runner, EXAMPLE.pathname], folder.path);
});

nodeTest(
  "decode capture - Node.js does the same with the package that deno pack makes",
  async () => {
    await using project = await PackedPackage.install();
    await Deno.copyFile(EXAMPLE, `${project.folder}/decode_capture.js`);
    await assertDecodes(["node", "decode_capture.js"], project.folder);
  },
);
