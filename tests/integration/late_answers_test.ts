import { assert, assertEquals, assertGreater } from "@std/assert";
import { LocalTransactionState, Producer, TransactionProducer } from "../../mod.ts";
import { createTopic } from "../support/create_topic.ts";
import { delay } from "../support/delay.ts";
import { ask } from "../support/probe.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { TestClient } from "../support/test_client.ts";

const UPDATE_BROKER_CONFIG = 25;

/** Milliseconds that a late call is given, and that the broker is frozen after that. */
const TIMEOUT = 1_000, LONGER = 300;

/** How long this program does nothing, in milliseconds: longer than a send may take by default. */
const BUSY = 3_500;

/** Calls in flight while the broker is frozen. */
const COUNTS = [100, 150, 5_000];

/** For calls that the broker answers in time, also on a busy machine. */
const PATIENTLY = { timeout: 20_000 };

const TOPIC = "LateAnswers";

/** A broker that may throw END_TRANSACTIONs out of its queue, but neither sends nor heartbeats. */
const CONFIG = {
  waitTimeMillsInSendQueue: "30000",
  waitTimeMillsInHeartbeatQueue: "30000",
  osPageCacheBusyTimeOutMills: "30000",
  endTransactionThreadPoolNums: "1",
  waitTimeMillsInTransactionQueue: "1",
  transactionTimeOut: "1000",
  transactionCheckInterval: "1000",
};

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
  "Producer - pauses longer than a call may take",
  { brokerConfig: CONFIG },
  async (cluster, test) => {
    const { nameServers } = cluster;
    const [broker] = cluster.brokers;
    await createTopic(TOPIC, cluster.brokers);
    const lost: string[] = [];
    const options = {
      nameServers,
      topics: [TOPIC],
      logger: {
        ...{ debug() {}, info() {}, error() {} },
        warn: (line: string) => void (line.startsWith("Lost the connection") && lost.push(line)),
      },
    };
    const stillConnected = () => assertEquals(lost, []);

    /** Runs what is done while the broker is frozen. */
    const frozen = async <T>(work: () => Promise<T>): Promise<T> => {
      broker!.suspend();
      using _resumed = { [Symbol.dispose]: () => broker!.resume() };
      await delay(200); // its threads stop one after the other
      return await work();
    };

    const expected: string[] = [];
    for (const kind of ["sends", "transactions"] as const) {
      await test.step(`${kind} that a frozen broker answers late cost no other its answer`, async () => {
        const settings = { ...options, producerGroup: `late-${kind}` };
        await using producer = kind === "sends" ? new Producer(settings) : new TransactionProducer({
          ...settings,
          transactionListener: {
            executeLocalTransaction: () => LocalTransactionState.Commit,
            checkLocalTransaction: () => LocalTransactionState.Rollback,
          },
        });
        await producer.start();
        const call = (body: string, { timeout }: { timeout: number }) =>
          producer instanceof TransactionProducer
            ? producer.sendMessageInTransaction({ topic: TOPIC, body }, undefined, { timeout })
            : producer.send({ topic: TOPIC, body }, { timeout });
        await call("before", PATIENTLY);

        for (const count of COUNTS) {
          let inTime: Promise<unknown>[] = [];
          await frozen(async () => {
            const late = Array.from({ length: count }, () => call("late", { timeout: TIMEOUT }));
            const ends = tally(await Promise.allSettled(late));
            assertEquals(Object.values(ends), [count]);
            assertEquals(ends.ok, undefined);
            const bodies = Array.from({ length: 40 }, (_, i) => `in time: ${kind} ${count} ${i}`);
            expected.push(...bodies);
            inTime = bodies.map((body) => call(body, PATIENTLY));
            await delay(LONGER);
          });
          assertEquals(tally(await Promise.allSettled(inTime)), { ok: 40 });
          stillConnected();
        }
      });
    }

    await test.step("this program does nothing for a while with 200 transactions in flight: all are confirmed", async () => {
      await using producer = new TransactionProducer({
        ...options,
        producerGroup: "busy",
        transactionListener: {
          executeLocalTransaction: () => LocalTransactionState.Commit,
          checkLocalTransaction: () => LocalTransactionState.Rollback,
        },
      });
      await producer.start();
      const calls = Array.from(
        { length: 200 },
        () => producer.sendMessageInTransaction({ topic: TOPIC, body: "busy" }),
      );
      await delay(1);
      const until = performance.now() + BUSY;
      while (performance.now() < until);
      const ends = new Set((await Promise.all(calls)).map(({ endTransaction }) => endTransaction));
      assertEquals([...ends], ["confirmed"]);
    });

    await test.step("one-way commits that a frozen broker answers cost no other its answer", async () => {
      // What it throws out it answers, also to one-way requests.
      const request = { code: UPDATE_BROKER_CONFIG, body: "brokerFastFailureEnable=true\n" };
      assertEquals((await ask(broker!.address, request)).code, 0);
      const gates = new Map<string, Promise<void>>();
      let started = 0, checkBacks = 0;
      await using producer = new TransactionProducer({
        ...options,
        producerGroup: "late-commits",
        endTransactionMode: "oneway",
        transactionListener: {
          executeLocalTransaction: async ({ properties = {} }) => {
            started++;
            await gates.get(properties.gate!);
            return LocalTransactionState.Commit;
          },
          checkLocalTransaction: () => {
            checkBacks++;
            return LocalTransactionState.Rollback;
          },
        },
      });
      await producer.start();

      for (const count of COUNTS) {
        const gate = Promise.withResolvers<void>();
        gates.set(String(count), gate.promise);
        started = 0;
        const calls = Array.from({ length: count }, () =>
          producer.sendMessageInTransaction(
            { topic: TOPIC, body: "one-way", properties: { gate: String(count) } },
            undefined,
            PATIENTLY,
          ));
        assert(await eventually(() => started === count, 30_000));
        let inTime: Promise<unknown>[] = [];
        await frozen(async () => {
          gate.resolve();
          assertEquals(tally(await Promise.allSettled(calls)), { ok: count });
          inTime = Array.from(
            { length: 40 },
            () => producer.send({ topic: TOPIC, body: "after the commits" }, PATIENTLY),
          );
          await delay(LONGER);
        });
        assertEquals(tally(await Promise.allSettled(inTime)), { ok: 40 });
        stillConnected();
      }
      // Each commit that was thrown out, and so answered, leaves a half message that is checked.
      await eventually(() => checkBacks > 100, 30_000);
      assertGreater(checkBacks, 100);
      stillConnected();
    });

    await test.step("no message that was sent in time is visible twice", async () => {
      await using client = new TestClient(nameServers);
      let bodies: string[] = [];
      const areThere = async () => {
        const messages = await client.visibleMessages(TOPIC);
        bodies = messages.map(({ body }) => new TextDecoder().decode(body))
          .filter((body) => body.startsWith("in time"));
        return bodies.length >= expected.length;
      };
      assert(await eventually(areThere, 30_000, 1_000));
      assertEquals(bodies.sort(), expected.sort());
    });
  },
);
