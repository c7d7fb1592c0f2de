import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import {
  CommitOrRollback,
  createResumeCheckHalfMessageRequest,
} from "../../../src/requests/mod.ts";
import { type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import {
  decide,
  findByUniqueKey,
  register,
  sendHalf,
  takeCheck,
  takeCheckBriefly,
  uniqueName,
  visible,
} from "../steps.ts";

const GIVEN_UP = "TRANS_CHECK_MAX_TIME_TOPIC";
const { Commit } = CommitOrRollback;
const FROM_CHECK = { fromTransactionCheck: true };

/** Half messages that were asked about too often. */
export const giveUpCases: ConformanceCase[] = [
  defineCase(
    "give-up - comes after the last check-back, and can be taken back",
    async (cluster) => {
      await using peer = await Peer.connect(cluster.broker.address);
      const topic = uniqueName("GiveUp"), group = uniqueName("group");
      await register(peer, group);
      const half = await sendHalf(peer, {
        ...{ topic, group },
        properties: { KEYS: "order-1" },
        fields: { flag: 42 },
      });
      for (let times = 1; times <= cluster.checkMax; times++) {
        const { message } = await takeCheck(peer, half);
        assertEquals(message.properties.TRANSACTION_CHECK_TIMES, String(times));
      }
      const [record, ...more] = await findByUniqueKey(peer, GIVEN_UP, half.transactionId, 1);
      assertEquals(more, []);
      const { queueId, sysFlag, flag, bornTimestamp, properties } = record!;
      assertEquals(
        { queueId, sysFlag, flag, bornTimestamp },
        { queueId: 0, sysFlag: 0, flag: 0, bornTimestamp: half.bornTimestamp },
      );
      assertEquals(properties.TRANSACTION_CHECK_TIMES, String(cluster.checkMax));
      assertEquals([properties.REAL_TOPIC, properties.REAL_QID], [topic, "0"]);
      assertEquals(await takeCheckBriefly(peer, half, 2 * cluster.checkInterval), undefined);
      assertEquals(await visible(peer, topic, 0), []);

      const resumed = await peer.ask(
        createResumeCheckHalfMessageRequest({ topic: GIVEN_UP, msgId: record!.offsetMessageId }),
      );
      assertEquals([resumed.code, resumed.remark, resumed.extFields], [0, undefined, {}]);
      const { half: renewed, message } = await takeCheck(peer, half);
      assertEquals(message.properties.TRANSACTION_CHECK_TIMES, "1");
      assertEquals((await decide(peer, renewed, Commit, FROM_CHECK)).code, 0);
      assertEquals((await visible(peer, topic, 1)).length, 1);
    },
  ),

  defineCase(
    "give-up - the answer to the last check-back is taken all the same",
    async (cluster) => {
      await using peer = await Peer.connect(cluster.broker.address);
      const topic = uniqueName("GiveUp"), group = uniqueName("group");
      await register(peer, group);
      const half = await sendHalf(peer, { topic, group });
      let last = await takeCheck(peer, half);
      for (let times = 2; times <= cluster.checkMax; times++) last = await takeCheck(peer, half);
      assertEquals((await decide(peer, last.half, Commit, FROM_CHECK)).code, 0);
      // A real broker may have given it up behind the last check-back: that takes nothing back.
      assertEquals((await visible(peer, topic, 1)).length, 1);
    },
  ),

  defineCase(
    "give-up - uses up the count of an immunity time that is too long",
    async (cluster) => {
      await using peer = await Peer.connect(cluster.broker.address);
      const topic = uniqueName("GiveUp"), group = uniqueName("group");
      await register(peer, group);
      const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: "3600" };
      const half = await sendHalf(peer, { topic, group, properties });
      const wait = (cluster.checkMax + 2) * cluster.checkInterval;
      assertEquals(await takeCheckBriefly(peer, half, wait), undefined);
      const [record] = await findByUniqueKey(peer, GIVEN_UP, half.transactionId, 1);
      assertGreaterOrEqual(Number(record!.properties.TRANSACTION_CHECK_TIMES), cluster.checkMax);
    },
  ),

  defineCase("resume - of what is no record is refused", async (cluster) => {
    await using peer = await Peer.connect(cluster.broker.address);
    const remark = "Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC.";
    for (const msgId of ["7F00000100002A9F00000FFFFFFFFFFF", "garbage"]) {
      const answer = await peer.ask(createResumeCheckHalfMessageRequest({ msgId }));
      assertEquals([answer.code, answer.remark, answer.extFields], [1, remark, {}]);
    }
  }),
];
