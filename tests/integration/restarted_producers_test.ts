import { assert, assertEquals, assertGreater } from "@std/assert";
import { GroupMember, readDatabase } from "../support/group_member.ts";
import { brokerTest } from "../support/real_broker.ts";
import { TestClient } from "../support/test_client.ts";

brokerTest(
  "TransactionProducer - one that is killed is asked after its restart, though it sends nothing",
  async ({ nameServers, uniqueName }) => {
    const database = await Deno.makeTempFile();
    try {
      const topic = uniqueName("Killed");
      const group = { nameServers, producerGroup: uniqueName("killed"), topic, database };
      await using consumer = new TestClient(nameServers);

      await using killed = new GroupMember({ ...group, sends: 30, undecided: true });
      await killed.allSent();
      await killed.kill();
      assertEquals(await consumer.visibleMessages(topic), []);

      await using successor = new GroupMember(group);
      await successor.untilEnded(30);

      const transactions = await readDatabase(database);
      assertEquals(transactions.length, 30);
      assertEquals(endedIds(successor), transactions.map((it) => it.transactionId).sort());
      assert(successor.reports("asked").every(({ known }) => !known));
      assertEquals(await visibleKeys(consumer, topic), committedKeys(transactions));
    } finally {
      await Deno.remove(database);
    }
  },
);

brokerTest(
  "TransactionProducer - two of one group in two processes are both asked, and both are right",
  async ({ nameServers, uniqueName }) => {
    const database = await Deno.makeTempFile();
    try {
      const topic = uniqueName("Both");
      const group = { nameServers, producerGroup: uniqueName("both"), topic, database };
      await using consumer = new TestClient(nameServers);

      await using silent = new GroupMember(group);
      await silent.started();
      await using sender = new GroupMember({ ...group, sends: 40 });
      await sender.allSent();
      await sender.until("all verdicts", () => endedIds(sender, silent).length >= 40);

      const transactions = await readDatabase(database);
      const verdicts = new Map(transactions.map((it) => [it.transactionId, it.verdict]));
      assertEquals(endedIds(sender, silent), [...verdicts.keys()].sort());
      for (
        const { member, sent } of [
          { member: sender, sent: true },
          { member: silent, sent: false },
        ]
      ) {
        const asked = member.reports("asked");
        assertGreater(asked.length, 0);
        for (const { transactionId, answer, known } of asked) {
          assertEquals(answer, verdicts.get(transactionId));
          assertEquals(known, sent);
        }
      }
      assertEquals(await visibleKeys(consumer, topic), committedKeys(transactions));
    } finally {
      await Deno.remove(database);
    }
  },
);

/** The transactions that members have brought to their end, each as often as they did. */
function endedIds(...members: GroupMember[]): string[] {
  const ended = members.flatMap((member) => member.reports("ended"));
  assert(ended.every(({ outcome }) => outcome === "confirmed"));
  return ended.map(({ transactionId }) => transactionId).sort();
}

function committedKeys(transactions: Awaited<ReturnType<typeof readDatabase>>): string[] {
  return transactions.filter((it) => it.verdict === "COMMIT").map((it) => it.key).sort();
}

async function visibleKeys(client: TestClient, topic: string): Promise<string[]> {
  return (await client.visibleMessages(topic)).map(({ keys }) => keys[0] ?? "").sort();
}
