import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Program } from "../support/program.ts";
import { brokerTest } from "../support/real_broker.ts";
import { TestClient } from "../support/test_client.ts";
import { findDeadAddress, startSilentServer } from "../support/wrong_servers.ts";

const TOPIC = "TopicTest";

/** What the quick start answers to the check-backs of its ten messages. */
const VERDICTS = ["UNKNOWN", "COMMIT", "ROLLBACK"];

brokerTest(
  "quick start - with --allow-net alone it sends ten messages, answers check-backs and ends",
  async ({ nameServers }) => {
    await using consumer = new TestClient(nameServers);
    await using example = quickStart(["--nameserver", nameServers, "--exit-when-settled"]);

    assertEquals(await example.exit(), 0, example.output);

    const sends = sendResults(example);
    assertEquals(sends.map(({ key }) => key), Array.from({ length: 10 }, (_, i) => `KEY${i}`));
    assertEquals(new Set(sends.map(({ transactionId }) => transactionId)).size, 10);
    const keys = new Map(sends.map(({ key, transactionId }) => [transactionId, key]));
    const asked = new Set<string>();
    for (const { key, transactionId, state } of checkBacks(example)) {
      // Others that ran it before may have left transactions open: it knows nothing of them.
      const own = keys.get(transactionId);
      assertEquals(state, own === undefined ? "UNKNOWN" : VERDICTS[Number(key.slice(3)) % 3]);
      if (own !== undefined) asked.add(own);
    }
    assertEquals([...asked].sort(), [...keys.values()].sort());
    assertEquals(example.lines.at(-1), "producer shut down");
    assertMatch(example.stdout, /INFO .*Registered with broker "/);
    assertEquals(example.stderr, "");

    const visible = (await consumer.visibleMessages(TOPIC)).filter(({ messageId }) =>
      keys.has(messageId)
    );
    assertEquals(visible.map((it) => it.keys[0]).sort(), ["KEY1", "KEY4", "KEY7"]);
    for (const { body, tags } of visible) {
      assertEquals([new TextDecoder().decode(body), tags], ["Hello RocketMQ", "TagA"]);
    }
  },
);

brokerTest("quick start - Ctrl+C shuts it down in good order", async ({ nameServers }) => {
  await using example = quickStart([`--nameserver=${nameServers}`]);
  await example.until("the first check-back", () => checkBacks(example).length > 0);

  example.signal("SIGINT");

  assertEquals(await example.exit(30_000), 0, example.output);
  assertStringIncludes(example.stdout, "waiting for check-backs, Ctrl+C ends the program");
  assertEquals(example.lines.at(-1), "producer shut down");
  assertEquals(example.stderr, "");
});

Deno.test("quick start - Ctrl+C also ends it while it waits for a cluster", async () => {
  await using silent = startSilentServer();
  await using example = quickStart(["--nameserver", silent.address]);
  await silent.connected();

  example.signal("SIGINT");

  const startedAt = performance.now();
  assertEquals(await example.exit(30_000), 0, example.output);
  assert(performance.now() - startedAt < 2_500, "it waited for its deadline");
  assertEquals(example.lines, ["producer shut down"]);
});

Deno.test("quick start - without a cluster it ends with an error that names the address", async () => {
  const address = findDeadAddress();
  await using example = quickStart(["--nameserver", address]);

  assertEquals(await example.exit(), 1, example.output);

  assertStringIncludes(example.stderr, address);
  assertStringIncludes(example.stderr, "connection refused");
  assertStringIncludes(example.stderr, "Check that nameServers names name servers");
});

Deno.test("quick start - without --allow-net it ends with an error that names the permission", async () => {
  await using example = quickStart(["--nameserver", "127.0.0.1:9876"], []);

  assertEquals(await example.exit(), 1, example.output);

  assertStringIncludes(example.stderr, "Cannot connect to 127.0.0.1:9876");
  assertStringIncludes(example.stderr, "--allow-net");
});

Deno.test("quick start - help and wrong arguments tell how it is used", async () => {
  const cases: [args: string[], code: number, message: string][] = [
    [["--help"], 0, ""],
    [["-h"], 0, ""],
    [["--nameservers", "x"], 2, "Unknown option '--nameservers'"],
    [["--nameserver"], 2, "Option '--nameserver <value>' argument missing"],
    [["here"], 2, "Unexpected argument 'here'"],
  ];
  await Promise.all(cases.map(async ([args, code, message]) => {
    await using example = quickStart(args);
    assertEquals(await example.exit(), code, example.output);
    const [told, silent] = code === 0
      ? [example.stdout, example.stderr]
      : [example.stderr, example.stdout];
    assertStringIncludes(told, message);
    assertStringIncludes(told, "Usage: transaction_producer.ts");
    assertEquals(silent, "");
  }));

  await using example = quickStart(["--nameserver", "no port"]);
  assertEquals(await example.exit(), 2, example.output);
  assertStringIncludes(example.stderr, '"no port"');
});

function quickStart(args: string[], permissions: string[] = ["--allow-net"]): Program {
  const module = new URL("../../examples/transaction_producer.ts", import.meta.url);
  return new Program(module, { permissions, args });
}

/** The ten lines `send result: …`. */
function sendResults(example: Program): { key: string; transactionId: string }[] {
  const pattern =
    /^send result: SEND_OK (KEY\d) transactionId=([0-9A-F]{32}) queue=[\w-]+:\d+ state=UNKNOWN$/;
  return example.lines.filter((line) => line.startsWith("send result")).map((line) => {
    assertMatch(line, pattern);
    const [, key = "", transactionId = ""] = line.match(pattern)!;
    return { key, transactionId };
  });
}

/** The lines `check-back …`. */
function checkBacks(
  example: Program,
): { key: string; transactionId: string; state: string }[] {
  const pattern = /^check-back \d+ of (KEY\d) \(([0-9A-F]{32})\): (\w+)$/;
  return example.lines.filter((line) => line.startsWith("check-back")).map((line) => {
    assertMatch(line, pattern);
    const [, key = "", transactionId = "", state = ""] = line.match(pattern)!;
    return { key, transactionId, state };
  });
}
