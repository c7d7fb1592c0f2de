import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
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

if (await hasProgram("node") && await hasProgram("tar")) {
  Deno.test("decode capture - Node.js does the same with the package that deno pack makes", async () => {
    await using folder = await TemporaryFolder.make();
    const installed = `${folder.path}/node_modules/@rocketmq-deno/client`;
    await Deno.mkdir(installed, { recursive: true });
    const tarball = `${folder.path}/package.tgz`;
    const pack: Runner = [Deno.execPath(), "pack", "--quiet", "--allow-dirty", "-o", tarball];
    const packed = await run(pack, [], ROOT.pathname);
    assertEquals(packed.code, 0, packed.stderr);
    const unpack: Runner = ["tar", "-xzf", tarball, "--strip-components=1", "-C", installed];
    assertEquals((await run(unpack, [])).code, 0);

    await Deno.writeTextFile(`${folder.path}/package.json`, '{ "type": "module" }');
    await Deno.copyFile(EXAMPLE, `${folder.path}/decode_capture.js`);
    await assertDecodes(["node", "decode_capture.js"], folder.path);

    // The other pure subpath needs no other package either.
    const source =
      `import { decodeMessages, encodeStoredMessage } from "@rocketmq-deno/client/message";
      const bytes = encodeStoredMessage({ topic: "T", body: new TextEncoder().encode("hello") });
      const [message] = await decodeMessages(bytes);
      console.log(new TextDecoder().decode(message.body));`;
    const message = await run(["node", "--input-type=module", "-e"], [source], folder.path);
    assertEquals(message, { code: 0, stdout: "hello\n", stderr: "" });
  });
} else {
  await Deno.stderr.write(
    new TextEncoder().encode(
      "Tests of the package in Node.js do not run: there is no node, or no tar\n",
    ),
  );
}

async function hasProgram(name: string): Promise<boolean> {
  try {
    return (await run([name], ["--version"])).code === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
