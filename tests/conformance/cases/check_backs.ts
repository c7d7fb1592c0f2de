import { assert, assertEquals, assertGreater } from "@std/assert";
import { deflateSync } from "node:zlib";
import { createOffsetMessageId } from "../../../src/message/mod.ts";
import { CommitOrRollback } from "../../../src/requests/mod.ts";
import { utf8 } from "../../remoting/frames.ts";
import { type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import {
  decide,
  delay,
  recordAt,
  register,
  sendHalf,
  takeCheck,
  takeCheckBriefly,
  uniqueName,
  visible,
} from "../steps.ts";

const { Commit, Rollback } = CommitOrRollback;
const FROM_CHECK = { fromTransactionCheck: true };

/** Questions of the broker about half messages. */
export const checkBackCases: ConformanceCase[] = [
  defineCase("check-back - says all of the half message, field by field", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Check"), group = uniqueName("group");
    const heartbeat = await register(peer, group);
    assertEquals([heartbeat.code, heartbeat.remark, heartbeat.extFields], [0, undefined, {
      IS_SUPPORT_HEART_BEAT_V2: "true",
      IS_SUB_CHANGE: "true",
    }]);
    const half = await sendHalf(peer, {
      ...{ topic, group, body: "undecided" },
      properties: { KEYS: "order-1", TAGS: "tagA", own: "value" },
      fields: { queueId: 1, flag: 42 },
    });
    const first = await recordAt(peer, half.commitLogOffset);
    const properties = {
      ...{ KEYS: "order-1", TAGS: "tagA", own: "value", WAIT: "false" },
      ...{ TRAN_MSG: "true", PGROUP: group, UNIQ_KEY: half.transactionId },
      ...{ MSG_REGION: "DefaultRegion", TRACE_ON: "true", CLUSTER: cluster.clusterName },
      ...{ __transactionId__: half.transactionId, REAL_TOPIC: topic, REAL_QID: "1" },
    };
    let previous = first;
    for (const times of ["1", "2"]) {
      const { request, half: renewed, message } = await takeCheck(peer, half);
      assert(Date.now() - half.bornTimestamp >= cluster.transactionTimeout);
      const [host, port] = cluster.broker.address.split(":");
      assertEquals([request.flag, request.language, request.version], [2, 0, 513]);
      assertEquals(request.serializeType, cluster.serializeType);
      assertEquals(request.extFields, {
        tranStateTableOffset: String(renewed.queueOffset),
        commitLogOffset: String(renewed.commitLogOffset),
        msgId: half.transactionId,
        transactionId: half.transactionId,
        offsetMsgId: createOffsetMessageId(host!, Number(port), renewed.commitLogOffset),
        topic: "RMQ_SYS_TRANS_HALF_TOPIC",
        bname: cluster.broker.name,
      });
      assertGreater(renewed.queueOffset, previous.queueOffset);
      assertGreater(renewed.commitLogOffset, previous.commitLogOffset);

      // The message is as it was read before it was written again; only the offsets are new.
      const { body, bodyCrc, bornTimestamp, bornHost, storeHost } = first;
      assertEquals(
        { ...message, body: message.body.slice() },
        {
          ...message,
          ...{ bodyCrc, bornTimestamp, bornHost, storeHost, topic, body: body.slice() },
          ...{ queueId: 1, sysFlag: 0, reconsumeTimes: 0, preparedTransactionOffset: 0n },
          flag: previous.flag,
          storeTimestamp: previous.storeTimestamp,
          queueOffset: renewed.queueOffset,
          commitLogOffset: renewed.commitLogOffset,
          properties: { ...properties, TRANSACTION_CHECK_TIMES: times },
          bodyCrcValid: true,
        },
      );
      previous = await recordAt(peer, renewed.commitLogOffset);
      assertEquals([previous.topic, previous.queueId], ["RMQ_SYS_TRANS_HALF_TOPIC", 0]);
      assertEquals(previous.flag, 0);
      assertEquals(previous.properties, {
        ...properties,
        WAIT: "true",
        TRANSACTION_CHECK_TIMES: times,
      });
      if (times === "2") {
        assertEquals((await decide(peer, renewed, Commit, FROM_CHECK)).code, 0);
        const [committed] = await visible(peer, topic, 1);
        const { WAIT: _wait, REAL_TOPIC: _topic, REAL_QID: _queueId, ...kept } = properties;
        assertEquals(committed!.properties, {
          ...kept,
          WAIT: "true",
          TRANSACTION_CHECK_TIMES: "2",
        });
        assertEquals(committed!.preparedTransactionOffset, renewed.commitLogOffset);
      }
    }
  }),

  defineCase("check-back - does not come again after the verdict", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Check"), group = uniqueName("group");
    await register(peer, group);
    const checked = await sendHalf(peer, { topic, group });
    const decided = await sendHalf(peer, { topic, group });
    assertEquals((await decide(peer, decided, Commit)).code, 0);
    const { half } = await takeCheck(peer, checked);
    assertEquals((await decide(peer, half, Rollback, FROM_CHECK)).code, 0);
    const wait = cluster.transactionTimeout + 3 * cluster.checkInterval;
    assertEquals(await takeCheckBriefly(peer, checked, wait), undefined);
    assertEquals(await takeCheckBriefly(peer, decided, 0), undefined);
    assertEquals((await visible(peer, topic, 1)).length, 1);
  }),

  defineCase("check-back - goes in turn to the registered connections", async (cluster) => {
    await using sender = await Peer.connect(cluster.broker.address);
    await using first = await Peer.connect(cluster.broker.address);
    await using second = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Check"), group = uniqueName("group");
    await register(first, group);
    await register(second, group);
    const halves = [];
    for (let index = 0; index < 4; index++) halves.push(await sendHalf(sender, { topic, group }));
    const asked = [0, 0];
    for (const half of halves) {
      for (let index = 0, found = false; !found; index = 1 - index) {
        found = await takeCheckBriefly([first, second][index]!, half, 20) !== undefined;
        if (found) asked[index]!++;
      }
      assertEquals((await decide(sender, half, Rollback)).code, 0);
    }
    assertEquals(asked.map((times) => times > 0), [true, true]);
    assertEquals(sender.received, []);
  }),

  defineCase(
    "check-back - does not come to a connection that has said goodbye",
    async (cluster) => {
      await using leaving = await Peer.connect(cluster.broker.address);
      await using staying = await Peer.connect(cluster.broker.address);
      const topic = uniqueName("Check"), group = uniqueName("group");
      await register(leaving, group);
      await register(staying, group);
      const goodbye = await leaving.ask({
        code: 35,
        extFields: { clientID: "any", producerGroup: group },
      });
      assertEquals([goodbye.code, goodbye.remark, goodbye.extFields], [0, undefined, {}]);
      const halves = [await sendHalf(leaving, { topic, group })];
      halves.push(await sendHalf(leaving, { topic, group }));
      for (const half of halves) {
        const { half: renewed } = await takeCheck(staying, half);
        assertEquals((await decide(staying, renewed, Rollback, FROM_CHECK)).code, 0);
      }
      assertEquals(leaving.received, []);
    },
  ),

  defineCase("check-back - counts also while nobody is there to be asked", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Check"), group = uniqueName("group");
    const half = await sendHalf(peer, { topic, group });
    await takeCheckBriefly(peer, half, cluster.transactionTimeout + cluster.checkInterval * 1.5);
    await register(peer, group);
    const { half: renewed, message } = await takeCheck(peer, half);
    assertGreater(Number(message.properties.TRANSACTION_CHECK_TIMES), 1);
    assertEquals((await decide(peer, renewed, Rollback, FROM_CHECK)).code, 0);
  }),

  defineCase(
    "check-back - a verdict by the old offsets is taken and settles nothing",
    async (cluster) => {
      await using peer = await Peer.connect(cluster.broker.address);
      const topic = uniqueName("Check"), group = uniqueName("group");
      await register(peer, group);
      const half = await sendHalf(peer, { topic, group });
      await takeCheck(peer, half);
      assertEquals((await decide(peer, half, Commit)).code, 0);
      assertEquals((await visible(peer, topic, 1)).length, 1);
      const { half: renewed } = await takeCheck(peer, half);
      assertEquals((await decide(peer, renewed, Commit, FROM_CHECK)).code, 0);
      assertEquals((await visible(peer, topic, 2)).length, 2);
    },
  ),

  defineCase("check-back - a compressed body stays compressed", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Check"), group = uniqueName("group");
    await register(peer, group);
    const text = "compressed ".repeat(100);
    const body = new Uint8Array(deflateSync(utf8(text)));
    const half = await sendHalf(peer, { topic, group, body, fields: { sysFlag: 0x305 } });
    const { half: renewed, message, request } = await takeCheck(peer, half);
    assertEquals(message.sysFlag, 0x301);
    assertEquals(new TextDecoder().decode(message.body), text);
    assert(request.body.length < text.length);
    assertEquals((await decide(peer, renewed, Commit, FROM_CHECK)).code, 0);
    const [committed] = await visible(peer, topic, 1);
    assertEquals(committed!.sysFlag, 0x309);
    assertEquals(new TextDecoder().decode(committed!.body), text);
  }),

  defineCase(
    "check-back - waits for the immunity time, which uses up the count",
    async (cluster) => {
      await using peer = await Peer.connect(cluster.broker.address);
      const topic = uniqueName("Check"), group = uniqueName("group");
      await register(peer, group);
      const seconds = Math.ceil((cluster.transactionTimeout + cluster.checkInterval) / 1000);
      const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: String(seconds) };
      const half = await sendHalf(peer, { topic, group, properties });
      const { half: renewed, message } = await takeCheck(peer, half);
      assertGreater(Date.now() - half.bornTimestamp, seconds * 1000);
      assertGreater(Number(message.properties.TRANSACTION_CHECK_TIMES), 1);
      assertEquals(
        message.properties.TRAN_PREPARED_QUEUE_OFFSET,
        String(half.queueOffset),
      );
      assertEquals((await decide(peer, renewed, Rollback, FROM_CHECK)).code, 0);
    },
  ),

  defineCase(
    "check-back - comes for an immune half message that was decided by its first offsets",
    async (cluster) => {
      await using peer = await Peer.connect(cluster.broker.address);
      const topic = uniqueName("Check"), group = uniqueName("group");
      await register(peer, group);
      const immunity = cluster.transactionTimeout + 2 * cluster.checkInterval;
      const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: String(Math.ceil(immunity / 1000)) };
      const half = await sendHalf(peer, { topic, group, properties });
      // A scan has written it again meanwhile, at other offsets.
      await delay(cluster.checkInterval * 1.3);
      assertEquals((await decide(peer, half, Commit)).code, 0);
      assertEquals((await visible(peer, topic, 1)).length, 1);
      const { half: renewed } = await takeCheck(peer, half);
      assertEquals((await decide(peer, renewed, Rollback, FROM_CHECK)).code, 0);
    },
  ),
];
