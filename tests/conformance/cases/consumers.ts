import { assertEquals, assertMatch } from "@std/assert";
import {
  createCreateTopicRequest,
  createHeartbeatRequest,
  createPullMessageRequest,
  createUpdateConsumerOffsetRequest,
  PullSysFlag,
  readGroupConfigResponse,
  readGroupSubscriptionsResponse,
  readResetRequest,
  resetOffsetHeader,
} from "../../../src/requests/mod.ts";
import { utf8 } from "../../remoting/frames.ts";
import { type ClusterUnderTest, type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import { CONTEXT, send, uniqueName } from "../steps.ts";

const CONSUMER_LIST = 38, CONNECTIONS = 203, STATUS = 221, RESET = 222;
const RUNNING_INFO = 307, CONSUME_DIRECTLY = 309, GROUP_CONFIG = 352;

const decoder = new TextDecoder();

/** A member of a group over one connection. */
async function join(
  { broker }: ClusterUnderTest,
  clientId: string,
  groupName: string,
  topics: readonly string[],
): Promise<Peer> {
  const peer = await Peer.connect(broker.address);
  const subscriptions = topics.map((topic) => ({ topic, expression: "*", version: Date.now() }));
  await peer.ask(createHeartbeatRequest({
    ...{ clientId, producerGroups: [] },
    consumers: [{ groupName, consumeType: "CONSUME_PASSIVELY", subscriptions }],
  }));
  return peer;
}

async function makeTopic({ broker }: ClusterUnderTest, messages: number): Promise<string> {
  const topic = uniqueName("Topic");
  await using peer = await Peer.connect(broker.address);
  const config = { topic, readQueueNums: 1, writeQueueNums: 1 };
  assertEquals((await peer.ask(createCreateTopicRequest(config))).code, 0);
  for (let i = 0; i < messages; i++) assertEquals((await send(peer, { topic })).code, 0);
  return topic;
}

/** What members of a group are told, and what operators learn of them. */
export const consumerCases: ConformanceCase[] = [
  defineCase("members - one client id on two connections is listed twice", async (cluster) => {
    const group = uniqueName("group"), topic = uniqueName("Topic");
    await using first = await join(cluster, "client-1", group, [topic]);
    await using _second = await join(cluster, "client-1", group, [topic]);
    const { body } = await first.ask({ code: CONSUMER_LIST, extFields: { consumerGroup: group } });
    assertEquals(JSON.parse(decoder.decode(body)).consumerIdList, ["client-1", "client-1"]);
  }),

  defineCase("members - the last heartbeat says what the group reads", async (cluster) => {
    const group = uniqueName("group"), topic = uniqueName("Topic"), other = uniqueName("Other");
    await using peer = await Peer.connect(cluster.broker.address);
    const ask = () => peer.ask({ code: CONNECTIONS, extFields: { consumerGroup: group } });
    const nobody = await ask();
    assertEquals([nobody.code, nobody.remark], [206, `the consumer group[${group}] not online`]);
    await using _first = await join(cluster, "client-1", group, [topic]);
    assertEquals([...readGroupSubscriptionsResponse(await ask(), CONTEXT).keys()], [topic]);
    await using _second = await join(cluster, "client-2", group, [topic, other]);
    const table = readGroupSubscriptionsResponse(await ask(), CONTEXT);
    assertEquals([...table.keys()].toSorted(), [topic, other].toSorted());
    const { connectionSet } = JSON.parse(decoder.decode((await ask()).body));
    const ids = connectionSet.map(({ clientId }: { clientId: string }) => clientId);
    assertEquals(ids.toSorted(), ["client-1", "client-2"]);
  }),

  defineCase("group configuration - is made for a group that is asked for", async (cluster) => {
    const group = uniqueName("group");
    await using peer = await Peer.connect(cluster.broker.address);
    const answer = await peer.ask({ code: GROUP_CONFIG, extFields: { group } });
    assertEquals(readGroupConfigResponse(answer, CONTEXT), {
      consumeEnable: true,
      retryQueueNums: 1,
    });
  }),

  defineCase(
    "reset - a pull is told, a held one at its end, and commits before have no effect",
    async (cluster) => {
      const group = uniqueName("group"), topic = await makeTopic(cluster, 3);
      await using member = await join(cluster, "client-1", group, [topic]);
      await using operator = await Peer.connect(cluster.broker.address);
      const where = { consumerGroup: group, topic, queueId: 0 };
      const commit = (commitOffset: bigint) =>
        member.ask(createUpdateConsumerOffsetRequest({ ...where, commitOffset }));
      assertEquals((await commit(3n)).code, 0);
      const pull = (queueOffset: bigint) =>
        member.ask(createPullMessageRequest({
          ...{ ...where, queueOffset, suspendTimeoutMillis: 1_000n },
          sysFlag: PullSysFlag.SUSPEND | PullSysFlag.SUBSCRIPTION,
        }));
      const held = pull(3n);
      await new Promise((resolve) => setTimeout(resolve, 500));
      const reset = () =>
        operator.ask({
          code: RESET,
          extFields: resetOffsetHeader.encode({
            ...{ topic, group, timestamp: 0n, isForce: true, queueId: -1, offset: -1n },
          }),
        });
      const answer = await reset();
      assertEquals(answer.code, 0, answer.remark);
      assertEquals(readResetRequest(answer, CONTEXT), [
        { queue: { topic, brokerName: cluster.broker.name, queueId: 0 }, offset: 0n },
      ]);
      const told = await held;
      assertEquals([told.code, told.remark, told.extFields.nextBeginOffset], [
        21,
        "OFFSET_RESET",
        "0",
      ]);
      assertEquals((await commit(3n)).remark, undefined);
      await reset();
      const late = await commit(3n);
      assertEquals([late.code, late.remark], [0, "Offset has been previously reset"]);
      const toldLater = await pull(3n);
      assertEquals([toldLater.code, toldLater.extFields.nextBeginOffset], [21, "0"]);
    },
  ),

  defineCase("operator - is answered by the member itself", async (cluster) => {
    const group = uniqueName("group"), topic = await makeTopic(cluster, 0);
    await using member = await join(cluster, "client-1", group, [topic]);
    await using operator = await Peer.connect(cluster.broker.address);
    const sent = await send(operator, { topic }, "handle me");
    const id = sent.extFields.msgId!;
    const fields = { consumerGroup: group, clientId: "client-1", topic, group };
    for (
      const [code, more] of [
        [RUNNING_INFO, {}],
        [CONSUME_DIRECTLY, { msgId: id }],
      ] as const
    ) {
      const answer = operator.ask({ code, extFields: { ...fields, ...more } });
      const request = await member.take((it) => it.code === code);
      assertEquals(request.extFields.consumerGroup, group);
      if (code === CONSUME_DIRECTLY) {
        assertEquals(request.extFields.brokerName, cluster.broker.name);
        assertMatch(decoder.decode(request.body), /handle me/);
      }
      await member.answer(request, 3);
      assertEquals((await answer).code, 3);
    }
    const gone = await operator.ask({
      code: RUNNING_INFO,
      extFields: { ...fields, clientId: "client-2" },
    });
    assertEquals([gone.code, gone.remark], [1, `The Consumer <${group}> <client-2> not online`]);
    await member.ask({ code: 35, extFields: { clientID: "client-1", consumerGroup: group } });
    assertEquals(
      (await operator.ask({ code: STATUS, extFields: fields, body: utf8("") })).code !== 0,
      true,
    );
  }),
];
