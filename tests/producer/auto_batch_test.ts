import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  type AutoBatchOptions,
  BrokerResponseError,
  ConnectionError,
  type DelayableMessage,
  InvalidArgumentError,
  InvalidStateError,
  Producer,
  type ProducerOptions,
  ResponseCode,
  type SendHooks,
  type SendOptions,
  TransactionProducer,
} from "../../mod.ts";
import { createOffsetMessageId, decodeBatch } from "../../src/message/mod.ts";
import { type RemotingCommand, RequestCode } from "../../src/remoting/mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import type { ScriptedConnection } from "../support/scripted_peer.ts";
import { silentLogger } from "../support/test_client.ts";

const decoder = new TextDecoder();

/** The bodies of every request that brought messages, in order; a single one is a text. */
type Frames = (string | string[])[];

async function start(
  autoBatch: boolean | AutoBatchOptions = true,
  options: Partial<ProducerOptions> = {},
) {
  const cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const frames: Frames = [];
  const batches: { properties: string; queueId: string }[] = [];
  let offset = 100n;
  const storeBatch = ({ body, extFields }: RemotingCommand) => {
    const bodies = decodeBatch(body).map((message) => decoder.decode(message.body));
    frames.push(bodies);
    batches.push({ properties: extFields["i"]!, queueId: extFields["e"]! });
    const queueOffset = offset;
    offset += BigInt(bodies.length);
    const ids = bodies.map((_, i) =>
      createOffsetMessageId("10.0.0.9", 10911, queueOffset + BigInt(i))
    );
    return {
      extFields: {
        msgId: ids.join(","),
        queueId: extFields["e"]!,
        queueOffset: String(queueOffset),
      },
    };
  };
  broker.on(RequestCode.SEND_BATCH_MESSAGE, storeBatch);
  broker.on(RequestCode.SEND_MESSAGE_V2, (command: RemotingCommand, on: ScriptedConnection) => {
    frames.push(decoder.decode(command.body));
    return broker.store(command, on);
  });
  const producer = cluster.producer({ autoBatch, compression: "NONE", ...options });
  await producer.start();
  const send = (body: string, fields: Partial<DelayableMessage> = {}, options?: SendOptions) =>
    watch(producer.send({ topic: TOPIC, body, ...fields }, options));
  return { cluster, broker, clock, producer, frames, batches, storeBatch, send };
}

Deno.test("autoBatch - messages of one moment leave together, and each caller gets its own result", async () => {
  const { cluster, clock, frames, batches, send } = await start();
  await using _cluster = cluster;
  const sends = ["a", "b", "c"].map((body) => send(body, { keys: `key-${body}`, tags: "tag" }));
  await clock.advance(9);
  assertEquals(frames, []);
  await clock.advance(1);
  assertEquals(frames, [["a", "b", "c"]]);
  const results = sends.map(({ value }) => value!);
  assertEquals(results.map(({ queueOffset }) => queueOffset), [100n, 101n, 102n]);
  assertEquals(new Set(results.map(({ messageId }) => messageId)).size, 3);
  assertEquals(results.map(({ offsetMessageId }) => offsetMessageId.slice(-2)), ["64", "65", "66"]);
  assert(
    results.every(({ sendStatus, messageQueue }) =>
      sendStatus === "SEND_OK" && messageQueue.topic === TOPIC
    ),
  );
  for (const shared of ["KEYS\u0001key-a key-b key-c\u0002", "TAGS\u0001tag\u0002"]) {
    assert(batches[0]!.properties.includes(shared));
  }
  send("later");
  await clock.advance(10);
  assertEquals(frames.at(-1), "later", "one alone is an ordinary message");
});

Deno.test("autoBatch - a full batch leaves without waiting, and what is too large goes by itself", async () => {
  const { cluster, clock, frames, send } = await start({ maxBatchSize: 400, holdTime: 1_000 });
  await using _cluster = cluster;
  // Each takes 22 bytes, 52 of properties and its body.
  for (const body of ["1", "2", "3", "4", "5", "6"]) send(body.repeat(40));
  await settle();
  assertEquals(frames, [["1", "2", "3"].map((body) => body.repeat(40))]);
  send("large".repeat(100));
  await settle();
  assertEquals(frames.slice(1), [
    ["4", "5", "6"].map((body) => body.repeat(40)),
    "large".repeat(100),
  ]);
  assertEquals(clock.pendingTimers > 0, true);
});

