import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { InvalidArgumentError, InvalidStateError } from "../../src/errors.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../src/testing/mod.ts";
import { until } from "../support/fake_clock.ts";
import { TestClient } from "../support/test_client.ts";
import { Member } from "./member.ts";

/** A started producer whose local transactions say *unknown*, and whose checks go by the body. */
async function startProducer(broker: EmbeddedBroker): Promise<TransactionProducer> {
  const producer = new TransactionProducer({
    nameServers: broker.nameServer,
    producerGroup: "g",
    topics: ["T"],
    transactionListener: {
      executeLocalTransaction: () => LocalTransactionState.Unknown,
      checkLocalTransaction: ({ body }) =>
        new TextDecoder().decode(body) === "good"
          ? LocalTransactionState.Commit
          : LocalTransactionState.Rollback,
    },
  });
  await producer.start();
  return producer;
}

Deno.test("EmbeddedBroker - a transaction goes its whole way, and every step is told", async () => {
  await using broker = await EmbeddedBroker.start({ transactionCheckInterval: Infinity });
  const events = broker.events();
  await using producer = await startProducer(broker);
  const good = await producer.sendMessageInTransaction({ topic: "T", body: "good", keys: "1" });
  const bad = await producer.sendMessageInTransaction({ topic: "T", body: "bad", keys: "2" });
  const halves = await broker.halfMessages();
  assertEquals(halves.map(({ topic, keys }) => [topic, keys]), [["T", ["1"]], ["T", ["2"]]]);
  // That a verdict is unknown is said one-way.
  await until(() => broker.stats().unknowns === 2);
  const settled = broker.settled();
  assertEquals(broker.checkNow(), 2);
  await settled;

  assertEquals(await broker.halfMessages(), []);
  const [message, ...more] = await broker.messages("T");
  assertEquals(more, []);
  assertEquals(message!.transactionId, good.transactionId);
  assertEquals([message!.brokerName, message!.topic], ["broker-a", "T"]);
  assertMatch(message!.offsetMessageId, /^7F000001[0-9A-F]{24}$/);

  const told: Record<string, string[]> = {};
  for (let count = 0; count < 10; count++) {
    const { value: event } = await events.next();
    const detail = event.type === "verdict"
      ? `:${event.verdict}${event.fromCheck ? " from check" : ""}`
      : "";
    (told[event.keys[0]] ??= []).push(event.type + detail);
    assertEquals([event.brokerName, event.topic], ["broker-a", "T"]);
    assertEquals(
      event.transactionId,
      event.keys[0] === "1" ? good.transactionId : bad.transactionId,
    );
  }
  const begin = ["halfStored", "verdict:unknown", "checked"];
  assertEquals(told, {
    "1": [...begin, "verdict:commit from check", "visible"],
    "2": [...begin, "verdict:rollback from check", "gone"],
  });
  const { sends, halves: stored, commits, rollbacks, unknowns, checks, undecided } = broker.stats();
  assertEquals(
    { sends, stored, commits, rollbacks, unknowns, checks, undecided },
    { sends: 2, stored: 2, commits: 1, rollbacks: 1, unknowns: 2, checks: 2, undecided: 0 },
  );
});

Deno.test("EmbeddedBroker - a consumer over TCP sees what messages() gives", async () => {
  await using broker = await EmbeddedBroker.start({ brokers: 2, topics: ["T"] });
  for (const index of [0, 1]) {
    using member = await Member.join(broker, "g", { index });
    for (const body of ["x", "y"]) await member.send("T", { body });
  }
  await using client = new TestClient(broker.nameServer);
  const seen = (await client.visibleMessages("T")).map(({ offsetMessageId }) => offsetMessageId);
  const messages = await broker.messages("T");
  assertEquals(seen.sort(), messages.map(({ offsetMessageId }) => offsetMessageId).sort());
  assertEquals(messages.map(({ brokerName }) => brokerName), [
    ...["broker-a", "broker-a", "broker-b", "broker-b"],
  ]);
});

