import { assertEquals, assertMatch } from "@std/assert";
import { nodeTest } from "../support/node_tests.ts";
import { PackedPackage } from "./packed_package.ts";

/** Encodes and decodes through both pure subpaths; TypeScript, and JavaScript without its types. */
const PROGRAM = `
import { decodeCommand, encodeCommand, RequestCode } from "@rocketmq-deno/client/remoting";
import { decodeMessages, encodeStoredMessage } from "@rocketmq-deno/client/message";

const body = encodeStoredMessage({
  topic: "orders",
  body: new TextEncoder().encode("paid"),
  properties: { KEYS: "o-1" },
});
const frame = encodeCommand({
  code: RequestCode.SEND_MESSAGE,
  language: 7,
  version: 475,
  opaque: 1,
  flag: 0,
  extFields: { topic: "orders" },
  body,
  serializeType: "ROCKETMQ",
});
const command = decodeCommand(frame);
const [message] = await decodeMessages(command.body);
console.log(command.code, command.extFields.topic, message?.keys, new TextDecoder().decode(message?.body));
`;

const OUTPUT = "10 orders [ 'o-1' ] paid\n";

nodeTest(
  "package in Node.js - frames and messages go through the pure subpaths, alone",
  async () => {
    await using project = await PackedPackage.install();
    // None of the packages that the others need is installed.
    assertEquals(await namesIn(`${project.folder}/node_modules`), ["@rocketmq-deno"]);
    await project.write("program.js", PROGRAM);
    assertEquals(await project.run(["node", "program.js"]), {
      code: 0,
      stdout: OUTPUT,
      stderr: "",
    });
  },
);

nodeTest("package in Node.js - its types are there, and are looked at", async () => {
  await using project = await PackedPackage.install();
  await project.write("deno.json", `{ "nodeModulesDir": "manual", "lock": false }`);
  await project.write("right.ts", PROGRAM);
  await project.write("wrong.ts", PROGRAM.replace(`topic: "orders",`, "topic: 7,"));
  const check = (file: string) => project.run([Deno.execPath(), "check", "--quiet", file]);
  const right = await check("right.ts"), wrong = await check("wrong.ts");
  assertEquals(right, { code: 0, stdout: "", stderr: "" });
  assertMatch(wrong.stderr, /TS2322[^]*Type 'number' is not assignable to type 'string'/);
});

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}
