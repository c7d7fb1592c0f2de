import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { HELP, readArguments, UsageError, type Wanted } from "./arguments.ts";

/** Runs the command; gives exit code and output. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const main = new URL("main.ts", import.meta.url).href;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", main, ...args],
    cwd: new URL("../../", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

const DEFAULTS: Wanted = {
  namesrv: "127.0.0.1:9876",
  topic: "bench_deno_tx",
  group: "bench_deno",
  messages: 20_000,
  concurrency: 32,
  queues: 4,
  body: 128,
  bodyKind: "letters",
  mode: "tx",
  compress: "default",
  verdict: "confirm",
  help: false,
};

Deno.test("deno task bench - its options are read", () => {
  assertEquals(readArguments([]), DEFAULTS);
  const long = "--namesrv 10.0.0.1:9876;10.0.0.2:9876 --topic T --group G --messages 1 " +
    "--concurrency 256 --queues 16 --body 0 --body-kind json --mode oneway --compress off";
  assertEquals(readArguments(long.split(" ")), {
    namesrv: "10.0.0.1:9876;10.0.0.2:9876",
    topic: "T",
    group: "G",
    messages: 1,
    concurrency: 256,
    queues: 16,
    body: 0,
    bodyKind: "json",
    mode: "oneway",
    compress: "off",
    verdict: "confirm",
    help: false,
  });
  assertEquals(readArguments(["--mode", "send"]).mode, "send");
  assertEquals(readArguments(["--oneway-verdict"]).verdict, "oneway");
  assertEquals(readArguments(["--oneway-verdict", "--confirm"]).verdict, "confirm");
  assertEquals(readArguments(["--help"]).help, true);
});

Deno.test("deno task bench - what makes no sense is refused", () => {
  const options = ["namesrv", "topic", "group", "messages", "concurrency", "queues", "body"];
  for (
    const args of [
      ...[...options, "mode", "compress"].map((name) => [`--${name}`]),
      ["--message", "1"],
      ["fast"],
      ["--messages", "0"],
      ["--messages", "1.5"],
      ["--messages", "many"],
      ["--concurrency", "0"],
      ["--concurrency", "-1"],
      ["--body", "-1"],
      ["--body", "1e400"],
      ["--mode", "transaction"],
      ["--compress", "on"],
      ["--topic", ""],
    ]
  ) assertThrows(() => readArguments(args), UsageError, "Cannot use ", args.join(" "));
});

Deno.test("deno task bench - exit codes tell what came of it", async () => {
  const help = await run("--help");
  assertEquals([help.code, help.out, help.err], [0, `${HELP}\n`, ""]);
  const wrong = await run("--mode", "transaction");
  assertEquals([wrong.code, wrong.out], [2, ""]);
  assertStringIncludes(
    wrong.err,
    "Cannot use --mode transaction: it is one of tx, send, oneway, consume",
  );
  assertStringIncludes(wrong.err, HELP);
  const alone = await run("--namesrv", "127.0.0.1:1", "--messages", "1");
  assertEquals([alone.code, alone.out], [1, ""]);
  assertMatch(alone.err, /127\.0\.0\.1:1/);
});

/** The fields of the line that the benchmarks of all clients print. */
const FIELDS = [
  "client",
  "version",
  "mode",
  "messages",
  "concurrency",
  "body",
  "bodyKind",
  "seconds",
  "perSecond",
  "p50ms",
  "p99ms",
  "p999ms",
  "cpuSeconds",
  "maxRssMiB",
  "errors",
  "warmupErrors",
  "checks",
];

Deno.test("deno task bench - the last line of output is the result, and the messages arrived", async () => {
  await using broker = await EmbeddedBroker.start({ topics: ["bench"] });
  const { code, out, err } = await run(
    ...["--namesrv", broker.nameServer, "--topic", "bench", "--group", "G", "--messages", "300"],
    ...["--concurrency", "16", "--body", "100"],
  );
  assertEquals(code, 0, err);
  const line = out.trimEnd().split("\n").at(-1)!;
  assertEquals(line.slice(0, 9), '{"client"');
  const result = JSON.parse(line);
  assertEquals(Object.keys(result), FIELDS);
  const { client, mode, messages, concurrency, body, errors, warmupErrors } = result;
  assertEquals({ client, mode, messages, concurrency, body, errors, warmupErrors }, {
    client: "deno",
    mode: "tx",
    messages: 300,
    concurrency: 16,
    body: 100,
    errors: 0,
    warmupErrors: 0,
  });
  for (const name of ["seconds", "perSecond", "p50ms", "cpuSeconds", "maxRssMiB"]) {
    assertEquals(result[name] > 0, true, `${name} is ${result[name]}`);
  }
  assertEquals(result.p50ms <= result.p99ms && result.p99ms <= result.p999ms, true, line);
  assertStringIncludes(err, "@start\n@end\n");
  const arrived = await broker.messages("bench");
  assertEquals(arrived.length, 2300, "the measured ones and 2000 before");
  assertEquals(arrived.every((message) => message.body.length === 100), true);
});

Deno.test("deno task bench - consumes what another process has sent before, each message once", async () => {
  await using broker = await EmbeddedBroker.start();
  const { code, out, err } = await run(
    ...["--namesrv", broker.nameServer, "--topic", "bench", "--group", "G", "--messages", "300"],
    ...["--mode", "consume", "--queues", "2", "--concurrency", "8"],
  );
  assertEquals(code, 0, err);
  const result = JSON.parse(out.trimEnd().split("\n").at(-1)!);
  const { mode, messages, queues, errors } = result;
  assertEquals({ mode, messages, queues, errors }, {
    ...{ mode: "consume", messages: 300, queues: 2, errors: 0 },
  });
  for (const name of ["seconds", "perSecond", "cpuSeconds", "maxRssMiB"]) {
    assertEquals(result[name] > 0, true, `${name} is ${result[name]}`);
  }
  assertStringIncludes(err, "@start\n@end\n");
});

Deno.test("deno task bench - sends that fail are counted, and the exit code is 1", async () => {
  await using broker = await EmbeddedBroker.start({ topics: ["bench"] });
  const { code, out, err } = await run(
    ...["--namesrv", broker.nameServer, "--topic", "bench", "--messages", "5", "--mode", "send"],
    ...["--body", "0"],
  );
  assertEquals(code, 1);
  const { errors, perSecond } = JSON.parse(out.trimEnd().split("\n").at(-1)!);
  assertEquals([errors, perSecond], [5, 0]);
  assertStringIncludes(err, "first error: ");
});
