import { assertEquals, assertStringIncludes } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { findFreePort } from "../support/ports.ts";
import { Program } from "../support/program.ts";
import { silentLogger } from "../support/test_client.ts";
import { EventReader } from "./event_reader.ts";

const MAIN = new URL("main.ts", import.meta.url);

function start(...args: string[]): Program {
  return new Program(MAIN, { permissions: ["-A"], args });
}

Deno.test("deno task inspect - serves transactions at once, until Ctrl+C", async () => {
  await using program = start();
  await program.until("its address", () => program.lines.length > 0);
  const [, url = ""] = program.stdout.match(/^(http:\/\/127\.0\.0\.1:\d+\/) shows/) ?? [];
  {
    await using reader = await EventReader.open(url);
    let changes = [];
    while (changes.length === 0) ({ changes } = (await reader.nextOf("changes")).data);
    assertEquals(changes[0].keys, ["order-1041"]);
    program.signal("SIGINT");
  }
  assertEquals(await program.exit(), 0, program.output);
  assertEquals(program.stderr, "Ctrl+C ends it\n");
});

Deno.test("deno task inspect - its broker takes the transactions of another program, where it is told to be", async () => {
  const brokerPort = findFreePort();
  await using program = start("--quiet-broker", "--broker-port", String(brokerPort));
  await program.until("its address", () => program.lines.length > 0);
  const nameServer = `127.0.0.1:${brokerPort}`;
  const [, url = ""] = program.stdout.match(/^(\S+) shows the transactions .* at (\S+)/) ?? [];
  assertStringIncludes(program.stdout, ` at ${nameServer}\n`);
  await using producer = new TransactionProducer({
    nameServers: nameServer,
    producerGroup: "mine",
    topics: ["orders"],
    transactionListener: { executeLocalTransaction: () => LocalTransactionState.Commit },
    logger: silentLogger,
  });
  await producer.start();
  await producer.sendMessageInTransaction({ topic: "orders", keys: "my-first", body: "b" });
  await using reader = await EventReader.open(url);
  let changes = [];
  while (changes.length === 0) ({ changes } = (await reader.nextOf("changes")).data);
  assertEquals(changes[0].keys, ["my-first"]);
  program.signal("SIGINT");
  assertEquals(await program.exit(), 0, program.output);
});

Deno.test("deno task inspect - tells its options, and which of them are wrong", async () => {
  await using help = start("--help");
  assertEquals(await help.exit(), 0);
  assertStringIncludes(help.stdout, "Usage: deno task inspect");
  const wrong = [
    ["--port", "x"],
    ["--port", "70000"],
    ["--broker-port", "-1"],
    ["--nameserver", "a:1"],
    ["--what"],
  ];
  await Promise.all(wrong.map(async (args) => {
    await using program = start(...args);
    assertEquals(await program.exit(), 2, program.output);
    assertStringIncludes(program.stderr, "Usage: deno task inspect");
  }));
});

Deno.test("deno task inspect - says why it can't be done", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using program = start("--port", String(listener.addr.port));
  assertEquals(await program.exit(), 1);
  assertStringIncludes(program.stderr, "another program listens there");
  await using cluster = start("--nameserver", "127.0.0.1:1", "--topic", "orders");
  assertEquals(await cluster.exit(), 1);
  assertStringIncludes(cluster.stderr, "127.0.0.1:1");
});
