import { assert, assertEquals, assertFalse, assertLess, assertLessOrEqual } from "@std/assert";
import { delay } from "../support/delay.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";
import {
  LocalTransactionState,
  TransactionProducer,
  TransactionSendError,
  type Verdict,
} from "../../mod.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

const TRANSACTIONS = 300;

/** How many sends wait for their half message to be stored at once. */
const BURST = 20;

/** How a local transaction comes to its verdict. */
interface Plan {
  name: string;
  verdict: Verdict;
  /** What the local transaction does. */
  execute: (verdict: Verdict) => LocalTransactionState | Promise<LocalTransactionState>;
  /** What the answer to the check-back with this number is; none is expected without it. */
  check?: (
    verdict: Verdict,
    time: number,
  ) => LocalTransactionState | Promise<LocalTransactionState>;
}

let turns = 0;

/** Spreads what takes long over a check interval, so that no single round can cross the ends of all. */
function spread(): number {
  return (turns++ % 10) * 250;
}

const WAYS: Omit<Plan, "verdict">[] = [
  { name: "at-once", execute: (verdict) => verdict },
  { name: "late", execute: (verdict) => delay(700).then(() => verdict) },
  { name: "by-check", execute: () => Unknown, check: (verdict) => verdict },
  {
    name: "by-second-check",
    execute: () => Unknown,
    check: (verdict, time) => time === 1 ? Unknown : verdict,
  },
  { name: "throws", execute: () => fail("local"), check: (verdict) => verdict },
  {
    name: "rejects",
    execute: () => delay(50).then(() => fail("late")),
    check: (verdict) => verdict,
  },
  {
    name: "check-throws",
    execute: () => Unknown,
    check: (verdict, time) => time === 1 ? fail("check") : verdict,
  },
  {
    name: "slow-check",
    execute: () => Unknown,
    check: (verdict) => delay(600).then(() => verdict),
  },
  // Longer than the broker's timeout and a check round together: it asks while this runs.
  { name: "outlasting", execute: (verdict) => delay(6_000 + spread()).then(() => verdict) },
  // Longer than a check round: the broker asks again while this runs.
  {
    name: "outlasting-check",
    execute: () => Unknown,
    check: (verdict) => delay(3_000 + spread()).then(() => verdict),
  },
];

const PLANS: Plan[] = WAYS.flatMap((way) => [
  { ...way, verdict: Commit },
  { ...way, verdict: Rollback },
]);

