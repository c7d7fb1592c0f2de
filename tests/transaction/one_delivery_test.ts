// Whole producers and the embedded broker: what users of other clients saw go wrong.
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  LocalTransactionState,
  type TransactionListener,
  TransactionProducer,
  type TransactionProducerOptions,
} from "../../mod.ts";
import { dialTcp } from "../../src/transport/mod.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../src/testing/mod.ts";
import { delay } from "../support/delay.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/progress.ts";
import { watch } from "../support/scripted_cluster.ts";
import { silentLogger } from "../support/test_client.ts";

const { Commit, Unknown } = LocalTransactionState;

const DISCARDED = "TRANS_CHECK_MAX_TIME_TOPIC";

/** A broker that checks back only when it is told to. */
function startBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  return EmbeddedBroker.start({ transactionCheckInterval: Infinity, ...options });
}

async function startProducer(
  broker: EmbeddedBroker,
  transactionListener: TransactionListener,
  options: Partial<TransactionProducerOptions> = {},
): Promise<TransactionProducer> {
  const producer = new TransactionProducer({
    nameServers: broker.nameServer,
    producerGroup: "orders",
    topics: ["orders"],
    dialer: broker.dialer,
    logger: silentLogger,
    transactionListener,
    ...options,
  });
  await producer.start();
  return producer;
}

/** How often each message is visible, and what was discarded. */
async function outcome(broker: EmbeddedBroker): Promise<{ copies: number[]; discarded: number }> {
  const visible = await broker.messages("orders");
  const byId = Map.groupBy(visible, ({ messageId }) => messageId);
  return {
    copies: [...byId.values()].map(({ length }) => length),
    discarded: (await broker.messages(DISCARDED)).length,
  };
}

/** Lets a broker check back until nothing is undecided, as often as brokers do it; gives how often. */
async function checkUntilSettled(broker: EmbeddedBroker, pause: number): Promise<number> {
  for (let rounds = 0;; rounds++) {
    if (await eventually(() => broker.stats().undecided === 0, pause, 5)) return rounds;
    broker.checkNow();
  }
}

Deno.test("one delivery - a producer's process that was stopped for eight check rounds", async () => {
  const count = 200;
  await using broker = await startBroker({ opBatchInterval: 50 });
  await using producer = new Program(new URL("programs/undecided_orders.ts", import.meta.url), {
    permissions: ["--allow-net"],
    args: [broker.nameServer, String(count)],
  });
  await producer.until("its local transactions", () => producer.lines.includes("running"));
  assertEquals(broker.stats().undecided, count);

  producer.signal("SIGSTOP");
  for (let round = 0; round < 8; round++) {
    broker.checkNow();
    await delay(60);
  }
  producer.signal("SIGCONT");
  assertLess(await checkUntilSettled(broker, 1_000), 6);

  assertEquals(await outcome(broker), { copies: Array(count).fill(1), discarded: 0 });
});

Deno.test("one delivery - check-backs of several rounds that wait in a socket get one answer each", async () => {
  const count = 300;
  await using broker = await startBroker();
  await using producer = await startProducer(broker, {
    executeLocalTransaction: () => Unknown,
    checkLocalTransaction: () => Commit,
  }, { dialer: dialTcp });
  const message = { topic: "orders", body: "an order".repeat(200) };
  await Promise.all(
    Array.from({ length: count }, () => producer.sendMessageInTransaction(message)),
  );
  for (let round = 0; round < 8; round++) broker.checkNow();
  await broker.settled({ signal: AbortSignal.timeout(60_000) });

  assertEquals(await outcome(broker), { copies: Array(count).fill(1), discarded: 0 });
  assertEquals([broker.stats().commits, broker.stats().rollbacks], [count, 0]);
});

Deno.test("one delivery - a broker that forgot a commit gets no second one, up to its last check-back", async () => {
  await using broker = await startBroker({ opBatchInterval: 600_000 });
  await using producer = await startProducer(broker, {
    executeLocalTransaction: () => Commit,
    checkLocalTransaction: () => Commit,
  }, { heartbeatInterval: 1_000 });
  const message = { topic: "orders", body: "an order" };
  const { endTransaction } = await producer.sendMessageInTransaction(message);
  assertEquals(endTransaction, "confirmed");

  await broker.kill();
  await broker.start();
  assertEquals(broker.stats().undecided, 1, "its op message was lost");
  await eventually(() => broker.stats().connections > 0, 10_000);
  assertLess(await checkUntilSettled(broker, 500), 15);

  assertEquals(await outcome(broker), { copies: [1], discarded: 0 });
});

Deno.test("one delivery - check rounds that cross a commit on its way leave nothing behind", async () => {
  await using broker = await startBroker({ opBatchInterval: 20 });
  const { promise: decided, resolve: decide } = Promise.withResolvers<void>();
  await using producer = await startProducer(broker, {
    async executeLocalTransaction() {
      await decided;
      return Commit;
    },
    checkLocalTransaction: () => Commit,
  });
  const send = producer.sendMessageInTransaction({ topic: "orders", body: "an order" });
  await eventually(() => broker.stats().undecided === 1, 5_000, 5);
  broker.faults.add({
    ...{ on: "END_TRANSACTION", action: "delay", ms: 300, times: 1 },
    fields: { commitOrRollback: "8" },
  });
  decide();
  for (let round = 0; round < 3; round++) {
    broker.checkNow();
    await delay(60);
  }
  assertEquals((await send).endTransaction, "confirmed");
  assertLess(await checkUntilSettled(broker, 500), 6);

  assertEquals(await outcome(broker), { copies: [1], discarded: 0 });
});

