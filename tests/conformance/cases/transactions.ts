import { assertEquals, assertStringIncludes } from "@std/assert";
import { CommitOrRollback } from "../../../src/requests/mod.ts";
import { createEndTransactionRequest } from "../../support/requests.ts";
import { type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import {
  decide,
  delay,
  findByUniqueKey,
  propertyString,
  recordAt,
  send,
  sendHalf,
  uniqueKey,
  uniqueName,
  verdictHeader,
  visible,
} from "../steps.ts";

const { Commit, Rollback, Unknown } = CommitOrRollback;

/** What a rollback is answered with. */
const NO_REMARK_SET = "not set any response code";

/** Half messages and verdicts. */
export const transactionCases: ConformanceCase[] = [
  defineCase("half message - is kept in the half topic, whole", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const half = await sendHalf(peer, {
      ...{ topic, group },
      properties: { KEYS: "order-1", TAGS: "tagA", own: "value" },
      fields: { queueId: 1, flag: 42 },
    });
    const record = await recordAt(peer, half.commitLogOffset);
    const { topic: halfTopic, queueId, queueOffset, sysFlag, flag, properties } = record;
    assertEquals(
      { halfTopic, queueId, queueOffset, sysFlag, flag, properties },
      {
        halfTopic: "RMQ_SYS_TRANS_HALF_TOPIC",
        queueId: 0,
        queueOffset: half.queueOffset,
        sysFlag: 0,
        flag: 42,
        properties: {
          ...{ KEYS: "order-1", TAGS: "tagA", own: "value", WAIT: "true" },
          ...{ TRAN_MSG: "true", PGROUP: group, UNIQ_KEY: half.transactionId },
          ...{ MSG_REGION: "DefaultRegion", TRACE_ON: "true", CLUSTER: cluster.clusterName },
          ...{ __transactionId__: half.transactionId, REAL_TOPIC: topic, REAL_QID: "1" },
        },
      },
    );
    assertEquals(
      (await findByUniqueKey(peer, halfTopic, half.transactionId, 1)).map((it) => it.queueOffset),
      [half.queueOffset],
    );
    assertEquals(await visible(peer, topic, 0), []);
    await decide(peer, half, Rollback);
  }),

  defineCase("half message - the property makes it one, not the flag", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const withoutFlag = await sendHalf(peer, { topic, group, fields: { sysFlag: 0 } });
    assertEquals(
      (await recordAt(peer, withoutFlag.commitLogOffset)).topic,
      "RMQ_SYS_TRANS_HALF_TOPIC",
    );
    const properties = propertyString({ UNIQ_KEY: uniqueKey(), PGROUP: group });
    const withoutProperty = await send(peer, { topic, sysFlag: 4, properties });
    assertEquals([withoutProperty.code, withoutProperty.extFields.queueOffset], [0, "0"]);
    assertEquals(await visible(peer, topic, 0), []);
    await decide(peer, withoutFlag, Rollback);
  }),

  defineCase("commit - makes it visible as it was", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const half = await sendHalf(peer, {
      ...{ topic, group, body: "paid" },
      properties: { KEYS: "order-1", TAGS: "tagA", own: "value" },
      fields: { queueId: 1, flag: 42 },
    });
    const answer = await decide(peer, half, Commit);
    assertEquals([answer.code, answer.remark, answer.extFields], [0, undefined, {}]);
    const [message, ...more] = await visible(peer, topic, 1);
    assertEquals(more, []);
    const { queueId, queueOffset, sysFlag, flag, bornTimestamp, bornHost, properties } = message!;
    assertEquals(
      { queueId, queueOffset, sysFlag, flag, bornTimestamp, bornHost, properties },
      {
        ...{ queueId: 1, queueOffset: 0n, sysFlag: 8, flag: 42 },
        bornTimestamp: half.bornTimestamp,
        bornHost: peer.address,
        properties: {
          ...{ KEYS: "order-1", TAGS: "tagA", own: "value", WAIT: "true" },
          ...{ TRAN_MSG: "true", PGROUP: group, UNIQ_KEY: half.transactionId },
          ...{ MSG_REGION: "DefaultRegion", TRACE_ON: "true", CLUSTER: cluster.clusterName },
          __transactionId__: half.transactionId,
        },
      },
    );
    assertEquals(new TextDecoder().decode(message!.body), "paid");
    assertEquals(message!.preparedTransactionOffset, half.commitLogOffset);
  }),

  defineCase("rollback - leaves nothing to see", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const half = await sendHalf(peer, { topic, group });
    const answer = await decide(peer, half, Rollback);
    assertEquals([answer.code, answer.remark, answer.extFields], [0, NO_REMARK_SET, {}]);
    assertEquals(await visible(peer, topic, 0), []);
  }),

  defineCase("commit - is taken as often as it is said", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const half = await sendHalf(peer, { topic, group });
    for (const verdict of [Rollback, Commit, Rollback, Commit]) {
      assertEquals((await decide(peer, half, verdict)).code, 0);
    }
    assertEquals((await visible(peer, topic, 2)).length, 2);
    assertEquals((await findByUniqueKey(peer, topic, half.transactionId, 2)).length, 2);
  }),

  defineCase("commit - one-way is taken and not answered", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const half = await sendHalf(peer, { topic, group });
    await peer.tell(createEndTransactionRequest(verdictHeader(half, Commit)));
    assertEquals((await visible(peer, topic, 1)).length, 1);
  }),

  defineCase("commit - needs four fields and any connection", async (cluster) => {
    await using sender = await Peer.connect(cluster.broker.address);
    await using other = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const { queueOffset, commitLogOffset } = await sendHalf(sender, { topic, group });
    const { code } = await other.ask({
      code: 37,
      extFields: {
        producerGroup: group,
        tranStateTableOffset: String(queueOffset),
        commitLogOffset: String(commitLogOffset),
        commitOrRollback: "8",
      },
    });
    assertEquals(code, 0);
    assertEquals((await visible(sender, topic, 1)).length, 1);
    const missing = await other.ask({
      code: 37,
      extFields: {
        producerGroup: group,
        tranStateTableOffset: String(queueOffset),
        commitOrRollback: "8",
      },
    });
    assertEquals(missing.code, 1);
  }),

  defineCase(
    "unknown - is never answered",
    async (cluster) => {
      await using peer = await Peer.connect(cluster.broker.address);
      const topic = uniqueName("Tx"), group = uniqueName("group");
      const half = await sendHalf(peer, { topic, group });
      for (const fromTransactionCheck of [false, true]) {
        const header = verdictHeader(half, Unknown, { fromTransactionCheck });
        assertEquals(await peer.askBriefly(createEndTransactionRequest(header), 400), undefined);
      }
      assertEquals(await visible(peer, topic, 0), []);
      await decide(peer, half, Rollback);
    },
  ),

  defineCase("verdict - has to name the half message rightly", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const half = await sendHalf(peer, { topic, group });
    const { queueOffset, commitLogOffset } = half;
    for (const verdict of [Commit, Rollback]) {
      const refusals = [
        [{ producerGroup: "other" }, "The producer group wrong"],
        [
          { tranStateTableOffset: queueOffset + 1n },
          "The transaction state table offset wrong",
        ],
        [
          { commitLogOffset: commitLogOffset + 1_000_000_000n },
          "Find prepared transaction message failed",
        ],
        [{ commitLogOffset: commitLogOffset + 1n }, "Find prepared transaction message failed"],
      ] as const;
      for (const [fields, remark] of refusals) {
        const answer = await decide(peer, half, verdict, fields);
        assertEquals([answer.code, answer.remark, answer.extFields], [1, remark, {}]);
      }
      const inside = await decide(peer, half, verdict, { commitLogOffset: commitLogOffset + 4n });
      assertEquals(inside.code, 1);
      assertStringIncludes(inside.remark!, "IllegalArgumentException: newLimit < 0: (-626843481");
    }
    const wrongNames = { topic: "other", msgId: "other", transactionId: "other" };
    assertEquals((await decide(peer, half, Commit, wrongNames)).code, 0);
    assertEquals((await visible(peer, topic, 1)).length, 1);
  }),

  defineCase("verdict - that does not exist is an error of the system", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const half = await sendHalf(peer, { topic, group });
    const request = createEndTransactionRequest(verdictHeader(half, Commit));
    const odd = { ...request, extFields: { ...request.extFields, commitOrRollback: "5" } };
    const answer = await peer.ask(odd);
    assertEquals(answer.code, 1);
    assertStringIncludes(answer.remark!, "commitOrRollback field wrong");
    assertEquals(await visible(peer, topic, 0), []);
    await decide(peer, half, Rollback);
  }),

  defineCase("verdict - over an ordinary message is an error of the system", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const response = await send(peer, { topic, properties: propertyString({ own: "value" }) });
    const commitLogOffset = BigInt(`0x${response.extFields.msgId!.slice(16)}`);
    const half = {
      ...{ topic, group, commitLogOffset, queueOffset: 0n },
      ...{ transactionId: uniqueKey(), bornTimestamp: 0 },
    };
    const answer = await decide(peer, half, Commit);
    assertEquals(answer.code, 1);
    assertStringIncludes(answer.remark!, "NullPointerException");
    assertEquals((await visible(peer, topic, 1)).length, 1);
  }),

  defineCase("verdict - with an immunity time of its own comes too late", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Tx"), group = uniqueName("group");
    const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: "1" };
    const half = await sendHalf(peer, { topic, group, properties });
    await delay(Math.max(1_000, cluster.transactionTimeout) + 300);
    for (const verdict of [Commit, Rollback]) {
      const answer = await decide(peer, half, verdict);
      assertEquals([answer.code, answer.remark], [604, NO_REMARK_SET]);
    }
    assertEquals(await visible(peer, topic, 0), []);
    const fromCheck = await decide(peer, half, Rollback, { fromTransactionCheck: true });
    assertEquals(fromCheck.code, 0);
  }),
];
