import { assertEquals } from "@std/assert";
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
