import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";

const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** Runs a program whose producer gets a check-back that nothing takes, and returns what was printed. */
async function printed(logger: string, before = ""): Promise<string[]> {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const source = `import { TransactionProducer } from ${at("../../mod.ts")};
    import { EmbeddedBroker } from ${at("../../src/testing/mod.ts")};
    import * as log from "@std/log";
    void log;
    ${before}
    await using broker = await EmbeddedBroker.start({
      listen: false,
      topics: ["orders"],
      transactionCheckInterval: Infinity,
    });
    await using producer = new TransactionProducer({
      nameServers: broker.nameServer,
      dialer: broker.dialer,
      producerGroup: "order_service",
      topics: ["orders"],
      transactionListener: { executeLocalTransaction: () => { throw new Error("no database") } },
      ${logger}
    });
    await producer.start();
    await producer.sendMessageInTransaction({ topic: "orders", body: "order 1" });
    broker.checkNow();
    while (producer.stats().checkBacks === 0) await new Promise((it) => setTimeout(it, 5));`;
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, source);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--config", CONFIG, path],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    const text = decoder.decode(stdout) + decoder.decode(stderr);
    return text.trim().split("\n").filter((line) => line !== "");
  } finally {
    await Deno.remove(path);
  }
}

const FAILED =
  /The local transaction of \w{32} failed, which counts as UNKNOWN; broker "broker-a" checks back: no database$/;
const NOBODY =
  "A check-back waits and nothing takes it: iterate over checkBacks(), or give the listener a checkLocalTransaction";

Deno.test("log - warnings and errors are printed by default, and nothing else", async () => {
  const [failed, nobody, ...more] = await printed("");
  assertMatch(failed!, FAILED);
  assertMatch(failed!, /^ERROR rocketmq: The/);
  assertEquals([nobody, ...more], [`WARN rocketmq: ${NOBODY}`]);
});

Deno.test("log - false silences it", async () => {
  assertEquals(await printed("logger: false,"), []);
});

Deno.test("log - console fits, and prints no undefined", async () => {
  const lines = await printed("logger: console,");
  assertEquals(lines.filter((line) => line.includes("undefined")), []);
  assertEquals(lines.includes(NOBODY), true);
  assertEquals(lines.filter((line) => line.startsWith("Started producer of group")).length, 1);
});

Deno.test("log - an application that has set up a logger rocketmq gets everything there", async () => {
  const setup = (level: string) =>
    `log.setup({
      handlers: { own: new log.ConsoleHandler("DEBUG", { formatter: (it) => "own " + it.msg }) },
      loggers: { rocketmq: { level: "${level}", handlers: ["own"] } },
    });`;
  const lines = await printed("", setup("INFO"));
  assertEquals(lines.filter((line) => !line.startsWith("own ")), []);
  assertMatch(lines[0]!, /^own Registered with broker/);
  assertEquals(lines.at(-1), 'own Closed producer of group "order_service": everything had ended');
  const silent = 'log.setup({ loggers: { rocketmq: { level: "INFO", handlers: [] } } });';
  assertEquals(await printed("", silent), []);
});
