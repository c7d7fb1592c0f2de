import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { eventually } from "../support/progress.ts";
import { Program } from "../support/program.ts";
import { findDeadAddress, startSilentServer } from "../support/wrong_servers.ts";
import { EXAMPLES, readShebang, startExample } from "./example_program.ts";
import { TemporaryFolder } from "./temporary_folder.ts";

/** The examples that talk to a cluster and take options, and the arguments that none understands. */
const WITH_OPTIONS = [
  "check_backs_by_for_await.ts",
  "explicit_transaction.ts",
  "graceful_shutdown.ts",
  "order_service/main.ts",
  "order_service/recovery_job.ts",
  "secured_cluster.ts",
  "tracing.ts",
  "transaction_producer.ts",
];

/** Examples that Ctrl+C is the ordinary end of. */
const ENDED_BY_CTRL_C = ["graceful_shutdown.ts", "transaction_producer.ts"];

/** Examples without a cluster. */
const OTHERS = ["decode_capture.js", "testing_a_listener.ts"];

/** A broker that asks soon. */
function startBroker(): Promise<EmbeddedBroker> {
  return EmbeddedBroker.start({ transactionTimeout: 300, transactionCheckInterval: 300 });
}

async function visibleKeys(broker: EmbeddedBroker): Promise<string[]> {
  return (await broker.messages("TopicTest")).flatMap(({ keys }) => keys).sort();
}

function onBroker({ nameServer }: EmbeddedBroker, example: string): Promise<Program> {
  return startExample(example, ["--nameserver", nameServer]);
}

Deno.test("examples - each file that can be run is tested, and can be run by its name", async () => {
  const found: string[] = [];
  for (const folder of ["", "order_service/"]) {
    for await (const { name, isFile } of Deno.readDir(new URL(folder, EXAMPLES))) {
      if (!isFile) continue;
      const url = new URL(folder + name, EXAMPLES);
      if (!(await Deno.readTextFile(url)).startsWith("#!")) continue;
      found.push(folder + name);
      await readShebang(folder + name);
      const { mode } = await Deno.stat(url);
      assert(mode === null || (mode & 0o111) === 0o111, `${name} is not executable`);
    }
  }
  assertEquals(found.sort(), [...WITH_OPTIONS, ...OTHERS].sort());
});

Deno.test("examples - the task runs one by its name, and lists them", async () => {
  const task = (args: string[]) =>
    new Program(new URL("run_example.ts", import.meta.url), { permissions: ["-A"], args });
  await using help = task(["--help"]);
  assertEquals(await help.exit(), 0, help.output);
  for (const name of [...WITH_OPTIONS, ...OTHERS]) assertStringIncludes(help.stdout, `  ${name}\n`);
  await using unknown = task(["nothing.ts"]);
  assertEquals(await unknown.exit(), 2, unknown.output);
  assertStringIncludes(unknown.stderr, 'There is no example "nothing.ts"');
  await using broker = await startBroker();
  await using example = task(["explicit_transaction.ts", "--nameserver", broker.nameServer]);
  assertEquals(await example.exit(), 0, example.output);
  assertEquals(example.lines.length, 4);
});

Deno.test("examples - help and wrong arguments tell how each is used", async () => {
  for (const example of [...WITH_OPTIONS, "decode_capture.js"]) {
    await using help = await startExample(example, ["--help"]);
    await using wrong = await startExample(example, ["--wrong-option"]);
    assertEquals([await help.exit(), await wrong.exit()], [0, 2], help.output + wrong.output);
    assertMatch(help.stdout, /\n\nUsage: [\w]+\.[jt]s .*Exit codes: 0 /s, example);
    assertStringIncludes(wrong.stderr, help.stdout.trimEnd(), example);
    assertEquals([help.stderr, wrong.stdout], ["", ""]);
  }
});

Deno.test("examples - without a cluster each ends with 1 and an error that names the address", async () => {
  const address = findDeadAddress();
  for (
    const example of [
      "check_backs_by_for_await.ts",
      "explicit_transaction.ts",
      "graceful_shutdown.ts",
      "tracing.ts",
    ]
  ) {
    await using program = await startExample(example, ["--nameserver", address]);
    assertEquals(await program.exit(), 1, program.output);
    assertMatch(program.stderr, new RegExp(`^Cannot .*${address}.*\n$`), example);
  }
});

Deno.test("check-backs by for await - the loop answers and ends when all are decided", async () => {
  await using broker = await startBroker();
  await using example = await onBroker(broker, "check_backs_by_for_await.ts");
  assertEquals(await example.exit(), 0, example.output);
  assertEquals(await visibleKeys(broker), ["bread", "milk"]);
  const answers = example.lines.map((line) => line.replace(/check-back \d+ of /, "")).sort();
  assertEquals(answers, [
    "bread: COMMIT, confirmed",
    "cake: ROLLBACK, confirmed",
    "milk: COMMIT, confirmed",
  ]);
});

