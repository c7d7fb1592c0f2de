import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../../mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { message } from "../transaction/support.ts";
import { liveALife } from "./access_support.ts";

Deno.test("namespace - servers see names in it, the application sees its own", async () => {
  await using cluster = new ScriptedCluster();
  cluster.route("tenant%TopicTest");
  const { broker, nameServer } = cluster;
  const checked: string[] = [], selected: string[] = [];
  const producer = await cluster.started({
    executeLocalTransaction: () => "COMMIT" as const,
    checkLocalTransaction: ({ topic }) => {
      checked.push(topic);
      return "ROLLBACK" as const;
    },
  }, { namespace: "tenant" });
  const topics = new Set<string>();
  (async () => {
    for await (const event of producer.events()) if ("topic" in event) topics.add(event.topic);
  })();

  const result = await producer.sendMessageInTransaction(message());
  const begun = await producer.begin(message());
  assertEquals([begun.messageQueue.topic, result.messageQueue.topic], [TOPIC, TOPIC]);
  await begun.rollback();
  const { messageQueue } = await producer.send(message(), {
    selector: (queues) => {
      selected.push(...queues.map(({ topic }) => topic));
      return queues[0]!;
    },
  });
  assertEquals([messageQueue.topic, new Set(selected)], [TOPIC, new Set([TOPIC])]);
  const other = { topic: "tenant%TopicTest", group: "tenant%group" };
  broker.checkBack({ ...broker.strangeHalf({ transactionId: "0".repeat(32) }), ...other });
  await settle();
  await producer.shutdown();

  assertEquals(new Set(nameServer.asked()), new Set(["tenant%TopicTest"]));
  assertEquals(
    new Set(broker.heartbeats().flatMap(({ producerGroups }) => producerGroups)),
    new Set(["tenant%group"]),
  );
  for (const sent of broker.messages) {
    assertEquals([sent.topic, sent.group], ["tenant%TopicTest", "tenant%group"]);
    assertEquals(sent.properties.INSTANCE_ID, "tenant");
  }
  assertEquals(broker.halves.map(({ properties }) => properties.PGROUP), [
    "tenant%group",
    "tenant%group",
  ]);
  assertEquals(
    broker.verdicts().map(({ state, topic, producerGroup }) => [state, topic, producerGroup]),
    ["COMMIT", "ROLLBACK", "ROLLBACK"].map((s) => [s, "tenant%TopicTest", "tenant%group"]),
  );
  const [leave] = broker.requests(RequestCode.UNREGISTER_CLIENT);
  assertEquals(leave?.extFields.producerGroup, "tenant%group");
  assertEquals([checked, topics], [[TOPIC], new Set([TOPIC])]);
});

Deno.test("namespace - the default topic and a cluster's topic for replies are those of all", async () => {
  await using cluster = new ScriptedCluster();
  cluster.nameServer.forget(TOPIC);
  cluster.route("TBW102");
  await liveALife(cluster, { namespace: "tenant" });
  const asked = new Set(cluster.nameServer.asked());
  assertEquals(asked, new Set(["tenant%TopicTest", "TBW102", "DefaultCluster_REPLY_TOPIC"]));
  const [reply] = cluster.broker.requests(RequestCode.SEND_REPLY_MESSAGE_V2);
  assertEquals(
    [reply?.extFields.a, reply?.extFields.b, reply?.extFields.c],
    ["tenant%group", "DefaultCluster_REPLY_TOPIC", "TBW102"],
  );
});

Deno.test("namespace - a name may be too long only with it, and may carry it already", async () => {
  await using cluster = new ScriptedCluster();
  const namespace = "n".repeat(20), fits = "t".repeat(106);
  cluster.route(`${namespace}%${fits}`);
  const producer = cluster.producer({ namespace, topics: [fits] });
  await producer.start();
  await producer.send(message({ topic: fits }));
  await producer.send(message({ topic: `${namespace}%${fits}` }));
  assertEquals(cluster.broker.messages.map(({ topic }) => topic), [
    `${namespace}%${fits}`,
    `${namespace}%${fits}`,
  ]);
  const send = () => producer.send(message({ topic: `${fits}t` }));
  await assertRejects(send, InvalidArgumentError, `has 128 characters with the namespace "nnn`);
  const producerGroup = "g".repeat(100);
  const make = () => cluster.producer({ namespace, producerGroup });
  assertThrows(make, InvalidArgumentError, "has 121 characters with the namespace");
});
