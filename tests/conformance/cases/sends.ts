import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decodeMessages, encodeBatch, parseOffsetMessageId } from "../../../src/message/mod.ts";
import { readSendMessageResponse, sendMessageV1Header } from "../../../src/requests/mod.ts";
import { utf8 } from "../../remoting/frames.ts";
import { createSendMessageRequest } from "../../support/requests.ts";
import { type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import {
  CONTEXT,
  endOf,
  propertyString,
  recordAt,
  send,
  sendHeader,
  uniqueKey,
  uniqueName,
  visible,
} from "../steps.ts";

const decoder = new TextDecoder();

const REGION = { MSG_REGION: "DefaultRegion", TRACE_ON: "true" };

/** Ordinary messages and batches. */
export const sendCases: ConformanceCase[] = [
  defineCase("send - both header versions store the same", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Send"), key = uniqueKey();
    const properties = propertyString({ UNIQ_KEY: key, KEYS: "k1 k2", TAGS: "tagA", own: "value" });
    const header = sendHeader({ topic, queueId: 1, flag: 7, properties, bornTimestamp: 12345n });
    const second = createSendMessageRequest(header, utf8("v2"));
    const first = { code: 10, extFields: sendMessageV1Header.encode(header), body: utf8("v1") };
    for (const [index, request] of [first, second].entries()) {
      const response = await peer.ask(request);
      assertEquals([response.code, response.remark], [0, undefined]);
      const { msgId, ...extFields } = response.extFields;
      assertEquals(extFields, {
        ...REGION,
        queueId: "1",
        queueOffset: String(index),
        transactionId: key,
      });
      const { host, port } = parseOffsetMessageId(msgId!);
      assertEquals(`${host}:${port}`, cluster.broker.address);
    }
    const messages = await visible(peer, topic, 2);
    assertEquals(messages.map(({ body }) => decoder.decode(body)), ["v1", "v2"]);
    for (const message of messages) {
      const { queueId, flag, sysFlag, bornTimestamp, bornHost, storeHost, properties } = message;
      assertEquals(
        { queueId, flag, sysFlag, bornTimestamp, bornHost, storeHost, properties },
        {
          ...{ queueId: 1, flag: 7, sysFlag: 0, bornTimestamp: 12345 },
          bornHost: peer.address,
          storeHost: cluster.broker.address,
          properties: {
            ...{ UNIQ_KEY: key, KEYS: "k1 k2", TAGS: "tagA", own: "value" },
            ...REGION,
            CLUSTER: cluster.clusterName,
          },
        },
      );
      assertEquals([message.bodyCrcValid, message.preparedTransactionOffset], [true, 0n]);
      assertEquals(message.reconsumeTimes, 0);
    }
  }),

  defineCase(
    "send - a priority is the number of the queue, and dropped beside an order",
    async (cluster) => {
      await using peer = await Peer.connect(cluster.broker.address);
      const topic = uniqueName("Priority");
      const sent: [properties: Record<string, string>, queueId: number, kept: boolean][] = [
        [{ _SYS_MSG_PRIORITY_: "1" }, 1, true],
        [{ _SYS_MSG_PRIORITY_: "9" }, 1, true],
        [{ _SYS_MSG_PRIORITY_: "1", __SHARDINGKEY: "k" }, 0, false],
      ];
      for (const [properties, queueId] of sent) {
        const response = await send(peer, { topic, properties: propertyString(properties) });
        assertEquals(readSendMessageResponse(response, CONTEXT).queueId, queueId);
      }
      const messages = await visible(peer, topic, 3);
      assertEquals(
        messages.map(({ queueId, properties }) => [queueId, properties["_SYS_MSG_PRIORITY_"]]),
        [[0, undefined], [1, "1"], [1, "9"]],
      );
    },
  ),

  defineCase("send - the broker fills in queue and unique key", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Send");
    const response = await send(peer, { topic, queueId: -1, defaultTopicQueueNums: 1 });
    const { queueId, transactionId } = readSendMessageResponse(response, CONTEXT);
    assertEquals(queueId, 0);
    assertMatch(transactionId!, /^(?:[0-9A-F]{32}|[0-9A-F]{56})$/);
    const [message] = await visible(peer, topic, 1);
    assertEquals(message!.messageId, transactionId);
  }),

  defineCase("send - a batch is stored message by message", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Batch");
    const messages = ["a", "b", "c"].map((text, index) => ({
      body: utf8(text),
      properties: { UNIQ_KEY: uniqueKey(), WAIT: "true" },
      flag: index,
    }));
    const response = await send(
      peer,
      { topic, queueId: 1, batch: true, properties: propertyString({ WAIT: "true" }) },
      encodeBatch(messages),
    );
    assertEquals(response.code, 0);
    const { msgId, ...extFields } = response.extFields;
    assertEquals(extFields, { ...REGION, queueId: "1", queueOffset: "0" });
    const stored = await visible(peer, topic, 3);
    assertEquals(msgId!.split(","), stored.map(({ offsetMessageId }) => offsetMessageId));
    assertEquals(
      stored.map(({ body, properties, flag }) => [decoder.decode(body), properties, flag]),
      messages.map(({ body, properties, flag }) => [decoder.decode(body), properties, flag]),
    );
    assertEquals(stored.map(({ queueOffset }) => queueOffset), [0n, 1n, 2n]);
  }),

  defineCase("send - one-way stores and is not answered", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Oneway");
    await peer.tell(createSendMessageRequest(sendHeader({ topic }), utf8("quiet")));
    assertEquals((await visible(peer, topic, 1)).length, 1);
  }),

  defineCase("send - names of topics are checked", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const long = "a".repeat(128);
    const refusals = [
      [
        "bad topic!",
        29,
        "The specified topic: bad topic!, contains illegal characters, " +
        "allowing only ^[%|a-zA-Z0-9_-]+$",
      ],
      [long, 29, `The specified topic: ${long}, is longer than topic max length: 127`],
      ["", 29, "The specified topic is blank."],
      [
        "RMQ_SYS_TRANS_HALF_TOPIC",
        16,
        "Sending message to topic[RMQ_SYS_TRANS_HALF_TOPIC] is forbidden.",
      ],
      [
        "TRANS_CHECK_MAX_TIME_TOPIC",
        16,
        "Sending message to topic[TRANS_CHECK_MAX_TIME_TOPIC] is forbidden.",
      ],
      [
        "SCHEDULE_TOPIC_XXXX",
        16,
        "Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden.",
      ],
    ] as const;
    for (const [topic, code, remark] of refusals) {
      const response = await send(peer, { topic });
      assertEquals([response.code, response.remark, response.extFields], [code, remark, REGION]);
    }
  }),

  defineCase("send - a topic without a template is refused with 17", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Missing");
    const response = await send(peer, { topic, defaultTopic: uniqueName("NoTemplate") });
    assertEquals([response.code, response.extFields], [17, REGION]);
    assertEquals(
      response.remark,
      `topic[${topic}] not exist, apply first please!\n` +
        "See https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.",
    );
  }),

  defineCase("send - a queue that is not there is refused with 29", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Send");
    await send(peer, { topic });
    const response = await send(peer, { topic, queueId: 99 });
    assertEquals([response.code, response.extFields], [29, REGION]);
    assertEquals(
      response.remark,
      `request queueId[99] is illegal, TopicConfig [topicName=${topic}, readQueueNums=2, ` +
        "writeQueueNums=2, perm=RW-, topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false, " +
        `attributes={}] Producer: ${peer.address}`,
    );
  }),

  defineCase("send - bodies and properties have limits", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Limits"), max = 4 * 1024 * 1024;
    const remark = "the message is illegal, maybe msg body or properties length not matched. " +
      `msg body length limit ${max}B, msg properties length limit 32KB.`;
    assertEquals((await send(peer, { topic }, new Uint8Array(max))).code, 0);
    const large = await send(peer, { topic }, new Uint8Array(max + 1));
    assertEquals([large.code, large.remark, large.extFields], [13, remark, REGION]);

    const properties = (length: number) =>
      propertyString({ UNIQ_KEY: uniqueKey(), own: "v".repeat(length) });
    assertEquals((await send(peer, { topic, properties: properties(32_000) })).code, 0);
    const long = await send(peer, { topic, properties: properties(32_750) });
    assertEquals([long.code, long.remark, long.extFields], [13, remark, REGION]);
  }),

  defineCase("send - what is missing is an error of the system", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const empty = await send(peer, { topic: uniqueName("Empty") }, "");
    assertEquals(empty.code, 1);
    assertStringIncludes(empty.remark!, "NullPointerException");
    const { b: _topic, ...extFields } = createSendMessageRequest(
      sendHeader({ topic: "any" }),
      utf8("body"),
    ).extFields!;
    assertEquals((await peer.ask({ code: 310, extFields, body: utf8("body") })).code, 1);
  }),

  defineCase("send - a body that is no batch stores nothing", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Batch");
    assertEquals((await send(peer, { topic, batch: true }, "garbage")).code, 1);
    assertEquals(await endOf(peer, topic, 0), 0n);
  }),

  defineCase("send - the record is at the position in its id", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const response = await send(peer, { topic: uniqueName("Send") }, "here");
    const { offset } = parseOffsetMessageId(response.extFields.msgId!);
    const view = await peer.ask({ code: 33, extFields: { offset: String(offset) } });
    assertEquals([view.code, view.remark, view.extFields], [0, undefined, {}]);
    const [message] = await decodeMessages(view.body);
    assertEquals(message!.offsetMessageId, response.extFields.msgId);
    assertEquals(await recordAt(peer, offset), message!);
  }),
];
