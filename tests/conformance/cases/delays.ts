import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import type { MessageExt } from "../../../src/message/mod.ts";
import { type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import {
  delay,
  findByUniqueKey,
  propertyString,
  send,
  sendHalf,
  uniqueKey,
  uniqueName,
  visible,
} from "../steps.ts";

/** Sends a message with properties and gives it as consumers get it. */
async function sendLater(
  peer: Peer,
  topic: string,
  properties: Record<string, string>,
): Promise<MessageExt> {
  const response = await send(peer, { topic, properties: propertyString(properties) });
  assertEquals(response.code, 0);
  assertEquals(await visible(peer, topic, 0), []);
  const [message] = await visible(peer, topic, 1);
  return message!;
}

/** Messages that are delivered later. */
export const delayCases: ConformanceCase[] = [
  defineCase("delay level - delivers later", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Delay"), key = uniqueKey(), start = Date.now();
    const { properties, storeTimestamp, queueId } = await sendLater(peer, topic, {
      ...{ UNIQ_KEY: key, DELAY: "1" },
    });
    assertGreater(storeTimestamp - start, 990);
    assertEquals(queueId, 0);
    assertEquals(properties, {
      ...{ UNIQ_KEY: key, DELAY: "1", REAL_TOPIC: topic, REAL_QID: "0" },
      ...{ MSG_REGION: "DefaultRegion", TRACE_ON: "true", CLUSTER: cluster.clusterName },
    });
    const [waiting] = await findByUniqueKey(peer, "SCHEDULE_TOPIC_XXXX", key, 1);
    assertEquals([waiting!.queueId, waiting!.properties.REAL_TOPIC], [0, topic]);
  }),

  defineCase("delay level - of a half message loses it", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Delay"), group = uniqueName("group");
    const half = await sendHalf(peer, { topic, group, properties: { DELAY: "1" } });
    await delay(1_500);
    const find = (topic: string) => findByUniqueKey(peer, topic, half.transactionId, 0);
    assertEquals((await find("SCHEDULE_TOPIC_XXXX")).length, 1);
    assertEquals(await find("RMQ_SYS_TRANS_HALF_TOPIC"), []);
    assertEquals(await visible(peer, topic, 0), []);
  }),

  defineCase("timer - delivers later, and gives a handle", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Timer"), key = uniqueKey(), start = Date.now();
    const properties = { UNIQ_KEY: key, TIMER_DELAY_MS: "2000" };
    const response = await send(peer, { topic, properties: propertyString(properties) });
    const [version, handleTopic, broker, out, id] = atob(
      response.extFields.recallHandle!.replaceAll("-", "+").replaceAll("_", "/"),
    ).split(" ");
    assertEquals([version, handleTopic, broker, id], ["v1", topic, cluster.broker.name, key]);
    assertMatch(out!, /^\d+001$/);
    const [message] = await visible(peer, topic, 1);
    assertGreater(message!.storeTimestamp - start, 1_000);
    assertEquals(message!.properties.TIMER_OUT_MS, String(Number(out) - 1));
  }),

  defineCase("timer - has a limit", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Timer");
    for (const properties of [{ TIMER_DELAY_SEC: "259201" }, { TIMER_DELAY_MS: "soon" }]) {
      const answer = await send(peer, { topic, properties: propertyString(properties) });
      assertEquals([answer.code, answer.remark], [
        13,
        "timer message illegal, the delay time should not be bigger than the max delay " +
        "259200000ms; or if set del msg, the delay time should be bigger than the current time",
      ]);
    }
    const past = { TIMER_DELIVER_MS: String(Date.now() - 1_000) };
    const answer = await send(peer, { topic, properties: propertyString(past) });
    assertEquals([answer.code, answer.extFields.recallHandle], [0, undefined]);
    assertEquals((await visible(peer, topic, 1)).length, 1);
  }),

  defineCase("recall - takes back what a timer would deliver", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Timer"), key = uniqueKey();
    const properties = { UNIQ_KEY: key, TIMER_DELAY_MS: "3000" };
    const sent = await send(peer, { topic, properties: propertyString(properties) });
    const { recallHandle } = sent.extFields;
    const recall = async (topic: string, recallHandle: string) => {
      const answer = await peer.ask({ code: 370, extFields: { topic, recallHandle } });
      return [answer.code, answer.remark, answer.extFields];
    };
    const handle = (...words: unknown[]) => btoa(["v1", ...words, key].join(" "));
    const soon = Date.now() + 3_000, { name } = cluster.broker;
    const region = { MSG_REGION: "DefaultRegion" };
    const missing = uniqueName("Missing"), other = uniqueName("Other");
    await send(peer, { topic: other });
    assertEquals(await recall(missing, recallHandle!), [
      ...[17, `recall failed, the topic[${missing}] not exist`, region],
    ]);
    const refusals = [
      ["garbage", "recall handle is invalid"],
      [handle(other, name, soon), "recall failed, topic not match"],
      [handle(topic, "other", soon), "recall failed, broker service not available"],
      [handle(topic, name, Date.now() - 1_000), "recall failed, timestamp invalid"],
    ] as const;
    for (const [wrong, remark] of refusals) {
      assertEquals(await recall(topic, wrong), [604, remark, region]);
    }
    assertEquals(await recall(topic, recallHandle!), [
      ...[0, "not set any response code", { ...region, msgId: key }],
    ]);
    await delay(4_500);
    assertEquals(await visible(peer, topic, 0), []);
  }),
];
