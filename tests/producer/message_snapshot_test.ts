import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import type { Message } from "../../src/message/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { assertRefused, message } from "./support.ts";

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("Producer - a message goes with all that it has", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  await producer.start();
  const result = await producer.send({
    topic: TOPIC,
    body: "Hello",
    tags: "TagA",
    keys: ["order-1", "order-2"],
    properties: { region: "eu" },
    flag: 7,
  });
  const [sent] = cluster.broker.messages;

  assertEquals(sent!.properties, {
    region: "eu",
    TAGS: "TagA",
    KEYS: "order-1 order-2",
    UNIQ_KEY: result.messageId,
    WAIT: "true",
  });
  assertEquals([sent!.topic, sent!.group, text(sent!.body), sent!.sysFlag], [
    TOPIC,
    "group",
    "Hello",
    0,
  ]);
  assertEquals(result, {
    sendStatus: "SEND_OK",
    messageId: sent!.transactionId,
    offsetMessageId: "0A00000900002A9F1000000000000001",
    messageQueue: { topic: TOPIC, brokerName: "broker-1", queueId: sent!.queueId },
    queueOffset: 1n,
  });
});

Deno.test("Producer - a message object is never changed, and can be sent again", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
  const original = message({
    body: Uint8Array.of(1, 2, 3),
    tags: "TagA",
    keys: Object.freeze(["k"]),
    properties: Object.freeze({ a: "b" }),
  });
  const before = structuredClone(original);
  Object.freeze(original);
  const half = await producer.sendMessageInTransaction(original);
  const plain = await producer.send(original);

  assertEquals(original, before);
  const [first, second] = cluster.broker.messages;
  assertEquals(first!.properties.TRAN_MSG, "true");
  assertEquals([second!.properties.TRAN_MSG, second!.sysFlag], [undefined, 0]);
  assert(half.messageId !== plain.messageId);
});

Deno.test("Producer - the body is sent as it was when send was called", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  await producer.start();
  const bytes = new TextEncoder().encode("--before--");
  const bodies: Uint8Array[] = [
    bytes.subarray(2, 8),
    Buffer.from(bytes.buffer, 2, 6),
    new (class Body extends Uint8Array {})(bytes.buffer, 2, 6),
  ];
  const sends = bodies.map((body) => producer.send(message({ body })));
  bytes.fill(0);
  await Promise.all(sends);

  assertEquals(cluster.broker.messages.map(({ body }) => text(body)), [
    "before",
    "before",
    "before",
  ]);
});

Deno.test("Producer - a message with getters is read once", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
  const reads: Record<string, number> = {};
  const once = <T>(name: string, value: T): T => {
    reads[name] = (reads[name] ?? 0) + 1;
    return value;
  };
  const properties = {
    get note() {
      return once("note", "x");
    },
  };
  const tricky: Message = {
    get topic() {
      return once("topic", TOPIC);
    },
    get body() {
      return once("body", "Hello");
    },
    get tags() {
      return once("tags", "TagA");
    },
    get keys() {
      return once("keys", "k");
    },
    get properties() {
      return once("properties", properties);
    },
    get flag() {
      return once("flag", 1);
    },
  };
  await producer.sendMessageInTransaction(tricky);

  assertEquals(reads, { topic: 1, body: 1, tags: 1, keys: 1, properties: 1, flag: 1, note: 1 });
});

Deno.test("TransactionProducer - properties that change while they are read can't smuggle a delay in", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
  let looks = 0;
  const shifty = new Proxy<Record<string, string>>({}, {
    ownKeys: () => ["TIMER_DELAY_SEC"],
    getOwnPropertyDescriptor: () =>
      looks++ === 0 ? undefined : { value: "5", enumerable: true, configurable: true },
    get: () => "5",
  });
  const send = producer.sendMessageInTransaction(message({ properties: shifty }));
  await send.catch(() => {});

  assertEquals(cluster.broker.messages.filter((sent) => "TIMER_DELAY_SEC" in sent.properties), []);
});

Deno.test("TransactionProducer - immunity can't be one value when checked and another when sent", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
  const answers = ["10", "999999999"];
  const properties = {
    get CHECK_IMMUNITY_TIME_IN_SECONDS() {
      return answers.shift() ?? "999999999";
    },
  };
  await producer.sendMessageInTransaction(message({ properties }));

  assertEquals(cluster.broker.halves[0]!.properties.CHECK_IMMUNITY_TIME_IN_SECONDS, "10");
});

Deno.test("Producer - a getter that throws ends the call, and the producer lives on", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  await producer.start();
  const broken = {
    ...message(),
    get tags(): string {
      throw new Error("no tag today");
    },
  };
  const error = await producer.send(broken).catch((error) => error);
  assertEquals((error as Error).message, "no tag today");
  await assertRefused(() => producer.send(message({ topic: "" })));
  await producer.send(message());
  await settle();

  assertEquals(cluster.broker.messages.length, 1);
});

Deno.test("Producer - property names of JavaScript's own are plain data", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  await producer.start();
  const properties = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}');
  await producer.send(message({ properties }));

  const [sent] = cluster.broker.messages;
  for (
    const [name, value] of Object.entries({ ["__proto__"]: "a", constructor: "b", toString: "c" })
  ) {
    assertEquals(Object.getOwnPropertyDescriptor(sent!.properties, name)?.value, value);
  }
});
