import { assertEquals, assertGreater } from "@std/assert";
import { decodeMessages } from "../../../src/message/mod.ts";
import {
  createGetMaxOffsetRequest,
  createGetMinOffsetRequest,
  createQueryMessageRequest,
  createSearchOffsetRequest,
  createViewMessageRequest,
  type QueryMessageHeader,
} from "../../../src/requests/mod.ts";
import { type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import {
  delay,
  endOf,
  findByUniqueKey,
  propertyString,
  send,
  uniqueKey,
  uniqueName,
  visible,
} from "../steps.ts";

function query(fields: Partial<QueryMessageHeader> & { topic: string; key: string }) {
  return createQueryMessageRequest({
    ...{ maxNum: 64, beginTimestamp: 0n, endTimestamp: 2n ** 63n - 1n },
    ...fields,
  });
}

/** Finding messages and positions. */
export const lookUpCases: ConformanceCase[] = [
  defineCase("query - finds by unique key, business key and tag", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Query"), key = uniqueKey(), secondKey = uniqueKey();
    const order = uniqueName("order");
    const first = propertyString({ UNIQ_KEY: key, KEYS: `${order} other`, TAGS: "tagA" });
    const second = propertyString({ UNIQ_KEY: secondKey, KEYS: order, TAGS: "tagB" });
    await send(peer, { topic, properties: first }, "1");
    await send(peer, { topic, properties: second, queueId: 1 }, "2");
    await findByUniqueKey(peer, topic, key, 1);
    await findByUniqueKey(peer, topic, secondKey, 1);
    const find = async (fields: Partial<QueryMessageHeader> & { key: string }) => {
      const { body, extFields, code } = await peer.ask(query({ topic, ...fields }));
      if (code === 0) assertGreater(Number(extFields.indexLastUpdateTimestamp), 0);
      return (await decodeMessages(body)).map(({ body }) => new TextDecoder().decode(body));
    };
    assertEquals(await find({ key, uniqueKeyQuery: true }), ["1"]);
    assertEquals(await find({ key: order }), ["1", "2"]);
    assertEquals(await find({ key: order, maxNum: 1 }), ["2"]);
    assertEquals(await find({ key: "other", indexType: "K" }), ["1"]);
    assertEquals(await find({ key: "tagB", indexType: "T" }), ["2"]);
    assertEquals(await find({ key: order, endTimestamp: 1n }), []);
  }),

  defineCase("query - of what is not there is answered with 22", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const { code, remark, body } = await peer.ask(query({
      ...{ topic: uniqueName("Query"), key: uniqueKey(), uniqueKeyQuery: true },
    }));
    assertEquals([code, remark, body.length], [
      22,
      "can not find message, maybe time range not correct",
      0,
    ]);
  }),

  defineCase("view - of a position beyond the end is refused", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const offset = 1n << 40n;
    const { code, remark } = await peer.ask(createViewMessageRequest({ offset }));
    assertEquals([code, remark], [1, `can not find message by the offset, ${offset}`]);
  }),

  defineCase("offsets - are those of the queue", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Offsets");
    await send(peer, { topic });
    await send(peer, { topic });
    assertEquals((await visible(peer, topic, 2)).length, 2);
    assertEquals(await endOf(peer, topic, 0), 2n);
    assertEquals(await endOf(peer, topic, 1), 0n);
    const max = await peer.ask(createGetMaxOffsetRequest({ topic, queueId: 0 }));
    assertEquals([max.code, max.remark, max.extFields], [0, undefined, { offset: "2" }]);
    const min = await peer.ask(createGetMinOffsetRequest({ topic, queueId: 0 }));
    assertEquals([min.code, min.remark, min.extFields], [0, "", { offset: "0" }]);
    assertEquals(await endOf(peer, uniqueName("Missing"), 0), 0n);
  }),

  defineCase("offsets - are found by time", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const topic = uniqueName("Search");
    for (let index = 0; index < 3; index++) {
      await send(peer, { topic });
      await delay(30);
    }
    const times = (await visible(peer, topic, 3)).map((it) => BigInt(it.storeTimestamp));
    const search = async (timestamp: bigint, boundaryType?: string) => {
      const header = { topic, queueId: 0, timestamp, boundaryType };
      return (await peer.ask(createSearchOffsetRequest(header))).extFields.offset;
    };
    assertEquals(await search(0n), "0");
    assertEquals(await search(times[1]!), "1");
    assertEquals(await search(times[1]! + 1n), "2");
    assertEquals(await search(times[1]! + 1n, "LOWER"), "2");
    assertEquals(await search(times[2]! + 1n), "3");
    assertEquals(await search(0n, "UPPER"), "0");
    assertEquals(await search(times[1]!, "UPPER"), "1");
    assertEquals(await search(times[1]! + 1n, "UPPER"), "1");
    assertEquals(await search(times[2]! + 1n, "UPPER"), "2");
  }),
];