Deno.test("autoBatch - topics, chosen queues, tags and waits are kept apart", async () => {
  const { cluster, broker, clock, frames, batches, send } = await start();
  await using _cluster = cluster;
  cluster.route("other");
  // The hash of this key chooses queue 3.
  const shardingKey = "k";
  const at = (queueId: number) => ({ queue: { brokerName: broker.name, queueId } });
  const [last] = [undefined, undefined].map(() => {
    send("plain");
    send("other", { topic: "other" });
    send("tagged", { tags: "t" });
    send("not waited for", { waitStoreMessageOk: false });
    send("queue 2", {}, at(2));
    send("queue 3", {}, at(3));
    send("selected 3", {}, { selector: (queues) => queues[3]! });
    return send("keyed", { shardingKey });
  });
  await clock.advance(10);
  await settle();
  assertEquals(frames.map((frame) => [frame].flat().join()), [
    "plain,plain",
    "tagged,tagged",
    "not waited for,not waited for",
    "queue 2,queue 2",
    "queue 3,selected 3,keyed,queue 3,selected 3,keyed",
    "other,other",
  ]);
  assert(batches[2]!.properties.includes("WAIT\u0001false"));
  assertEquals(batches.slice(3, 5).map(({ queueId }) => queueId), ["2", "3"]);
  assertEquals(last!.state, "resolved");
});

Deno.test("autoBatch - what no batch can carry goes by itself, after what waits for the same queue", async () => {
  const { cluster, broker, clock, frames, send } = await start();
  await using _cluster = cluster;
  const alone: [string, Partial<DelayableMessage>][] = [
    ["delay", { delay: 1_000 }],
    ["level", { delayLevel: 1 }],
    ["date", { deliverAt: 1 }],
    ["priority", { priority: 1 }],
    ["lite", { liteTopic: "lite" }],
  ];
  for (const [body, fields] of alone) send(body, fields);
  await settle();
  assertEquals(frames.splice(0), alone.map(([body]) => body));

  const queue = { brokerName: broker.name, queueId: 1 };
  send("first", {}, { queue });
  send("second", {}, { queue });
  send("hasty", {}, { queue, timeout: 19 });
  await settle();
  assertEquals(frames.splice(0), [["first", "second"], "hasty"]);
  await clock.advance(10);
  assertEquals(frames, []);
});

Deno.test("autoBatch - a bad message is refused to its caller, the others go", async () => {
  const { cluster, clock, frames, send } = await start();
  await using _cluster = cluster;
  const good = send("good"), bad = send("bad", { properties: { a: "\u0001" } });
  const choosy = send("b", {}, {
    selector: () => {
      throw new RangeError("no queue is good enough");
    },
  });
  const better = send("better");
  await clock.advance(10);
  assertInstanceOf(bad.error, InvalidArgumentError);
  assertInstanceOf(choosy.error, RangeError);
  assertEquals([good.state, better.state, frames], ["resolved", "resolved", [["good", "better"]]]);
});

Deno.test("autoBatch - a failure reaches every caller, one that a smaller batch does not have is worked around", async () => {
  const { cluster, broker, clock, frames, send } = await start();
  await using _cluster = cluster;
  broker.on(RequestCode.SEND_BATCH_MESSAGE, () => ({ code: ResponseCode.NO_PERMISSION }));
  const refused = [send("a"), send("b")];
  await clock.advance(10);
  for (const { error } of refused) {
    assertInstanceOf(error, BrokerResponseError);
    assertEquals(error.responseCode, ResponseCode.NO_PERMISSION);
  }
  for (
    const reply of [
      { code: ResponseCode.MESSAGE_ILLEGAL },
      { code: 1, remark: "java.lang.RuntimeException: message body size exceeded" },
    ]
  ) {
    broker.on(RequestCode.SEND_BATCH_MESSAGE, () => reply);
    const taken = [send("c"), send("d")];
    await clock.advance(10);
    assertEquals(taken.map(({ state }) => state), ["resolved", "resolved"]);
    assertEquals(frames.splice(0), ["c", "d"]);
  }
});