brokerTest(
  "TransactionProducer - of 300 transactions a consumer sees the commits, each exactly once",
  async ({ nameServers, uniqueName }) => {
    const topic = uniqueName("Orders");
    const plans = new Map<string, Plan>();
    const executed = new Map<string, number>();
    const asked = new Map<string, number>();
    const confirmed = new Map<string, number>();
    const begun = new Map<string, number>();
    const tookLong = new Set<string>();
    /** How often the broker asked about a transaction after it had confirmed its end. */
    const askedInVain = new Map<string, number>();

    await using consumer = new TestClient(nameServers);
    await using producer = new TransactionProducer<Plan>({
      nameServers,
      producerGroup: uniqueName("orders"),
      topics: [topic],
      sendTimeout: 30_000,
      endTransactionTimeout: 15_000,
      logger: silentLogger,
      transactionListener: {
        executeLocalTransaction({ keys }, plan, { transactionId }) {
          const key = String(keys);
          executed.set(key, (executed.get(key) ?? 0) + 1);
          plans.set(transactionId, plan);
          return plan.execute(plan.verdict);
        },
        checkLocalTransaction(message, { transactionId, localTransactionRan }) {
          if (!localTransactionRan) return Rollback;
          const key = message.keys[0]!;
          const time = (asked.get(key) ?? 0) + 1;
          asked.set(key, time);
          const plan = plans.get(transactionId)!;
          return plan.check ? plan.check(plan.verdict, time) : plan.verdict;
        },
      },
    });
    const watching = (async () => {
      for await (const event of producer.events()) {
        if (event.type === "halfStored") begun.set(event.transactionId, performance.now());
        if (event.type === "checkBack" && confirmed.has(event.transactionId)) {
          askedInVain.set(event.transactionId, (askedInVain.get(event.transactionId) ?? 0) + 1);
        }
        if (event.type !== "endTransaction" || event.outcome !== "confirmed") continue;
        confirmed.set(event.transactionId, (confirmed.get(event.transactionId) ?? 0) + 1);
        const time = performance.now() - begun.get(event.transactionId)!;
        if (time > 1_800) tookLong.add(event.transactionId);
      }
    })();
    await producer.start();

    async function send(index: number): Promise<string> {
      const plan = PLANS[index % PLANS.length]!;
      const keys = `${index}-${plan.name}-${plan.verdict}`;
      for (;;) {
        try {
          const message = { topic, keys, tags: plan.verdict, body: `order ${keys}` };
          return (await producer.sendMessageInTransaction(message, plan)).transactionId;
        } catch (error) {
          // An overloaded broker refuses. The local transaction has not run, so another may.
          if (!(error instanceof TransactionSendError)) throw error;
        }
      }
    }

    const sends: Promise<string>[] = [];
    for (let index = 0; index < TRANSACTIONS; index++) {
      sends.push(send(index));
      if (sends.length % BURST !== 0) continue;
      await eventually(() => executed.size === sends.length, 60_000, 5);
    }
    const transactionIds = await Promise.all(sends);

    assert(
      await eventually(() => transactionIds.every((id) => confirmed.has(id)), 120_000),
      `only ${confirmed.size} transactions have ended`,
    );
    await delay(5_000); // two more check rounds: whatever is not settled would be asked about

    const commits: string[] = [];
    for (let index = 0; index < TRANSACTIONS; index++) {
      const { name, verdict } = PLANS[index % PLANS.length]!;
      if (verdict === Commit) commits.push(`${index}-${name}-${verdict}`);
    }
    const visible = await consumer.visibleMessages(topic);
    assertEquals(visible.map(({ keys }) => keys[0]!).sort(), commits.sort());
    for (const { body, keys, tags } of visible) {
      assertEquals(new TextDecoder().decode(body), `order ${keys[0]}`);
      assertEquals(tags, Commit);
    }

    assertEquals(executed.size, TRANSACTIONS);
    assert(executed.values().every((times) => times === 1), "a local transaction ran twice");
    // A check round first reads which transactions have ended, and asks later, also about those that
    // ended meanwhile. One round can cross an end, the next one knows of it.
    assert(askedInVain.values().every((times) => times === 1), "asked about twice after its end");
    // Those that end between two rounds are crossed or not, as it happens. All of them are only if
    // their ends did not count, say because they named a half message that is no longer the newest.
    const inVain = Object.groupBy(askedInVain.keys(), (id) => plans.get(id)!.name);
    for (const name of ["outlasting", "outlasting-check"]) {
      assertLess(inVain[name]?.length ?? 0, TRANSACTIONS / WAYS.length, `every ${name} was asked`);
      delete inVain[name];
    }
    // The others end before a first round or as one asks, and are crossed only where a broker is slow.
    const crossed = Object.values(inVain).flat().length;
    assertLessOrEqual(crossed, TRANSACTIONS / 20, "asked about after they had ended");
    for (const [id, { name }] of plans) {
      if (name !== "at-once" && name !== "late" || tookLong.has(id)) continue;
      assertFalse(askedInVain.has(id), `${name} was asked about`);
      assertEquals(await checkTimesOf(consumer, topic, id), [0], `${name} was asked about`);
    }

    await producer.shutdown();
    await watching;
    const stats = producer.stats();
    assertEquals(stats.transactionsInFlight, 0);
    assertEquals(stats.openConnections, 0);
  },
);

/** How often the broker has asked, by each record that it has of a transaction's half message. */
async function checkTimesOf(client: TestClient, topic: string, id: string): Promise<number[]> {
  const halves = await client.query(topic, id, "RMQ_SYS_TRANS_HALF_TOPIC");
  return halves.map(({ properties }) => Number(properties.TRANSACTION_CHECK_TIMES ?? 0));
}

function fail(what: string): never {
  throw new Error(`${what} listener fails on purpose`);
}