Deno.test("EmbeddedBroker - a broker that was stopped comes back where it was, with all of it", async () => {
  await using broker = await EmbeddedBroker.start({ brokers: 2, topics: ["T"] });
  const [a, b] = broker.brokers;
  using before = await Member.join(broker, "g", { index: 1 });
  await before.send("T", { body: "kept" });
  await before.sendHalf("T", "half");
  await broker.stop("broker-b");

  assertEquals(before.connection.isOpen, false);
  await assertRejects(() => Member.join(broker, "g", { index: 1 }));
  await using client = new TestClient(broker.nameServer);
  const route = async () => {
    const { body } = await client.request(broker.nameServer, {
      code: 105,
      extFields: { topic: "T" },
    });
    return JSON.parse(new TextDecoder().decode(body)).brokerDatas
      .map((data: { brokerName: string }) => data.brokerName);
  };
  assertEquals(await route(), ["broker-a"]);

  await broker.start("broker-b");
  assertEquals(broker.brokers, [a!, b!]);
  assertEquals(await route(), ["broker-a", "broker-b"]);
  using after = await Member.join(broker, "g", { index: 1 });
  await after.send("T", { body: "new" });
  const bodies = (await broker.messages("T")).map(({ body }) => new TextDecoder().decode(body));
  assertEquals(bodies, ["kept", "new"]);
  assertEquals((await broker.halfMessages()).map(({ messageId }) => messageId), ["half"]);
});

Deno.test("EmbeddedBroker - a producer lives through a restart of everything", async () => {
  await using broker = await EmbeddedBroker.start({ transactionCheckInterval: 100 });
  await using producer = await startProducer(broker);
  await producer.sendMessageInTransaction({ topic: "T", body: "good" });
  await broker.stop();
  await broker.start();
  await broker.settled();
  assertEquals((await broker.messages("T")).length, 1);
});

Deno.test("EmbeddedBroker - the name server can be stopped alone", async () => {
  await using broker = await EmbeddedBroker.start();
  await broker.stop("nameServer");
  await using client = new TestClient(broker.nameServer);
  await assertRejects(() => client.visibleMessages("T"));
  using member = await Member.join(broker, "g");
  assertEquals((await member.send("T")).code, 0);
  await broker.start("nameServer");
  assertEquals((await client.visibleMessages("T")).length, 1);
});

Deno.test("EmbeddedBroker - connections can be ended and made again", async () => {
  await using broker = await EmbeddedBroker.start();
  using first = await Member.join(broker, "g");
  await broker.disconnect("broker-a");
  assertEquals((await first.connection.closed).by, "peer");
  using second = await Member.join(broker, "g");
  assertEquals(second.connection.isOpen, true);
  assertEquals(broker.stats().connections, 1);
  assertEquals(broker.stats().connectionsOpened, 2);
});

Deno.test("settled - resolves at once, when the last is decided, or not at all", async () => {
  const broker = await EmbeddedBroker.start({ listen: false, transactionCheckInterval: Infinity });
  await broker.settled();
  using member = await Member.join(broker, "g");
  const handles = [await member.sendHalf("T", "1"), await member.sendHalf("T", "2")];
  const order: string[] = [];
  const settled = broker.settled().then(() => order.push("settled"));
  await member.decide(handles[0]!, "Commit");
  order.push("one left");
  await member.decide(handles[1]!, "Rollback");
  await settled;
  assertEquals(order, ["one left", "settled"]);

  await member.sendHalf("T", "3");
  const reason = new Error("enough");
  const controller = new AbortController();
  const aborted = broker.settled({ signal: controller.signal });
  controller.abort(reason);
  assertStrictEquals(await aborted.catch((error) => error), reason);
  assertStrictEquals(
    await broker.settled({ signal: AbortSignal.abort(reason) }).catch((error) => error),
    reason,
  );
  const waiting = assertRejects(() => broker.settled(), InvalidStateError, "broker is disposed of");
  await broker[Symbol.asyncDispose]();
  await waiting;
  await assertRejects(() => broker.settled(), InvalidStateError, "broker is disposed of");
});