Deno.test("autoBatch - a message whose caller aborts before it left is not sent", async () => {
  const { cluster, clock, frames, send } = await start();
  await using _cluster = cluster;
  const abort = new AbortController();
  const aborted = send("aborted", {}, { signal: abort.signal });
  const others = [send("a"), send("b")];
  abort.abort();
  await settle();
  assertInstanceOf(aborted.error, ConnectionError);
  assertEquals([aborted.error.code, aborted.error.written], ["ABORTED", false]);
  await clock.advance(10);
  assertEquals([frames, others.map(({ state }) => state)], [[["a", "b"]], [
    "resolved",
    "resolved",
  ]]);

  const late = send("late", {}, { signal: AbortSignal.abort() });
  await clock.advance(10);
  assertEquals([late.state, frames.length], ["rejected", 1]);
});

Deno.test("autoBatch - a caller that gives up later leaves the others waiting", async () => {
  const { cluster, broker, clock, storeBatch, send } = await start();
  await using _cluster = cluster;
  const answer = Promise.withResolvers<void>();
  broker.on(RequestCode.SEND_BATCH_MESSAGE, async (command) => {
    await answer.promise;
    return storeBatch(command);
  });
  const abort = new AbortController();
  const aborted = send("aborted", {}, { signal: abort.signal });
  const hasty = send("hasty", {}, { timeout: 500 });
  const patient = send("patient");
  await clock.advance(10);
  abort.abort();
  await clock.advance(489);
  assertEquals([hasty.state, patient.state], ["pending", "pending"]);
  await clock.advance(1);
  for (const [{ error }, code] of [[aborted, "ABORTED"], [hasty, "TIMEOUT"]] as const) {
    assertInstanceOf(error, ConnectionError);
    assertEquals([error.code, error.written], [code, true]);
  }
  answer.resolve();
  await settle();
  assertEquals([patient.state, patient.value?.queueOffset], ["resolved", 102n]);
});

Deno.test("autoBatch - beyond the total size messages go by themselves, at once", async () => {
  const { cluster, clock, frames, send } = await start({ maxTotalSize: 300, maxBatchSize: 300 });
  await using _cluster = cluster;
  const [a, b] = [send("a".repeat(50)), send("b".repeat(50))];
  const c = send("c".repeat(50), { tags: "beyond" });
  await settle();
  assertEquals([frames, c.state], [["c".repeat(50)], "resolved"]);
  await clock.advance(10);
  assertEquals([a.state, b.state], ["resolved", "resolved"]);
  const again = send("d".repeat(50), { tags: "room again" });
  await settle();
  assertEquals(again.state, "pending");
  await clock.advance(10);
  assertEquals(again.state, "resolved");
});

Deno.test("autoBatch - callers that abort leave their room to others", async () => {
  const { cluster, clock, frames, send } = await start({ maxTotalSize: 300, maxBatchSize: 300 });
  await using _cluster = cluster;
  for (let round = 0; round < 5; round++) {
    const abort = new AbortController();
    const gone = [1, 2].map(() => send("x".repeat(50), {}, { signal: abort.signal }));
    await settle();
    abort.abort();
    await settle();
    assertEquals(gone.map(({ state }) => state), ["rejected", "rejected"]);
  }
  const pair = ["a", "b"].map((body) => send(body));
  await clock.advance(10);
  assertEquals(frames, [["a", "b"]], "there is room to gather them");
  assertEquals(pair.map(({ state }) => state), ["resolved", "resolved"]);
});

