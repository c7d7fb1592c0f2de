import { assert, assertEquals, assertGreater } from "@std/assert";
import { TransactionProducer } from "../../mod.ts";
import { createTopic } from "../support/create_topic.ts";
import { canRunJava, runJava } from "../support/java_program.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const SOURCE = new URL("java/GroupMember.java", import.meta.url).pathname;

/** Transactions that each member sends; half of them are to be committed. */
const COUNT = 20;

if (canRunJava()) {
  brokerTest(
    "TransactionProducer - members in Java and here answer each other's check-backs",
    async ({ nameServers, brokers, uniqueName }) => {
      const topic = uniqueName("Mixed"), producerGroup = uniqueName("mixed");
      await createTopic(topic, brokers, { "message.type": "TRANSACTION" });
      const askedHere = new Set<string>();
      await using consumer = new TestClient(nameServers);
      await using producer = new TransactionProducer({
        ...{ nameServers, producerGroup, topics: [topic], logger: silentLogger },
        transactionListener: {
          executeLocalTransaction: () => "UNKNOWN",
          checkLocalTransaction({ tags }, { transactionId }) {
            askedHere.add(transactionId);
            return tags === "commit" ? "COMMIT" : "ROLLBACK";
          },
        },
      });
      await producer.start();
      const running = runJava(SOURCE, [nameServers, topic, producerGroup, String(COUNT)]);
      running.catch(() => {});
      const isThere = () => askedHere.size > 0;
      assert(await eventually(isThere, 90_000), "no check-back came for the member in Java");
      const committed = new Set<string>(), ours = new Set<string>();
      for (let i = 0; i < COUNT; i++) {
        const tags = i % 2 === 0 ? "commit" : "rollback";
        const { transactionId } = await producer.sendMessageInTransaction(
          { topic, body: `here ${i}`, tags },
        );
        ours.add(transactionId);
        if (tags === "commit") committed.add(transactionId);
      }

      const lines = await running;
      const sentByJava = lines.filter(([kind]) => kind === "sent");
      const askedInJava = lines.flatMap(([kind, id]) => kind === "check" ? [id!] : []);
      for (const [, id, tags] of sentByJava) if (tags === "commit") committed.add(id!);
      assertEquals([ours.size, sentByJava.length], [COUNT, COUNT]);
      assertGreater(askedInJava.filter((id) => ours.has(id)).length, 0);
      assertGreater(sentByJava.filter(([, id]) => askedHere.has(id!)).length, 0);

      const visible = async () => (await consumer.visibleMessages(topic)).map((it) => it.messageId);
      const isSettled = async () => new Set(await visible()).size >= committed.size;
      assert(await eventually(isSettled, 60_000, 200));
      assertEquals(new Set(await visible()), committed);
    },
  );
}