Deno.test("explicit transaction - ends as the code says, and what breaks off is decided later", async () => {
  await using broker = await startBroker();
  await using example = await onBroker(broker, "explicit_transaction.ts");
  assertEquals(await example.exit(), 0, example.output);
  assertEquals(example.lines, [
    "transfer of 30: committed, confirmed",
    "transfer of 500: rolled back, confirmed",
    "transfer of 20: a bug between the books and the verdict; a check-back decides",
    "check-back of transfer-20: it is in the books, committed",
  ]);
  assertEquals(await visibleKeys(broker), ["transfer-20", "transfer-30"]);
});

for (const name of ["check_backs_by_for_await.ts", "explicit_transaction.ts"]) {
  Deno.test(`${name} - Ctrl+C ends it while it waits for check-backs`, async () => {
    await using broker = await EmbeddedBroker.start({ transactionCheckInterval: Infinity });
    await using example = await onBroker(broker, name);
    await example.until("its transactions", () => broker.stats().halves === 3);
    await example.until("its last verdict", () => broker.stats().unknowns > 0);
    example.signal("SIGINT");
    assertEquals(await example.exit(), 130, example.output);
    assertEquals(example.stderr, "");
  });
}

Deno.test("examples - Ctrl+C ends each while its cluster does not answer", async () => {
  const { cert } = await CertificateAuthority.create();
  await Promise.all(WITH_OPTIONS.map(async (name) => {
    await using folder = await TemporaryFolder.make();
    await Deno.writeTextFile(`${folder.path}/ca.pem`, cert);
    await Deno.mkdir(`${folder.path}/order_service_data`);
    await using server = startSilentServer();
    const { path: cwd } = folder;
    await using example = await startExample(name, ["--nameserver", server.address], { cwd });
    let isConnected = false;
    server.connected().then(() => isConnected = true);
    await example.until("its connection", () => isConnected);
    const pressed = performance.now();
    example.signal("SIGINT");
    assertEquals(await example.exit(), ENDED_BY_CTRL_C.includes(name) ? 0 : 130, example.output);
    assertLess(performance.now() - pressed, 5_000, name);
    assertEquals(/ {4}at |Uncaught|^Cannot/m.exec(example.stderr), null, name + example.stderr);
  }));
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`graceful shutdown - on ${signal} what was begun is finished`, async () => {
    await using broker = await EmbeddedBroker.start();
    await using example = await onBroker(broker, "graceful_shutdown.ts");
    await example.until("some orders", () => example.stdout.includes("order-2: confirmed"));
    await example.until("some in the middle", () => broker.stats().undecided > 1);
    example.signal(signal);
    assertEquals(await example.exit(), 0, example.output);
    assert(await eventually(() => broker.stats().connections === 0, 5_000));
    const { halves, commits, undecided } = broker.stats();
    assertEquals([commits, undecided], [halves, 0]);
    assertEquals(example.lines.at(-1), `shut down: ${halves} begun, ${halves} confirmed`);
  });
}

Deno.test("tracing - the message carries the trace of its transaction", async () => {
  await using broker = await startBroker();
  await using collector = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      spans.push(...namesOfSpans(await request.json()));
      return Response.json({});
    },
  );
  const spans: string[] = [];
  await using example = await startExample("tracing.ts", ["--nameserver", broker.nameServer], {
    env: {
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
    },
  });
  assertEquals(await example.exit(), 0, example.output);
  const [message] = await broker.messages("TopicTest");
  assertEquals(example.lines, [`traceparent ${message?.properties.traceparent}`]);
  for (
    const name of [
      "send_half TopicTest",
      "local_transaction TopicTest",
      "end_transaction TopicTest",
    ]
  ) {
    assert(spans.includes(name), `${name} is among ${spans}`);
  }
});

Deno.test("tracing - without OTEL_DENO it says what is missing", async () => {
  await using broker = await startBroker();
  await using example = await startExample("tracing.ts", ["--nameserver", broker.nameServer], {
    env: { OTEL_DENO: "false" },
  });
  assertEquals(await example.exit(), 1, example.output);
  assertStringIncludes(example.stderr, "is OTEL_DENO=true set?");
});

Deno.test("secured cluster - says so when the certificate of the authority is missing", async () => {
  await using example = await startExample("secured_cluster.ts");
  assertEquals(await example.exit(), 1, example.output);
  assertStringIncludes(example.stderr, "ca.pem");
});

// deno-lint-ignore no-explicit-any
function namesOfSpans({ resourceSpans = [] }: any): string[] {
  // deno-lint-ignore no-explicit-any
  return resourceSpans.flatMap(({ scopeSpans }: any) =>
    // deno-lint-ignore no-explicit-any
    scopeSpans.flatMap(({ spans }: any) => spans.map(({ name }: any) => name))
  );
}
