import { assertEquals } from "@std/assert";
import {
  addPackage,
  collectRegistryFiles,
  type RegistryFiles,
} from "../../.ci/offline/registry.ts";
import { Program } from "../support/program.ts";
import { listPublished } from "./list_published.ts";

const ROOT = new URL("../../", import.meta.url);

/** Sends a transaction to the embedded broker, and reads the page that shows it. */
const PROGRAM = `
import { LocalTransactionState, TransactionProducer } from "jsr:@rocketmq-deno/client";
import { EmbeddedBroker, serveInspector } from "jsr:@rocketmq-deno/client/testing";

await using broker = await EmbeddedBroker.start();
await using inspector = await serveInspector({ broker });
await using producer = new TransactionProducer({
  nameServers: broker.nameServer,
  producerGroup: "orders",
  topics: ["orders"],
  transactionListener: {
    executeLocalTransaction: () => LocalTransactionState.Commit,
    checkLocalTransaction: () => LocalTransactionState.Unknown,
  },
});
await producer.start();
await producer.sendMessageInTransaction({ topic: "orders", body: new Uint8Array(8) });
console.log((await broker.messages("orders")).length);
for (const path of ["", "app.js", "styles.css"]) {
  const response = await fetch(inspector.url + path);
  console.log(response.status, response.headers.get("content-type"), (await response.text()).length > 1_000);
}
`;

const OUTPUT = [
  "1",
  "200 text/html; charset=utf-8 true",
  "200 text/javascript; charset=utf-8 true",
  "200 text/css; charset=utf-8 true",
];

/** A registry with this package as it is published, and with what it depends on. */
async function createRegistry(): Promise<RegistryFiles> {
  const { name, version, exports, imports } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  const files = await collectRegistryFiles(new URL(".ci/offline/std/", ROOT));
  const contents: RegistryFiles = new Map();
  for (const path of await listPublished()) {
    const bytes = await Deno.readFile(new URL(path, ROOT));
    contents.set(path, path.endsWith(".ts") ? resolveImports(bytes, imports) : bytes);
  }
  await addPackage(files, name, { version, exports }, contents);
  return files;
}

/** Names packages in full, as `deno publish` does. */
function resolveImports(
  bytes: Uint8Array,
  imports: Record<string, string>,
): Uint8Array<ArrayBuffer> {
  let text = new TextDecoder().decode(bytes);
  for (const [name, target] of Object.entries(imports)) {
    text = text.replaceAll(`from "${name}`, `from "${target.replace("jsr:", "jsr:/")}`);
  }
  return new TextEncoder().encode(text);
}

Deno.test("package from a registry - transactions run, and the inspector's page is there", async () => {
  const files = await createRegistry();
  const folder = await Deno.makeTempDir({ prefix: "rocketmq-registry-" });
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const file = files.get(new URL(request.url).pathname.slice(1));
    return file ? new Response(file) : new Response(null, { status: 404 });
  });
  try {
    await Deno.writeTextFile(`${folder}/program.ts`, PROGRAM);
    await using program = new Program(new URL(`file://${folder}/program.ts`), {
      permissions: ["--no-config", "--allow-net", "--allow-import", "--allow-sys"],
      env: { JSR_URL: `http://127.0.0.1:${server.addr.port}/`, DENO_DIR: `${folder}/cache` },
    });
    assertEquals([await program.exit(), program.lines], [0, OUTPUT], program.stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