Deno.test("autoBatch - shutdown sends what waits, and takes nothing more", async () => {
  for (const kind of ["Producer", "TransactionProducer"]) {
    const broker = await EmbeddedBroker.start({ listen: false, topics: [TOPIC] });
    await using _broker = broker;
    const options = {
      nameServers: broker.nameServer,
      dialer: broker.dialer,
      producerGroup: "closing",
      topics: [TOPIC],
      autoBatch: { holdTime: 1_000 },
      logger: silentLogger,
    };
    const transactionListener = { executeLocalTransaction: () => "COMMIT" as const };
    const producer = kind === "Producer"
      ? new Producer(options)
      : new TransactionProducer({ ...options, transactionListener });
    await producer.start();
    const sends = ["a", "b", "c"].map((body) => producer.send({ topic: TOPIC, body }));
    await producer.shutdown();
    const results = await Promise.all(sends);
    const stored = await broker.messages(TOPIC);
    assertEquals(
      stored.map(({ messageId, offsetMessageId }) => [messageId, offsetMessageId]),
      results.map(({ messageId, offsetMessageId }) => [messageId, offsetMessageId]),
    );
    await assertRejects(() => producer.send({ topic: TOPIC, body: "late" }), InvalidStateError);
  }
});

Deno.test("autoBatch - a batch that nobody answers does not hold up the end", async () => {
  const { cluster, broker, clock, producer, send } = await start();
  await using _cluster = cluster;
  broker.on(RequestCode.SEND_BATCH_MESSAGE, () => {});
  const sends = [send("a"), send("b")];
  const closing = watch(producer.shutdown({ timeout: 1_000 }));
  await clock.advance(2_000);
  assertEquals(closing.state, "resolved");
  for (const { error } of sends) assertInstanceOf(error, ConnectionError);
});

Deno.test("autoBatch - options that can't be are refused", () => {
  const make = (options: Record<string, unknown>) => () =>
    new Producer({ nameServers: "127.0.0.1:1", producerGroup: "g", ...options });
  for (
    const [options, reason] of [
      [{ autoBatch: "yes" }, "option autoBatch: it must be true, false or an object"],
      [{ autoBatch: null }, "option autoBatch"],
      [{ autoBatch: { holdTime: 0 } }, "autoBatch.holdTime: it must be a whole number from 1"],
      [{ autoBatch: { holdTime: 11 }, sendTimeout: 20 }, "from 1 to 10 ms"],
      [{ autoBatch: { maxBatchSize: 1_001 }, maxMessageSize: 1_000 }, "from 1 to 1000 bytes"],
      [{ autoBatch: { maxTotalSize: 0 } }, "autoBatch.maxTotalSize"],
    ] as [Record<string, unknown>, string][]
  ) {
    assertThrows(make(options), InvalidArgumentError, reason);
  }
  make({ autoBatch: false })();
  make({ autoBatch: true, sendTimeout: 5, maxMessageSize: 100 })();
});

Deno.test("autoBatch - hooks see each message by itself, with what they added and its own result", async () => {
  const ended: [string, string][] = [], failures: unknown[] = [];
  const sendHooks: SendHooks = {
    before: ({ messages }) => ({ traceparent: messages[0]!.messageId }),
    after({ messages }, { result, error }) {
      if (error !== undefined) failures.push(error);
      else ended.push([messages[0]!.messageId, result!.offsetMessageIds.join()]);
    },
  };
  const { cluster, broker, clock, storeBatch, send } = await start(true, { sendHooks, retries: 0 });
  await using _cluster = cluster;
  const added: string[] = [];
  broker.on(RequestCode.SEND_BATCH_MESSAGE, (command: RemotingCommand) => {
    for (const { properties } of decodeBatch(command.body)) added.push(properties.traceparent!);
    return storeBatch(command);
  });
  const sends = [send("a"), send("b")];
  await clock.advance(10);
  const results = sends.map(({ value }) => value!);
  assertEquals(ended, results.map((it) => [it.messageId, it.offsetMessageId]));
  assertEquals(added, results.map((it) => it.messageId));

  broker.on(RequestCode.SEND_BATCH_MESSAGE, () => ({ code: 2, remark: "busy" }));
  const refused = [send("c"), send("d")];
  await clock.advance(10);
  assertEquals(failures, refused.map(({ error }) => error));
  assertEquals(failures.length, 2);
});
