import { assertEquals, assertMatch } from "@std/assert";
import { decodeProperties } from "../../../src/message/mod.ts";
import type { RemotingCommand } from "../../../src/remoting/mod.ts";
import { createHeartbeatRequest, sendMessageV1Header } from "../../../src/requests/mod.ts";
import { utf8 } from "../../remoting/frames.ts";
import { type ClusterUnderTest, type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import { endOf, propertyString, sendHeader, uniqueKey, uniqueName } from "../steps.ts";

const PUSH_REPLY = 326, SEND_REPLY = 324, SEND_REPLY_V2 = 325;

const REGION = { MSG_REGION: "DefaultRegion", TRACE_ON: "true" };

/** A client that waits for replies. */
async function requester(cluster: ClusterUnderTest): Promise<{ peer: Peer; clientId: string }> {
  const peer = await Peer.connect(cluster.broker.address);
  const clientId = uniqueName("127.0.0.1@requester");
  const producerGroups = [uniqueName("requesters")];
  assertEquals((await peer.ask(createHeartbeatRequest({ clientId, producerGroups }))).code, 0);
  return { peer, clientId };
}

function replyTopic({ clusterName }: ClusterUnderTest): string {
  return `${clusterName}_REPLY_TOPIC`;
}

/** Sends a reply, under long or short names, and gives the answer. */
function reply(
  peer: Peer,
  topic: string,
  properties: Record<string, string>,
  { code = SEND_REPLY_V2, body = "pong", queueId = 0 } = {},
): Promise<RemotingCommand> {
  const header = sendHeader({ topic, queueId, properties: propertyString(properties) });
  const long = sendMessageV1Header.encode(header);
  const { producerGroup, defaultTopic, defaultTopicQueueNums } = header;
  const short = {
    ...{ a: producerGroup, b: topic, c: defaultTopic, d: String(defaultTopicQueueNums) },
    ...{ e: String(queueId), f: "0", g: String(header.bornTimestamp), h: "0", j: "0" },
    ...{ i: header.properties!, k: "false", m: "false" },
  };
  return peer.ask({ code, extFields: code === SEND_REPLY ? long : short, body: utf8(body) });
}

function isPush({ code }: RemotingCommand): boolean {
  return code === PUSH_REPLY;
}

/** Replies to request messages. */
export const replyCases: ConformanceCase[] = [
  defineCase("reply - is passed on to the client that waits, and stored", async (cluster) => {
    const { peer: waiting, clientId } = await requester(cluster);
    await using _waiting = waiting;
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = replyTopic(cluster);
    for (const code of [SEND_REPLY, SEND_REPLY_V2]) {
      const correlationId = uniqueKey();
      const properties = {
        ...{ MSG_TYPE: "reply", CORRELATION_ID: correlationId, REPLY_TO_CLIENT: clientId },
        ...{ TTL: "3000", UNIQ_KEY: uniqueKey() },
      };
      const sent = reply(peer, topic, properties, { code, body: `pong ${code}` });
      sent.catch(() => {});
      const pushed = await waiting.take(isPush);
      const { PUSH_REPLY_TIME, ...others } = decodeProperties(pushed.extFields.properties!);
      assertEquals([pushed.flag, new TextDecoder().decode(pushed.body)], [0, `pong ${code}`]);
      assertEquals(others, { ...properties, ...REGION });
      assertMatch(PUSH_REPLY_TIME!, /^\d{13}$/);
      const { properties: _, bornTimestamp, storeTimestamp, ...fields } = pushed.extFields;
      assertEquals(fields, {
        ...{ producerGroup: "conformance", topic, queueId: "0", sysFlag: "0", flag: "0" },
        ...{ defaultTopic: "TBW102", defaultTopicQueueNums: "2", reconsumeTimes: "0" },
        ...{ unitMode: "false", bornHost: peer.address, storeHost: cluster.broker.address },
      });
      assertMatch(`${bornTimestamp} ${storeTimestamp}`, /^\d{13} \d{13}$/);
      await waiting.answer(pushed, 0);
      const answer = await sent;
      assertEquals([answer.code, answer.remark], [0, undefined]);
      const { msgId, queueOffset, ...rest } = answer.extFields;
      assertEquals(rest, { queueId: "0", ...REGION });
      assertMatch(msgId!, /^[0-9A-F]{32}$/);
      assertMatch(queueOffset!, /^\d+$/);
    }
  }),

  defineCase(
    "reply - is refused and stored all the same where nobody takes it",
    async (cluster) => {
      const { peer: waiting, clientId } = await requester(cluster);
      await using _waiting = waiting;
      await using peer = await Peer.connect(cluster.broker.address);
      const topic = uniqueName("Replies");
      const sent = reply(peer, topic, { REPLY_TO_CLIENT: clientId });
      sent.catch(() => {});
      await waiting.answer(await waiting.take(isPush), 1);
      const refused = await sent;
      assertEquals([refused.code, refused.remark], [1, `push reply message to ${clientId}fail.`]);

      const gone = await reply(peer, topic, { REPLY_TO_CLIENT: "nobody" });
      const remark = "push reply message fail, channel of <nobody> not found.";
      assertEquals([gone.code, gone.remark], [1, remark]);
      const { msgId: _, ...fields } = gone.extFields;
      assertEquals(fields, { queueId: "0", queueOffset: "1", ...REGION });

      const aimless = await reply(peer, topic, { TAGS: "a" });
      assertEquals([aimless.code, aimless.remark], [
        1,
        "reply message properties[REPLY_TO_CLIENT] is null",
      ]);
      assertEquals(await endOf(peer, topic, 0) > 0n, true);
    },
  ),

  defineCase("reply - a client that left gets none", async (cluster) => {
    const { peer: waiting, clientId } = await requester(cluster);
    await using peer = await Peer.connect(cluster.broker.address);
    await waiting[Symbol.asyncDispose]();
    const topic = uniqueName("Replies");
    const ask = () => reply(peer, topic, { REPLY_TO_CLIENT: clientId });
    let answer = await ask();
    // A broker notices the end of a connection some moments later.
    for (let tries = 0; tries < 50 && answer.remark?.endsWith("fail."); tries++) {
      answer = await ask();
    }
    const remark = `push reply message fail, channel of <${clientId}> not found.`;
    assertEquals([answer.code, answer.remark], [1, remark]);
  }),

  defineCase("reply - its topic is checked as that of a message", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const bad = await reply(peer, "bad topic!", {});
    assertEquals([bad.code, bad.extFields], [29, REGION]);
    const closed = await reply(peer, "RMQ_SYS_TRANS_HALF_TOPIC", {});
    assertEquals([closed.code, closed.remark], [
      16,
      "Sending message to topic[RMQ_SYS_TRANS_HALF_TOPIC] is forbidden.",
    ]);
    const queue = await reply(peer, replyTopic(cluster), {}, { queueId: 1 });
    assertEquals(queue.code, 29);
  }),
];
