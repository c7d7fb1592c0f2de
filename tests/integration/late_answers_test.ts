import { assert, assertEquals } from "@std/assert";
import { LocalTransactionState, Producer, TransactionProducer } from "../../mod.ts";
import { createTopic } from "../support/create_topic.ts";
import { delay } from "../support/delay.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { TestClient } from "../support/test_client.ts";

/** How long the broker, or this program, does nothing: a little longer than a send may take. */
const PAUSE = 3_500;

/** The broker must not throw what it reads late out of its queue: here all of it is answered. */
const PATIENT = { waitTimeMillsInSendQueue: "30000", waitTimeMillsInHeartbeatQueue: "30000" };

/** How calls ended: `ok` or the code of the error, with how often. */
function tally(results: readonly PromiseSettledResult<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const result of results) {
    const key = result.status === "fulfilled" ? "ok" : String(result.reason.code);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

clusterTest(
  "Producer - pauses longer than a send may take",
  { brokerConfig: PATIENT },
  async (cluster, test) => {
    const { nameServers } = cluster;
    const [broker] = cluster.brokers;
    const topic = "Pauses";
    await createTopic(topic, cluster.brokers);
    await using plain = new Producer({ nameServers, producerGroup: "plain", topics: [topic] });
    await using transactional = new TransactionProducer({
      nameServers,
      producerGroup: "transactional",
      topics: [topic],
      transactionListener: {
        executeLocalTransaction: () => LocalTransactionState.Commit,
        checkLocalTransaction: () => LocalTransactionState.Rollback,
      },
    });
    await plain.start();
    await transactional.start();
    const send = (body: string) => plain.send({ topic, body });
    const transact = (body: string) => transactional.sendMessageInTransaction({ topic, body });

    for (const [name, call] of [["sends", send], ["transactions", transact]] as const) {
      await test.step(`the broker freezes with 150 ${name} in flight: those of its last moments are answered`, async () => {
        await call("before");
        broker!.suspend();
        using _resumed = { [Symbol.dispose]: () => broker!.resume() };
        await delay(200); // its threads stop one after the other
        const late = Array.from({ length: 150 }, (_, i) => call(`${name} late ${i}`));
        const lateEnd = Promise.allSettled(late);
        await delay(PAUSE - 300);
        const last = Array.from({ length: 20 }, (_, i) => call(`${name} last ${i}`));
        await delay(300);
        broker!.resume();
        assertEquals(tally(await Promise.allSettled(last)), { ok: 20 });
        await lateEnd;
      });
    }

    await test.step("this program does nothing for a while with 200 transactions in flight: all confirmed", async () => {
      const calls = Array.from({ length: 200 }, (_, i) => transact(`busy ${i}`));
      const end = Promise.allSettled(calls);
      await delay(1);
      const until = performance.now() + PAUSE;
      while (performance.now() < until);
      assertEquals(tally(await end), { ok: 200 });
    });

    await test.step("no message of the last moments is visible twice", async () => {
      await using client = new TestClient(nameServers);
      const expected = ["sends", "transactions"].flatMap((name) =>
        Array.from({ length: 20 }, (_, i) => `${name} last ${i}`)
      );
      let bodies: string[] = [];
      const areThere = async () => {
        const messages = await client.visibleMessages(topic);
        bodies = messages.map(({ body }) => new TextDecoder().decode(body))
          .filter((body) => body.includes(" last "));
        return bodies.length >= expected.length;
      };
      assert(await eventually(areThere, 30_000));
      assertEquals(bodies.sort(), expected.sort());
    });
  },
);
