import { assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { decodeCommand, encodeCommand } from "../../src/remoting/mod.ts";
import { LineProcess } from "./line_process.ts";
import { PreparedAnswer, STORED } from "./responder_frames.ts";
import { createJsonBody } from "./workload.ts";

const PROGRAMS = ["main.ts", "flat.ts", "check_backs.ts", "start_up.ts"];

async function run(program: string, args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL(program, import.meta.url).href, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  return { code, text: new TextDecoder().decode(code === 0 ? stdout : stderr) };
}

for (const program of PROGRAMS) {
  Deno.test(`benchmark ${program} - tells its options, and refuses what is none`, async () => {
    const help = await run(program, ["--help"]);
    assertEquals(help.code, 0);
    assertMatch(help.text, /^Usage: deno task bench/);
    const wrong = await run(program, ["--wrong", "1"]);
    assertEquals(wrong.code, 2);
    assertMatch(wrong.text, /^Cannot use --wrong[^]*Usage: deno task bench/);
  });
}

Deno.test("benchmark responder - takes a producer for what brokers are, on all of its brokers", async () => {
  await using responder = new LineProcess("./responder.ts", ["--brokers", "3"]);
  await using producer = new TransactionProducer({
    nameServers: await responder.readLine(),
    producerGroup: "group",
    topics: ["one", "two"],
    transactionListener: { executeLocalTransaction: () => LocalTransactionState.Commit },
  });
  await producer.start();
  const sent = await Promise.all(
    Array.from(
      { length: 48 },
      (_, i) => producer.sendMessageInTransaction({ topic: i % 2 ? "one" : "two", body: `${i}` }),
    ),
  );
  const brokers = new Set(sent.map(({ messageQueue }) => messageQueue.brokerName));
  assertEquals([...brokers].sort(), ["broker-0", "broker-1", "broker-2"]);
  assertEquals(new Set(sent.map(({ endTransaction }) => endTransaction)), new Set(["confirmed"]));
  assertEquals(new Set(sent.map(({ offsetMessageId }) => offsetMessageId)).size, 48);
});

Deno.test("benchmark of check-backs - a broker that asks sees each transaction answered once", async () => {
  const order = JSON.stringify({ checks: 300, window: 100 });
  await using asker = new LineProcess("./check_asker.ts", [order]);
  const answer = JSON.stringify({ nameServer: await asker.readLine(), delay: 1, concurrency: 16 });
  await using answerer = new LineProcess("./check_answerer.ts", [answer]);
  assertEquals(await answerer.readLine(), "started");
  const { seconds: _seconds, ...asked } = JSON.parse(await asker.readLine());
  assertEquals(asked, { rounds: 1, asked: 300, answeredTwice: 0, older: 0 });
  await answerer.writeLine("report");
  const { calls, mostAtOnce, dropped } = JSON.parse(await answerer.readLine());
  assertEquals([calls, dropped], [300, 0]);
  assertLessOrEqual(mostAtOnce, 16);
});

Deno.test("benchmark responder - writes its answers letter by letter as Java servers do", () => {
  const answer = new PreparedAnswer({ fields: STORED }), bytes = new Uint8Array(answer.maxSize + 3);
  for (const opaque of [0, 7, 2 ** 31 - 1, -(2 ** 31)]) {
    const size = answer.put(bytes, 3, opaque, 1_234);
    const frame = bytes.slice(3, 3 + size), command = decodeCommand(frame);
    assertEquals([command.opaque, command.extFields.queueOffset], [opaque, "1000000000001234"]);
    assertEquals(encodeCommand(command), frame);
  }
});

Deno.test("benchmark bench:flat - shows what a transaction costs in the last minute of a long process", async () => {
  const { code, text } = await run("flat.ts", [
    "--part",
    "hour",
    "--minutes",
    "0.05",
    "--limit",
    "100",
  ]);
  assertEquals(code, 0, text);
  assertMatch(text, /\| minute \| CPU µs \| of the first \|[^]*\| 2 \| [\d.]+ \| [\d.]+ \|/);
});

Deno.test("benchmark bodies - orders as JSON have the length that is asked for", () => {
  for (const length of [0, 1, 128, 4_096]) {
    const body = createJsonBody(length);
    assertEquals(body.length, length);
    if (length === 4_096) {
      assertMatch(new TextDecoder().decode(body), /^\[\{"orderId":"order-100001",/);
    }
  }
});
