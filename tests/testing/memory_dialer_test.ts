import { assertEquals, assertRejects } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { ConnectionError } from "../../src/errors.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { createStreamPair } from "../../src/testing/net/stream_pair.ts";
import { utf8 } from "../remoting/frames.ts";
import { settle } from "../support/fake_clock.ts";
import { Member } from "./member.ts";

Deno.test({
  name: "dialer - a transaction needs no permission at all",
  permissions: "none",
  async fn() {
    await using broker = await EmbeddedBroker.start({ listen: false, brokers: 2 });
    await using producer = new TransactionProducer({
      nameServers: broker.nameServer,
      dialer: broker.dialer,
      producerGroup: "g",
      topics: ["T"],
      transactionListener: {
        executeLocalTransaction: () => LocalTransactionState.Unknown,
        checkLocalTransaction: () => LocalTransactionState.Commit,
      },
    });
    await producer.start();
    // One for each queue of both brokers.
    const keys = ["1", "2", "3", "4", "5", "6", "7", "8"];
    for (const key of keys) {
      await producer.sendMessageInTransaction({ topic: "T", body: "body", keys: key });
    }
    assertEquals(broker.checkNow(), keys.length);
    await broker.settled();
    const messages = await broker.messages("T");
    assertEquals(messages.flatMap((message) => message.keys).sort(), keys);
    assertEquals([...new Set(messages.map(({ brokerName }) => brokerName))].length, 2);
  },
});

Deno.test({
  name: "EmbeddedBroker - says which permission it lacks",
  permissions: "none",
  async fn() {
    await assertRejects(
      () => EmbeddedBroker.start(),
      Error,
      "Cannot listen on 127.0.0.1:0: this program may not, run it with --allow-net",
    );
  },
});

Deno.test("dialer - nothing is reached at other addresses", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  const signal = new AbortController().signal;
  const error = await assertRejects(() => broker.dialer("127.0.0.1", 1, { signal }), Error);
  assertEquals(error.name, "ConnectionRefused");
  const { address } = broker.brokers[0]!;
  const port = Number(address.split(":")[1]);
  (await broker.dialer("localhost", port, { signal })).close();
  await assertRejects(() => broker.dialer("127.0.0.1", port, { signal: AbortSignal.abort() }));
});

Deno.test("dialer - works beside TCP, on the same addresses", async () => {
  await using broker = await EmbeddedBroker.start();
  using member = await Member.join(broker, "g");
  assertEquals((await member.send("T")).code, 0);
  const [message] = await broker.messages("T");
  assertEquals(/^127\.0\.0\.1:\d+$/.test(message!.bornHost), true);
});

Deno.test("dialer - connections are refused, and those that are there live on", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  using member = await Member.join(broker, "g");
  await broker.refuseConnections("broker-a");
  const error = await assertRejects(() => Member.join(broker, "g"), ConnectionError);
  assertEquals(error.code, "CONNECT_FAILED");
  assertEquals((await member.send("T")).code, 0);
  await broker.acceptConnections("broker-a");
  using later = await Member.join(broker, "g");
  assertEquals((await later.send("T")).code, 0);
});

Deno.test("stream pair - bytes pass both ways, in order and unchanged", async () => {
  const [near, far] = createStreamPair();
  const sent = utf8("hello");
  const write = near.writable.getWriter().write(sent);
  const { value } = await far.readable.getReader().read();
  await write;
  sent.fill(0);
  assertEquals(value, utf8("hello"));
  await far.writable.getWriter().write(utf8("back"));
  assertEquals((await near.readable.getReader().read()).value, utf8("back"));
  near.close();
});

Deno.test("stream pair - a writer waits for a reader that does not keep up", async () => {
  const [near, far] = createStreamPair();
  const writer = near.writable.getWriter();
  let written = 0;
  const writing = (async () => {
    for (; written < 10; written++) await writer.write(new Uint8Array(32 * 1024));
  })();
  await settle();
  assertEquals(written, 1);
  const reader = far.readable.getReader();
  for (let read = 0; read < 10; read++) await reader.read();
  await writing;
  assertEquals(written, 10);
  near.close();
});

Deno.test("stream pair - what was written before the end can be read, nothing is written after", async () => {
  for (const closer of [0, 1] as const) {
    const pair = createStreamPair(), [near, far] = pair;
    const writer = near.writable.getWriter(), reader = far.readable.getReader();
    await writer.write(utf8("last"));
    pair[closer].close();
    pair[closer].close();
    assertEquals((await reader.read()).value, utf8("last"));
    assertEquals((await reader.read()).done, true);
    await assertRejects(() => writer.write(utf8("more")), Error, "the connection is closed");
    await assertRejects(() => writer.closed);
  }
});

Deno.test("stream pair - the end frees a writer that waits", async () => {
  const [near, far] = createStreamPair();
  const writer = near.writable.getWriter();
  const write = writer.write(new Uint8Array(100 * 1024));
  far.close();
  await write.catch(() => {});
  await assertRejects(() => writer.write(utf8("more")));
});
