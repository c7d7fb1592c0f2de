import { assertEquals } from "@std/assert";
import { createCreateTopicRequest, createHeartbeatRequest } from "../../../src/requests/mod.ts";
import { utf8 } from "../../remoting/frames.ts";
import { type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import { send, uniqueName } from "../steps.ts";

const CONSUMER_LIST = 38;
const LOCK = 41;
const UNLOCK = 42;

const decoder = new TextDecoder();

function heartbeat(clientId: string, groupName: string, topic: string) {
  const subscriptions = [{ topic, expression: "*" }];
  return createHeartbeatRequest({
    clientId,
    producerGroups: [],
    consumers: [{ groupName, consumeType: "CONSUME_PASSIVELY", subscriptions }],
  });
}

/** Registration, topics and locks. */
export const clientCases: ConformanceCase[] = [
  defineCase("heartbeat - of consumers makes them known to each other", async (cluster) => {
    await using first = await Peer.connect(cluster.broker.address);
    await using second = await Peer.connect(cluster.broker.address);
    const group = uniqueName("group"), topic = uniqueName("Topic");
    const list = async () => {
      const extFields = { consumerGroup: group };
      const { code, remark, body } = await first.ask({ code: CONSUMER_LIST, extFields });
      return code === 0 ? JSON.parse(decoder.decode(body)).consumerIdList.sort() : [code, remark];
    };
    const isNotice = (extFields: Record<string, string>) => extFields.consumerGroup === group;
    assertEquals(await list(), [1, `no consumer for this group, ${group}`]);
    await first.ask(heartbeat("client-1", group, topic));
    const notice = await first.take(({ code }) => code === 40);
    assertEquals([notice.flag, isNotice(notice.extFields)], [2, true]);
    await second.ask(heartbeat("client-2", group, topic));
    await first.take(({ code, extFields }) => code === 40 && isNotice(extFields));
    assertEquals(await list(), ["client-1", "client-2"]);
    const extFields = { clientID: "client-2", consumerGroup: group };
    assertEquals((await second.ask({ code: 35, extFields })).code, 0);
    await first.take(({ code }) => code === 40);
    assertEquals(await list(), ["client-1"]);
  }),

  defineCase("heartbeat - with a fingerprint is answered as one", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const body = utf8(JSON.stringify({
      ...{ clientID: "client", heartbeatFingerprint: 77, withoutSub: false },
      ...{ consumerDataSet: [], producerDataSet: [{ groupName: uniqueName("group") }] },
    }));
    const { code, extFields } = await peer.ask({ code: 34, body });
    assertEquals([code, extFields], [0, {
      IS_SUPPORT_HEART_BEAT_V2: "true",
      IS_SUB_CHANGE: "false",
    }]);
  }),

  defineCase("heartbeat - without consumers is enough", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const body = utf8('{"clientID":"x","producerDataSet":[{"groupName":"g"}]}');
    assertEquals((await peer.ask({ code: 34, body })).code, 0);
    assertEquals((await peer.ask({ code: 34, body: utf8("no JSON") })).code, 1);
  }),

  defineCase("lock - is for one client, until it is given up", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const consumerGroup = uniqueName("group"), topic = uniqueName("Topic");
    const queue = (queueId: number) => ({ brokerName: cluster.broker.name, queueId, topic });
    const body = (clientId: string, ...queueIds: number[]) =>
      utf8(JSON.stringify({ clientId, consumerGroup, mqSet: queueIds.map(queue) }));
    const lock = async (clientId: string, ...queueIds: number[]) => {
      const response = await peer.ask({ code: LOCK, body: body(clientId, ...queueIds) });
      assertEquals([response.code, response.remark, response.extFields], [0, undefined, {}]);
      const { lockOKMQSet } = JSON.parse(decoder.decode(response.body));
      return lockOKMQSet.map((it: { queueId: number }) => it.queueId).sort();
    };
    assertEquals(await lock("client-1", 0, 1), [0, 1]);
    assertEquals(await lock("client-2", 1, 2), [2]);
    const unlocked = await peer.ask({ code: UNLOCK, body: body("client-2", 1) });
    assertEquals([unlocked.code, unlocked.remark, unlocked.extFields], [0, undefined, {}]);
    assertEquals(await lock("client-2", 1), []);
    assertEquals((await peer.ask({ code: UNLOCK, body: body("client-1", 1) })).code, 0);
    assertEquals(await lock("client-2", 1), [1]);
  }),

  defineCase("client configuration - with tags is right", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const check = async (expressionType: string) => {
      const subscriptionData = { topic: "T", subString: "a = 1", expressionType };
      const body = utf8(JSON.stringify({ clientId: "c", group: "g", subscriptionData }));
      const { code, remark } = await peer.ask({ code: 46, body });
      return [code, remark];
    };
    assertEquals(await check("TAG"), [0, undefined]);
    assertEquals(await check("SQL92"), [
      1,
      "The broker does not support consumer to filter message by SQL92",
    ]);
  }),

  defineCase("topic - is made and changed", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    await using nameServer = await Peer.connect(cluster.nameServer);
    const topic = uniqueName("Created");
    const attributes = { "message.type": "TRANSACTION" };
    const made = await peer.ask(createCreateTopicRequest({ topic, readQueueNums: 3, attributes }));
    assertEquals([made.code, made.remark, made.extFields], [0, "not set any response code", {}]);
    assertEquals((await send(peer, { topic, queueId: 3 })).code, 0);
    const refused = await send(peer, { topic, queueId: 4 });
    assertEquals(refused.remark?.includes("attributes={message.type=TRANSACTION}"), true);
    const changed = createCreateTopicRequest({
      topic,
      readQueueNums: 5,
      writeQueueNums: 6,
      perm: 4,
    });
    assertEquals((await peer.ask(changed)).code, 0);
    const route = await nameServer.ask({ code: 105, extFields: { topic } });
    const [{ readQueueNums, writeQueueNums, perm }] =
      JSON.parse(decoder.decode(route.body)).queueDatas;
    assertEquals([readQueueNums, writeQueueNums, perm], [5, 6, 4]);
    // Read-only is no hindrance for messages …
    assertEquals((await send(peer, { topic })).code, 0);
    const writeOnly = createCreateTopicRequest({ topic, perm: 2 });
    assertEquals((await peer.ask(writeOnly)).code, 0);
    const pull = await peer.ask({
      code: 11,
      extFields: {
        ...{ consumerGroup: "conformance", topic, queueId: "0", queueOffset: "0" },
        ...{ maxMsgNums: "1", sysFlag: "4", commitOffset: "0", suspendTimeoutMillis: "0" },
        ...{ subVersion: "0", subscription: "*" },
      },
    });
    // … but write-only is one for consumers.
    assertEquals([pull.code, pull.remark], [
      16,
      `the topic[${topic}] pulling message is forbidden`,
    ]);
  }),

  defineCase("topic - names are checked", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const refusals = {
      "bad topic!": "The specified topic: bad topic!, contains illegal characters, " +
        "allowing only ^[%|a-zA-Z0-9_-]+$",
      "TBW102": "The topic[TBW102] is conflict with system topic.",
      "rmq_sys_x": "The topic[rmq_sys_x] is conflict with system topic.",
    };
    for (const [topic, remark] of Object.entries(refusals)) {
      const answer = await peer.ask(createCreateTopicRequest({ topic }));
      assertEquals([answer.code, answer.remark], [29, remark]);
    }
  }),
];