Deno.test("EmbeddedBroker - is over when it is disposed of", async () => {
  const broker = await EmbeddedBroker.start();
  const events = broker.events();
  const { nameServer } = broker;
  await broker[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
  assertEquals((await events.next()).done, true);
  await assertRejects(() => broker.start(), InvalidStateError, "it is disposed of");
  const [hostname, port] = nameServer.split(":");
  await assertRejects(() => Deno.connect({ hostname: hostname!, port: Number(port) }));
});

Deno.test("EmbeddedBroker - listens on the port that it is told, if that is free", async () => {
  await using first = await EmbeddedBroker.start();
  const port = Number(first.nameServer.split(":")[1]);
  const error = await assertRejects(
    () => EmbeddedBroker.start({ port }),
    InvalidArgumentError,
    `Cannot listen on 127.0.0.1:${port}: another program listens there`,
  );
  assertEquals(error.address, first.nameServer);
  await first.stop();
  await using second = await EmbeddedBroker.start({ port });
  assertEquals(second.nameServer, `127.0.0.1:${port}`);
});

Deno.test("EmbeddedBroker - two do not know of each other", async () => {
  await using first = await EmbeddedBroker.start();
  await using second = await EmbeddedBroker.start();
  assertNotEquals(first.nameServer, second.nameServer);
  using member = await Member.join(first, "g");
  await member.send("T");
  assertEquals(await second.messages("T"), []);
});

Deno.test("EmbeddedBroker - works over IPv6", async () => {
  await using broker = await EmbeddedBroker.start({ hostname: "::1" });
  assertMatch(broker.nameServer, /^\[::1\]:\d+$/);
  await using producer = await startProducer(broker);
  await producer.sendMessageInTransaction({ topic: "T", body: "good" });
  broker.checkNow();
  await broker.settled();
  const [message] = await broker.messages("T");
  assertMatch(message!.bornHost, /^\[0:0:0:0:0:0:0:1\]:\d+$/);
  assertEquals(message!.offsetMessageId.length, 56);
});

Deno.test("EmbeddedBroker - topics are there from the beginning, or made by nobody", async () => {
  await using broker = await EmbeddedBroker.start({
    ...{ listen: false, autoCreateTopics: false },
    topics: ["four", { topic: "one", queues: 1, perm: 4 }],
  });
  using member = await Member.join(broker, "g");
  assertEquals((await member.send("other")).code, 17);
  assertEquals((await member.send("four")).code, 0);
  const refused = await member.ask({
    code: 10,
    extFields: {
      ...{ producerGroup: "g", topic: "one", defaultTopic: "TBW102", defaultTopicQueueNums: "4" },
      ...{ queueId: "1", sysFlag: "0", bornTimestamp: "0", flag: "0" },
    },
    body: new Uint8Array(1),
  });
  assertEquals([refused.code, refused.remark?.includes("writeQueueNums=1, perm=R--")], [29, true]);
});

Deno.test("EmbeddedBroker - options that can't be are refused", async () => {
  const refusals: [EmbeddedBrokerOptions, string][] = [
    [{ port: 65_536 }, "Cannot use option port: it must be a whole number from 0 to 65535"],
    [{ brokers: 0 }, "Cannot use option brokers: it must be a whole number from 1 to 26"],
    [{ transactionTimeout: -1 }, "Cannot use option transactionTimeout"],
    [{ transactionCheckInterval: NaN }, "Cannot use option transactionCheckInterval"],
    [{ topics: ["bad topic!"] }, "Cannot use option topics: it must be 1 to 127 of the characters"],
    [{ serializeType: "XML" as "JSON" }, 'Cannot use option serializeType: it must be "JSON" or'],
  ];
  for (const [options, reason] of refusals) {
    await assertRejects(() => EmbeddedBroker.start(options), InvalidArgumentError, reason);
  }
  await using broker = await EmbeddedBroker.start({ listen: false });
  await assertRejects(
    () => broker.stop("broker-z"),
    InvalidArgumentError,
    'Cannot find "broker-z" in the embedded cluster: it has nameServer, broker-a',
  );
});

Deno.test("EmbeddedBroker - messages are taken back only where that was switched on", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  using member = await Member.join(broker, "g");
  const { code, remark, extFields } = await member.ask({
    code: 370,
    extFields: { topic: "T", recallHandle: "any" },
  });
  assertEquals([code, remark], [16, "recall failed, operation is forbidden"]);
  assertEquals(extFields, { MSG_REGION: "DefaultRegion" });
});
