import { assert, assertEquals, assertLess } from "@std/assert";
import type { TransactionListener } from "../../src/transaction/mod.ts";
import { ScriptedCluster } from "../support/scripted_cluster.ts";
import { heldBytes } from "./heap.ts";

const MIB = 2 ** 20;

/** Most mebibytes that may be held at any time, what the scripted broker keeps of it included. */
const GROWTH = 32;

/** A listener that takes 100 ms for an answer, and counts. */
class SlowListener implements TransactionListener {
  readonly #cluster: ScriptedCluster;
  readonly asked = new Map<string, number>();
  running = 0;
  mostRunning = 0;

  constructor(cluster: ScriptedCluster) {
    this.#cluster = cluster;
  }

  executeLocalTransaction(): "UNKNOWN" {
    return "UNKNOWN";
  }

  async checkLocalTransaction(
    _message: unknown,
    { transactionId }: { transactionId: string },
  ): Promise<"COMMIT" | "ROLLBACK"> {
    this.asked.set(transactionId, (this.asked.get(transactionId) ?? 0) + 1);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    await new Promise<void>((resolve) => this.#cluster.clock.setTimer(resolve, 100));
    this.running--;
    return Number(transactionId) % 3 === 0 ? "ROLLBACK" : "COMMIT";
  }
}

Deno.test("check-backs - 10,000 in 5 s with a listener of 100 ms: each is answered once, in bounded memory", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster, listener = new SlowListener(cluster);
  const producer = await cluster.started(listener);
  const half = broker.strangeHalf({ transactionId: "" });
  let open = Array.from({ length: 10_000 }, (_, i) => `${i}`);
  const answers = new Map<string, string[]>();
  const before = await heldBytes();
  let most = 0, seen = 0, rounds = 0;
  while (open.length > 0) {
    assert(++rounds <= 6, `${open.length} have no answer after five rounds`);
    for (let i = 0; i < open.length; i++) {
      broker.checkBack({ ...half, transactionId: open[i]! });
      if (i % 200 === 199) await clock.advance(100);
      assert(producer.stats().waitingChecks <= 2_000);
    }
    most = Math.max(most, await heldBytes() - before);
    await clock.advance(10_000);
    for (const { transactionId = "", state } of broker.verdicts().slice(seen)) {
      answers.set(transactionId, [...answers.get(transactionId) ?? [], state]);
    }
    seen = broker.verdicts().length;
    open = open.filter((id) => !answers.has(id));
    for (const connection of broker.connections) connection.requests.length = 0;
  }
  for (const [id, states] of answers) {
    assertEquals(states, [Number(id) % 3 === 0 ? "ROLLBACK" : "COMMIT"], id);
  }
  assertEquals([answers.size, listener.asked.size], [10_000, 10_000]);
  assertEquals([...listener.asked.values()].every((times) => times === 1), true);
  assertEquals(listener.mostRunning, 64);
  assertLess(most / MIB, GROWTH);
  const { waitingChecks, runningChecks } = producer.stats();
  assertEquals([waitingChecks, runningChecks], [0, 0]);
});

Deno.test("check-backs - 100 transactions asked about 100 times each: one question to the listener, one verdict on the newest handle", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster, listener = new SlowListener(cluster);
  const producer = await cluster.started(listener, { checkConcurrency: 10 });
  const half = broker.strangeHalf({ transactionId: "" });
  const newest = new Map<string, bigint>();
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 100; i++) {
      const { commitLogOffset } = broker.checkBack({ ...half, transactionId: `${i}` });
      newest.set(`${i}`, commitLogOffset);
    }
    assert(producer.stats().waitingChecks <= 100);
  }
  await clock.advance(5_000);
  assertEquals([...listener.asked.values()], Array(100).fill(1));
  const decided = broker.verdicts().filter(({ state }) => state !== "UNKNOWN");
  assertEquals(decided.length, 100);
  for (const { transactionId = "", commitLogOffset } of decided) {
    assertEquals(commitLogOffset, newest.get(transactionId));
  }
});
