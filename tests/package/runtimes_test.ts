import { assert, assertEquals, assertMatch } from "@std/assert";
import { browserTest } from "../support/browser_test.ts";
import { BrowserPage } from "../support/browser_page.ts";
import { nodeTest } from "../support/node_tests.ts";
import { bundleFor } from "../runtimes/bundle.ts";
import { testsOf } from "../runtimes/parts.ts";
import { LOWEST, prepareRuntime } from "../runtimes/runtimes.ts";
import { PackedPackage } from "./packed_package.ts";

const QUICK_START = new URL("../runtimes/quick_start.js", import.meta.url);
const OUTPUT = "o-1: COMMIT\no-2: COMMIT\no-3: UNKNOWN\nvisible: 3\n";

for (const name of ["node", "bun"] as const) {
  nodeTest(
    `package in ${LOWEST[name]} - transactions run, and a check-back commits one`,
    async () => {
      const { command } = await prepareRuntime(name);
      await using project = await PackedPackage.install({ withDependencies: true });
      await project.write("quick_start.js", await Deno.readTextFile(QUICK_START));
      assertEquals(await project.run([...command, "quick_start.js"]), {
        code: 0,
        stdout: OUTPUT,
        stderr: "",
      });
    },
  );
}

nodeTest("sources in Node.js and Bun - TCP and TLS connections behave as in Deno", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rocketmq-runtimes-" });
  try {
    const tests = await bundleFor(folder, "tls", testsOf("tls"));
    for (const name of ["node", "bun"] as const) {
      const [program, ...args] = (await prepareRuntime(name)).command;
      const { success, stdout } = await new Deno.Command(program, {
        args: [...args, tests],
      }).output();
      const output = new TextDecoder().decode(stdout);
      assert(success, `${name}: ${output.replace(/^ok .*\n/gm, "")}`);
      assertMatch(output, /\n[1-9]\d+ passed, 0 failed\n$/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

nodeTest(
  "package in Node.js - the inspector's page is served, and its changes follow",
  async () => {
    const { command } = await prepareRuntime("node");
    await using project = await PackedPackage.install({ withDependencies: true });
    await project.write(
      "inspector.js",
      `
import { EmbeddedBroker, serveInspector } from "@rocketmq-deno/client/testing";
const broker = await EmbeddedBroker.start();
const inspector = await serveInspector({ broker });
const page = await fetch(inspector.url), events = await fetch(inspector.url + "events");
const reader = events.body.getReader();
const text = new TextDecoder().decode((await reader.read()).value);
console.log(page.status, page.headers.get("content-type"), /event: hello/.test(text));
await reader.cancel();
await inspector.shutdown();
await broker[Symbol.asyncDispose]();
`,
    );
    const { code, stdout, stderr } = await project.run([...command, "inspector.js"]);
    assertEquals([code, stdout, stderr], [0, "200 text/html; charset=utf-8 true\n", ""]);
  },
);

nodeTest(
  "package in Node.js - TypeScript's own compiler finds its types, and uses them",
  async () => {
    await using project = await PackedPackage.install({ withDependencies: true });
    const source = (type: string) => `
import { createTlsDialer, TransactionProducer } from "@rocketmq-deno/client";
import { EmbeddedBroker } from "@rocketmq-deno/client/testing";
const broker = await EmbeddedBroker.start();
const producer = new TransactionProducer({
  nameServers: broker.nameServer,
  producerGroup: "orders",
  topics: ["orders"],
  dialer: createTlsDialer(),
  transactionListener: {
    executeLocalTransaction: () => "COMMIT",
    checkLocalTransaction: () => "UNKNOWN",
  },
});
const result = await producer.sendMessageInTransaction({ topic: "orders", body: "o-1" });
export const id: ${type} = result.transactionId;
`;
    await project.write("right.ts", source("string"));
    await project.write("wrong.ts", source("number"));
    const compile = (file: string) =>
      project.run([
        "npx",
        ...["-y", "-p", "typescript@5.9.2", "tsc", "--noEmit", "--strict", "--target", "es2023"],
        ...["--lib", "esnext,dom,dom.iterable", "--module", "nodenext", file],
      ]);
    const [right, wrong] = await Promise.all([compile("right.ts"), compile("wrong.ts")]);
    assertEquals([right.code, right.stdout], [0, ""]);
    assertMatch(wrong.stdout, /^wrong\.ts\(16,14\): error TS2322[^\n]*\n$/);
  },
);

browserTest(
  "package in a browser - frames and messages go through the pure subpaths",
  async (browser) => {
    await using project = await PackedPackage.install();
    const files = `${project.installed}/src`;
    const page = `<!doctype html><title>loading</title><script type="module">
    import { decodeCommand, encodeCommand } from "/remoting/mod.js";
    import { decodeMessages, encodeStoredMessage } from "/message/mod.js";
    const body = encodeStoredMessage({ topic: "orders", body: new TextEncoder().encode("paid") });
    const frame = encodeCommand({ code: 10, language: 7, version: 475, opaque: 1, flag: 0,
      extFields: { topic: "orders" }, body, serializeType: "ROCKETMQ" });
    const command = decodeCommand(frame);
    const [message] = await decodeMessages(command.body);
    document.title = command.extFields.topic + " " + new TextDecoder().decode(message.body);
  </script>`;
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/") {
          return new Response(page, {
            headers: { "content-type": "text/html" },
          });
        }
        try {
          const text = await Deno.readTextFile(files + pathname);
          return new Response(text, { headers: { "content-type": "text/javascript" } });
        } catch {
          return new Response(null, { status: 404 });
        }
      },
    );
    const opened = await BrowserPage.open(browser, `http://127.0.0.1:${server.addr.port}/`);
    await opened.until(`document.title === "orders paid"`);
  },
);

Deno.test("package - its one dependency is the same in the import map and in the sources", async () => {
  const root = new URL("../../", import.meta.url);
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const logger = await Deno.readTextFile(new URL("src/logger.ts", root));
  assertMatch(logger, /from "jsr:@std\/log@/);
  assertEquals(logger.includes(`from "${imports["@std/log"]}/get-logger"`), true);
});
