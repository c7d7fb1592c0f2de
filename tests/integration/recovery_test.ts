import { assertEquals } from "@std/assert";
import { LocalTransactionState, recoverTransactions } from "../../mod.ts";
import { GroupMember, readDatabase } from "../support/group_member.ts";
import { brokerTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const { Commit, Rollback } = LocalTransactionState;

brokerTest(
  "recoverTransactions - settles all that a killed process left, and ends when nothing is asked any more",
  async ({ nameServers, uniqueName }) => {
    const database = await Deno.makeTempFile();
    try {
      const topic = uniqueName("Left");
      const producerGroup = uniqueName("left");
      await using killed = new GroupMember({
        nameServers,
        producerGroup,
        topic,
        database,
        sends: 12,
        undecided: true,
      });
      await killed.allSent();
      await killed.kill();
      const transactions = await readDatabase(database);
      const verdicts = new Map(transactions.map((it) => [it.transactionId, it.verdict]));

      const result = await recoverTransactions({
        nameServers,
        producerGroup,
        topics: [topic],
        idleTimeout: 8_000, // the brokers of the tests ask every two seconds
        endTransactionTimeout: 15_000,
        logger: silentLogger,
        checkLocalTransaction: (_message, { transactionId }) =>
          verdicts.get(transactionId) === "COMMIT" ? Commit : Rollback,
      });

      const { committed, rolledBack, unknown, failed, openTransactions, aborted } = result;
      assertEquals([committed, rolledBack, unknown, failed], [8, 4, 0, 0]);
      assertEquals([openTransactions, aborted], [[], false]);
      await using consumer = new TestClient(nameServers);
      const visible = (await consumer.visibleMessages(topic)).map(({ messageId }) => messageId);
      const committedIds = transactions.filter((it) => it.verdict === "COMMIT")
        .map((it) => it.transactionId);
      assertEquals(visible.sort(), committedIds.sort());
    } finally {
      await Deno.remove(database);
    }
  },
);