Deno.test("one delivery - another member commits by the database what its sender is about to commit", async () => {
  const clock = new FakeClock(), count = 20, written = new Set<string>();
  await using broker = await startBroker({ clock, transactionTimeout: 1_000 });
  const listener: TransactionListener = {
    async executeLocalTransaction(_message, _arg, { transactionId }) {
      written.add(transactionId);
      await new Promise<void>((resolve) => clock.setTimer(resolve, 5_000));
      return Commit;
    },
    checkLocalTransaction: (_message, { transactionId }) =>
      written.has(transactionId) ? Commit : Unknown,
  };
  await using sender = await startProducer(broker, listener, { clock });
  await using other = await startProducer(broker, listener, { clock });
  const message = { topic: "orders", body: "an order" };
  const sends = Promise.all(
    Array.from({ length: count }, () => sender.sendMessageInTransaction(message)),
  );
  await clock.advance(2_000);
  assertEquals(broker.stats().undecided, count);
  broker.checkNow();
  await clock.advance(1_000);
  assertGreater(broker.stats().commits, 0, "nobody had committed before the sender did");
  await clock.advance(4_000);
  const results = await sends;
  await clock.advance(1_000);

  assertEquals(results.map((result) => result.endTransaction), Array(count).fill("confirmed"));
  assertEquals(await outcome(broker), { copies: Array(count).fill(1), discarded: 0 });
  assertEquals(sender.stats().foundCommits + other.stats().foundCommits > 0, true);
});

Deno.test("one delivery - a send whose listener never ends settles when the producer is closed", async () => {
  const clock = new FakeClock();
  await using broker = await startBroker({ clock });
  const producer = await startProducer(broker, {
    executeLocalTransaction: () => new Promise<never>(() => {}),
  }, { clock });
  const send = watch(producer.sendMessageInTransaction({ topic: "orders", body: "an order" }));
  await clock.advance(100);
  const shutdown = watch(producer.shutdown({ timeout: 1_000 }));
  await clock.advance(1_000);

  assertEquals([shutdown.state, send.state], ["resolved", "resolved"]);
  assertEquals(send.value?.localTransactionState, Unknown);
  assertEquals(producer.stats().transactionsInFlight, 0);
});

Deno.test("one delivery - a shutdown ends in its time, also when no broker answers", async () => {
  const clock = new FakeClock();
  await using broker = await startBroker({ clock });
  const producer = await startProducer(broker, {
    executeLocalTransaction: () => new Promise<never>(() => {}),
  }, { clock });
  const send = watch(producer.sendMessageInTransaction({ topic: "orders", body: "an order" }));
  await clock.advance(100);
  broker.faults.add({ on: ["UNREGISTER_CLIENT", "END_TRANSACTION"], action: "drop" });
  const shutdown = watch(producer.shutdown({ timeout: 300 }));
  await clock.advance(300);

  assertEquals([shutdown.state, send.state], ["resolved", "resolved"]);
});

for (const [refusals, sends] of [[3, 1], [60, 50]] as const) {
  Deno.test(`half message - refused ${refusals} times by a busy broker, ${sends} of ${sends} are stored in their time`, async () => {
    await using broker = await startBroker();
    await using producer = await startProducer(broker, {
      executeLocalTransaction: () => Commit,
    }, { sendTimeout: 3_000 });
    broker.faults.add({
      ...{ on: "SEND_MESSAGE", action: "answer", code: 2, times: refusals },
      remark: "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while",
    });
    const message = { topic: "orders", body: "an order" };
    const results = await Promise.all(
      Array.from({ length: sends }, () => producer.sendMessageInTransaction(message)),
    );

    assertEquals(results.map(({ sendStatus }) => sendStatus), Array(sends).fill("SEND_OK"));
    assertEquals(await outcome(broker), { copies: Array(sends).fill(1), discarded: 0 });
  });
}

Deno.test("one delivery - members whose listeners wait for the lock of a local transaction do not commit with its sender", async () => {
  const count = 12;
  await using broker = await startBroker({ transactionTimeout: 1 });
  const { promise: unlocked, resolve: unlock } = Promise.withResolvers<void>();
  const listener: TransactionListener = {
    async executeLocalTransaction() {
      await unlocked;
      return Commit;
    },
    async checkLocalTransaction() {
      await unlocked; // as SELECT … FOR UPDATE does
      return Commit;
    },
  };
  await using sender = await startProducer(broker, listener, { instanceName: "sender" });
  await using second = await startProducer(broker, listener, { instanceName: "second" });
  await using third = await startProducer(broker, listener, { instanceName: "third" });
  const message = { topic: "orders", body: "an order" };
  const sends = Array.from({ length: count }, () => sender.sendMessageInTransaction(message));
  await eventually(() => broker.stats().undecided === count, 5_000, 5);
  for (let round = 0; round < 8; round++) {
    broker.checkNow();
    await delay(60);
  }
  assertGreater(second.stats().runningChecks, 0);
  assertGreater(third.stats().runningChecks, 0);
  await delay(600); // other members may have been checked with what is older than a second
  broker.faults.add({
    ...{ on: "END_TRANSACTION", action: "delay", ms: 100 },
    fields: { commitOrRollback: "8" },
  });
  unlock();
  await Promise.all(sends);
  await checkUntilSettled(broker, 1_000);

  assertEquals(await outcome(broker), { copies: Array(count).fill(1), discarded: 0 });
});
