import { assertEquals } from "@std/assert";
import { decodeProperties, type DelayableMessage } from "../../src/message/internal.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { assertRefused, message } from "./support.ts";

/** What a broker of version 4.9.7 says in its responses. */
const V4_9_7 = 407;

async function start(version: number) {
  const cluster = new ScriptedCluster();
  cluster.broker.version = version;
  const producer = cluster.producer();
  await producer.start();
  return { cluster, producer };
}

Deno.test("send() - a timer message does not leave for a broker that would deliver it at once", async () => {
  const { cluster, producer } = await start(V4_9_7);
  await using _cluster = cluster;
  for (const timer of [{ delay: 5_000 }, { deliverAt: Date.now() + 60_000 }]) {
    const timed: DelayableMessage = { topic: TOPIC, body: "b", ...timer };
    for (const send of [() => producer.send(timed), () => producer.sendOneway(timed)]) {
      await assertRefused(
        send,
        'broker "broker-1" at 10.0.1.1:10911 ',
        "is of version 4.9.7 and would deliver it immediately",
        "need 5.0.0 or later: use delayLevel",
      );
    }
  }
  assertEquals(cluster.broker.messages, []);
  await producer.send({ topic: TOPIC, body: "b", delayLevel: 1 });
  assertEquals(cluster.broker.messages.map(({ properties }) => properties["DELAY"]), ["1"]);
});

Deno.test("send() - a broker that does not tell its version gets timer messages", async () => {
  const { cluster, producer } = await start(0);
  await using _cluster = cluster;
  await producer.send({ topic: TOPIC, body: "b", delay: 5_000 });
  assertEquals(cluster.broker.messages[0]!.properties["TIMER_DELAY_MS"], "5000");
});

Deno.test("sendBatch() - has no id of its own where the broker would give it to each message", async () => {
  for (const [version, names] of [[V4_9_7, ["WAIT"]], [513, ["UNIQ_KEY", "WAIT"]]] as const) {
    const { cluster, producer } = await start(version);
    await using _cluster = cluster;
    cluster.broker.on(RequestCode.SEND_BATCH_MESSAGE, () => {
      const msgId = ["0", "1"].map((digit) => digit.repeat(32)).join();
      return { extFields: { msgId, queueId: "0", queueOffset: "0" } };
    });
    await producer.sendBatch([message({ body: "1" }), message({ body: "2" })]);
    const [batch] = cluster.broker.requests(RequestCode.SEND_BATCH_MESSAGE);
    const properties = decodeProperties(batch!.extFields["i"]!);
    assertEquals(Object.keys(properties).sort(), [...names]);
  }
});
