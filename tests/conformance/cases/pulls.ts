import { assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { decodeMessages } from "../../../src/message/mod.ts";
import type { RemotingCommand } from "../../../src/remoting/mod.ts";
import {
  createHeartbeatRequest,
  createPullMessageRequest,
  createQueryConsumerOffsetRequest,
  createUpdateConsumerOffsetRequest,
  type PullMessageFields,
} from "../../../src/requests/mod.ts";
import { type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import { delay, propertyString, send, uniqueName, untilStored } from "../steps.ts";

const SEE_FAQ = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";

/** Long polls: bit 2 waits, bit 4 says that the subscription is in the request. */
const SUSPEND = 2 | 4;

function pull(fields: Partial<PullMessageFields> & { topic: string }) {
  const consumerGroup = "conformance";
  return createPullMessageRequest({ consumerGroup, queueId: 0, queueOffset: 0n, ...fields });
}

/** Sends messages with these tags to queue 0. */
async function sendTagged(peer: Peer, topic: string, tags: readonly string[]): Promise<void> {
  for (const tag of tags) {
    const response = await send(peer, { topic, properties: propertyString({ TAGS: tag }) }, tag);
    assertEquals(response.code, 0, response.remark);
  }
  await untilStored(peer, topic, 0, tags.length);
}

function positions(next: number, max: number): Record<string, string> {
  return {
    ...{ suggestWhichBrokerId: "0", topicSysFlag: "0", groupSysFlag: "0" },
    ...{ nextBeginOffset: String(next), minOffset: "0", maxOffset: String(max) },
  };
}

/** Reading queues. */
export const pullCases: ConformanceCase[] = [
  defineCase("pull - answers tell where to go on", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Pull");
    await sendTagged(peer, topic, ["a", "b", "a", "c"]);
    const found = await peer.ask(pull({ topic }));
    assertEquals([found.code, found.remark, found.extFields], [0, "FOUND", positions(4, 4)]);
    assertEquals((await decodeMessages(found.body)).map(({ tags }) => tags), ["a", "b", "a", "c"]);

    const some = await peer.ask(pull({ topic, queueOffset: 1n, maxMsgNums: 2 }));
    assertEquals([some.code, some.remark, some.extFields], [0, "FOUND", positions(3, 4)]);
    assertEquals((await decodeMessages(some.body)).map(({ tags }) => tags), ["b", "a"]);

    const end = await peer.ask(pull({ topic, queueOffset: 4n }));
    assertEquals([end.code, end.remark], [19, "OFFSET_OVERFLOW_ONE"]);
    assertEquals(end.extFields, positions(4, 4));

    const beyond = await peer.ask(pull({ topic, queueOffset: 9n }));
    assertEquals([beyond.code, beyond.remark], [21, "OFFSET_OVERFLOW_BADLY"]);
    assertEquals(beyond.extFields, positions(4, 4));

    const nothing = await peer.ask(pull({ topic, queueId: 1 }));
    assertEquals([nothing.code, nothing.remark], [19, "NO_MESSAGE_IN_QUEUE"]);
    assertEquals(nothing.extFields, positions(0, 0));

    const before = await peer.ask(pull({ topic, queueOffset: -1n }));
    assertEquals([before.code, before.remark], [21, "OFFSET_TOO_SMALL"]);
    assertEquals(before.extFields, positions(0, 4));

    const moved = await peer.ask(pull({ topic, queueId: 1, queueOffset: 3n }));
    assertEquals([moved.code, moved.remark], [21, "NO_MESSAGE_IN_QUEUE"]);
    assertEquals(moved.extFields, positions(0, 0));
  }),

  defineCase("pull - filters by tag", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Pull");
    await sendTagged(peer, topic, ["a", "b", "a", "c"]);
    const tags = async (subscription: string) => {
      const { body, code, extFields } = await peer.ask(pull({ topic, subscription }));
      const messages = await decodeMessages(body);
      return [code, extFields.nextBeginOffset, messages.map(({ tags }) => tags)];
    };
    assertEquals(await tags("a"), [0, "4", ["a", "a"]]);
    assertEquals(await tags("b || c"), [0, "4", ["b", "c"]]);
    assertEquals(await tags("none"), [20, "4", []]);
    const refused = await peer.ask(pull({ topic, subscription: "||" }));
    assertEquals(
      [refused.code, refused.remark],
      [23, "parse the consumer's subscription failed"],
    );
    const sql = await peer.ask(pull({ topic, subscription: "a > 1", expressionType: "SQL92" }));
    assertEquals(
      [sql.code, sql.remark],
      [1, "The broker does not support consumer to filter message by SQL92"],
    );
  }),

  defineCase("pull - gives at most 32 messages", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Pull");
    await sendTagged(peer, topic, Array(40).fill("a"));
    const first = await peer.ask(pull({ topic, maxMsgNums: 100 }));
    assertEquals((await decodeMessages(first.body)).length, 32);
    assertEquals(first.extFields, positions(32, 40));
  }),

  defineCase("pull - gives at most 256 KiB, but one message", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Pull");
    for (const size of [100_000, 100_000, 100_000, 1_000_000]) {
      await send(peer, { topic }, new Uint8Array(size));
    }
    await untilStored(peer, topic, 0, 4);
    const nexts = [];
    for (const offset of [0n, 2n, 3n]) {
      nexts.push((await peer.ask(pull({ topic, queueOffset: offset }))).extFields.nextBeginOffset);
    }
    assertEquals(nexts, ["2", "3", "4"]);
  }),

  defineCase("pull - waits for a message", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    await using sender = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Pull");
    await sendTagged(sender, topic, ["a"]);
    const start = performance.now();
    const waitFrom = async (queueOffset: bigint): Promise<RemotingCommand> => {
      const response = await peer.ask(pull({
        ...{ topic, queueOffset, sysFlag: SUSPEND, suspendTimeoutMillis: 20_000n },
        subscription: "b",
      }));
      // Every five seconds a real broker also wakes those that wait for another tag.
      if (response.code !== 20) return response;
      return await waitFrom(BigInt(response.extFields.nextBeginOffset!));
    };
    const waiting = waitFrom(1n);
    await delay(300);
    await send(sender, { topic, properties: propertyString({ TAGS: "a" }) });
    await delay(300);
    await send(sender, { topic, properties: propertyString({ TAGS: "b" }) }, "awaited");
    const { code, body, extFields } = await waiting;
    assertEquals([code, extFields], [0, positions(3, 3)]);
    const [message] = await decodeMessages(body);
    assertEquals(new TextDecoder().decode(message!.body), "awaited");
    const elapsed = performance.now() - start;
    assertGreaterOrEqual(elapsed, 500);
    assertLess(elapsed, 15_000);
  }),

  defineCase("pull - waits no longer than it asks for", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Pull");
    await sendTagged(peer, topic, ["a"]);
    const start = performance.now();
    const { code, remark } = await peer.ask(pull({
      ...{ topic, queueOffset: 1n, sysFlag: SUSPEND, suspendTimeoutMillis: 700n },
    }));
    assertEquals([code, remark], [19, "OFFSET_OVERFLOW_ONE"]);
    assertGreaterOrEqual(performance.now() - start, 650);
  }),

  defineCase("pull - of what is not there is refused", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Pull"), missing = uniqueName("Missing");
    await send(peer, { topic });
    const unknown = await peer.ask(pull({ topic: missing }));
    assertEquals(
      [unknown.code, unknown.remark],
      [17, `topic[${missing}] not exist, apply first please! ${SEE_FAQ}`],
    );
    const queue = await peer.ask(pull({ topic, queueId: 2 }));
    assertEquals([queue.code, queue.remark], [
      29,
      `queueId[2] is illegal, topic:[${topic}] topicConfig.readQueueNums:[2] ` +
      `consumer:[/${peer.address}]`,
    ]);
  }),

  defineCase("pull - without a subscription goes by that of the heartbeat", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Pull"), consumerGroup = uniqueName("group");
    await sendTagged(peer, topic, ["a", "b", "c"]);
    const request = pull({ topic, consumerGroup, sysFlag: 0 });
    const early = await peer.ask(request);
    assertEquals(
      [early.code, early.remark],
      [24, `the consumer's group info not exist${SEE_FAQ}`],
    );
    const heartbeat = createHeartbeatRequest({
      clientId: uniqueName("client"),
      producerGroups: [],
      consumers: [{
        groupName: consumerGroup,
        subscriptions: [{ topic, expression: "b || c" }],
      }],
    });
    assertEquals((await peer.ask(heartbeat)).code, 0);
    const { body } = await peer.ask(request);
    assertEquals((await decodeMessages(body)).map(({ tags }) => tags), ["b", "c"]);
    const other = uniqueName("Other");
    await send(peer, { topic: other });
    const elsewhere = await peer.ask(pull({ topic: other, consumerGroup, sysFlag: 0 }));
    assertEquals(
      [elsewhere.code, elsewhere.remark],
      [24, `the consumer's subscription not exist${SEE_FAQ}`],
    );
  }),

  defineCase("progress - is what was stored last", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Progress"), consumerGroup = uniqueName("group");
    await sendTagged(peer, topic, ["a", "b"]);
    const query = (queueId: number, setZeroIfNotFound?: boolean) =>
      peer.ask(createQueryConsumerOffsetRequest({
        ...{ topic, consumerGroup, queueId, setZeroIfNotFound },
      }));
    const fresh = await query(0);
    assertEquals([fresh.code, fresh.extFields], [0, { offset: "0" }]);
    const strict = await query(0, false);
    assertEquals(
      [strict.code, strict.remark],
      [22, "Not found, do not set to zero, maybe this group boot first"],
    );
    const empty = await query(1);
    assertEquals(
      [empty.code, empty.remark],
      [22, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first"],
    );
    const update = createUpdateConsumerOffsetRequest({
      ...{ topic, consumerGroup, queueId: 0, commitOffset: 2n },
    });
    const early = await peer.ask(update);
    assertEquals([early.code, early.remark], [26, `Group ${consumerGroup} not exist!`]);
    await peer.ask(pull({ topic, consumerGroup }));
    const updated = await peer.ask(update);
    assertEquals([updated.code, updated.remark, updated.extFields], [0, undefined, {}]);
    assertEquals((await query(0)).extFields, { offset: "2" });
    await peer.ask(pull({ topic, consumerGroup, sysFlag: 5, commitOffset: 1n }));
    assertEquals((await query(0)).extFields, { offset: "1" });
    const missing = uniqueName("Missing");
    const refused = await peer.ask(createUpdateConsumerOffsetRequest({
      ...{ topic: missing, consumerGroup, queueId: 0, commitOffset: 2n },
    }));
    assertEquals([refused.code, refused.remark], [17, `Topic ${missing} not exist!`]);
  }),
];
