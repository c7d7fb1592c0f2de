import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { searchForSecrets } from "../.ci/secrets.ts";
import { SECRET_MARK, testSecret } from "./support/secrets.ts";

const RECORDER = new URL("support/record_output.ts", import.meta.url).href;
const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));
const LIBRARY = new URL("../mod.ts", import.meta.url).href;

const LOGGER = new URL("../src/logger.ts", import.meta.url).href;
const BROADCAST = new URL("../src/broadcast.ts", import.meta.url).href;

/** Modules whose secrets are those of recorded signatures. */
const OTHER_SECRETS = ["access/signature_test.ts", "/secrets_test.ts"];

/** Runs a program as the test command runs a test module, and searches what it showed. */
async function searchAfter(program: string): Promise<{ isClean: boolean; report: string }> {
  const source = `import * as library from ${JSON.stringify(LIBRARY)};
    import { defaultLogger } from ${JSON.stringify(LOGGER)};
    import { Broadcast } from ${JSON.stringify(BROADCAST)};
    const secret = ["never", "shown"].join("-");
    ${program}`;
  const folder = await Deno.makeTempDir(), path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, source);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", CONFIG, "--preload", RECORDER, path],
      cwd: new URL("../", import.meta.url),
      env: { ROCKETMQ_TESTS_RECORD: folder },
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return await searchForSecrets(folder, [stdout, stderr]);
  } finally {
    await Deno.remove(path);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("search for secrets - finds one in output, log, event and error, and in what they hold", async () => {
  const places = [
    "console.log(secret)",
    "console.error({ header: { secret } })",
    "defaultLogger.debug(`signed with ${secret}`)",
    "defaultLogger.warn('refused', { options: [{ secret }] })",
    "new Broadcast().publish({ type: 'started', secret })",
    "new library.InvalidArgumentError(`Cannot use ${secret}`)",
    "new library.InvalidStateError('late', { cause: new Error(secret) })",
    "Object.assign(new library.ProtocolError('refused'), { options: { secret } })",
  ];
  for (const place of places) {
    const { isClean, report } = await searchAfter(place);
    assertEquals(isClean, false, place);
    assertMatch(report, /: [1-9]\d* secrets/, place);
  }
});

Deno.test("search for secrets - a program that keeps them is clean", async () => {
  const { isClean, report } = await searchAfter(`
    const credentials = { accessKey: "alice", secretKey: secret, securityToken: secret };
    const options = { nameServers: "localhost:1", producerGroup: "g", topics: ["T"], credentials };
    console.log(new library.Producer(options));
    try { new library.Producer({ ...options, credentials: { secretKey: secret } }); } catch {}`);
  assert(isClean, report);
  assertMatch(report, /1 records searched: 0 secrets$/);
});

Deno.test("search for secrets - nothing recorded is no proof", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assertEquals((await searchForSecrets(folder, [])).isClean, false);
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("secrets of the tests - each holds the mark that the test command looks for", async () => {
  const found: string[] = [];
  let looked = 0;
  for await (const path of listModules(new URL("./", import.meta.url))) {
    if (OTHER_SECRETS.some((name) => path.endsWith(name))) continue;
    const source = await Deno.readTextFile(path);
    for (
      const [text, , value] of source.matchAll(/(secretKey|securityToken): ("[^"]*"|`[^`$]*`)/g)
    ) {
      looked++;
      if (value !== '""') found.push(`${path}: ${text}`);
    }
  }
  assertEquals(found, []);
  assert(looked > 0 && testSecret("x").includes(SECRET_MARK));
});

async function* listModules(folder: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* listModules(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield fileURLToPath(new URL(name, folder));
  }
}
