import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  InvalidArgumentError,
  type LocalTransactionState,
  recoverTransactions,
  type RecoveryOptions,
  TopicRouteNotFoundError,
  TransactionProducer,
} from "../../mod.ts";
import { encodeStoredMessage, MessageProperty } from "../../src/message/mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { RecoveryLedger } from "../../src/transaction/recovery.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { assertNothingLeft, PatientListener } from "./support.ts";

Deno.test("recoverTransactions - settles what an earlier process left, and ends by itself", async () => {
  const clock = new FakeClock();
  await using broker = await EmbeddedBroker.start({
    ...{ clock, listen: false, topics: ["orders"], brokers: 2 },
    ...{ transactionTimeout: 6_000, transactionCheckInterval: 30_000, opBatchInterval: 200 },
  });
  const group = {
    ...{ clock, dialer: broker.dialer },
    ...{ nameServers: broker.nameServer, producerGroup: "shop", topics: ["orders"] },
  };
  const database = new Map<string, LocalTransactionState>();
  {
    await using earlier = new TransactionProducer<LocalTransactionState>({
      ...group,
      transactionListener: {
        executeLocalTransaction(_message, state, { transactionId }) {
          database.set(transactionId, state);
          return "UNKNOWN";
        },
      },
    });
    await earlier.start();
    for (let i = 0; i < 30; i++) {
      const message = { topic: "orders", keys: `order-${i}`, body: `order ${i}` };
      await earlier.sendMessageInTransaction(message, i % 3 === 2 ? "ROLLBACK" : "COMMIT");
    }
  }
  assertEquals((await broker.messages("orders")).length, 0);
  const known = new Set<boolean>();

  const recovery = watch(recoverTransactions({
    ...group,
    checkLocalTransaction(_message, context) {
      known.add(context.known);
      return database.get(context.transactionId)!;
    },
  }));
  for (let second = 0; second < 200 && !recovery.value; second++) await clock.advance(1_000);

  const result = recovery.value!;
  const { checkBacks, registeredBrokers, ...rest } = result;
  assertEquals(rest, {
    committed: 20,
    rolledBack: 10,
    unknown: 0,
    failed: 0,
    openTransactions: [],
    aborted: false,
  });
  assertEquals([checkBacks, [...known], registeredBrokers.length], [30, [false], 2]);
  const committed = [...database].filter(([, state]) => state === "COMMIT").map(([id]) => id);
  const visible = (await broker.messages("orders")).map(({ transactionId }) => transactionId);
  assertEquals(visible.sort(), committed.sort());
  assertEquals(await broker.halfMessages(), []);
});

Deno.test("recoverTransactions - by default 90 s without a check-back are the end, each one counts anew", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { recovery } = recover(cluster, { checkLocalTransaction: () => "COMMIT" });
  await clock.advance(60_000);
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await clock.advance(89_999);
  assertEquals([recovery.state, broker.states()], ["pending", ["COMMIT"]]);
  await clock.advance(1);

  assertEquals([recovery.state, recovery.value?.committed], ["resolved", 1]);
  assertEquals(broker.requests(RequestCode.UNREGISTER_CLIENT).length, 1);
  await assertNothingLeft(cluster);
});

Deno.test("recoverTransactions - while a check-back is being answered it is not idle", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { recovery, listener } = recover(cluster, { idleTimeout: 1_000, checkTimeout: 60_000 });
  await settle();
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await clock.advance(10_300);
  assertEquals(recovery.state, "pending");
  listener.checks[0]!.answer("ROLLBACK");
  await clock.advance(999);
  assertEquals([recovery.state, broker.states()], ["pending", ["ROLLBACK"]]);
  await clock.advance(1);

  assertEquals([recovery.state, recovery.value?.rolledBack], ["resolved", 1]);
});

Deno.test("recoverTransactions - a check-back that comes counts, also before its verdict has arrived", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  broker.on(RequestCode.END_TRANSACTION, silence);
  const asked: string[] = [];
  const { recovery } = recover(cluster, {
    idleTimeout: 2_000,
    checkLocalTransaction(_message, { transactionId }) {
      asked.push(transactionId);
      return "COMMIT";
    },
  });
  await clock.advance(1_500);
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await clock.advance(1_500);
  broker.checkBack(broker.strangeHalf({ transactionId: "B" }));
  await clock.advance(20_000);

  assertEquals([asked, recovery.state, recovery.value?.failed], [["A", "B"], "resolved", 2]);
});

Deno.test("recoverTransactions - a broker that comes back has the whole time to ask", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock, network } = cluster;
  const { recovery } = recover(cluster, { idleTimeout: 60_000 });
  await settle();
  network.fail(broker.address);
  broker.cut();
  await clock.advance(40_000);
  network.listen(broker.address, broker);
  await clock.advance(59_000);
  assertEquals([recovery.state, broker.heartbeats().length > 1], ["pending", true]);
  await clock.advance(41_000);

  assertEquals(recovery.value?.registeredBrokers, [broker.name]);
});

Deno.test("recoverTransactions - the result tells from one another what ended and what is open", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  broker.on(
    RequestCode.END_TRANSACTION,
    ({ extFields: { transactionId, commitOrRollback } }) =>
      commitOrRollback === "0" ? undefined : transactionId === "refused" ? { code: 1 } : {},
  );
  const answers: Record<string, LocalTransactionState> = {
    committed: "COMMIT",
    "rolled back": "ROLLBACK",
    refused: "COMMIT",
    open: "UNKNOWN",
  };
  const seen: string[] = [];
  const { recovery } = recover(cluster, {
    idleTimeout: 1_000,
    checkLocalTransaction(_message, { transactionId }) {
      if (transactionId === "broken") throw new Error("the database is away");
      return answers[transactionId]!;
    },
    endTransactionHooks: { after: ({ transactionId }) => void seen.push(transactionId) },
  });
  await settle();
  for (let round = 0; round < 2; round++) {
    for (const transactionId of [...Object.keys(answers), "broken"]) {
      broker.checkBack(broker.strangeHalf({ transactionId }));
    }
    await clock.advance(500);
  }
  await clock.advance(5_000);

  const { openTransactions, ...rest } = recovery.value!;
  assertEquals(rest, {
    committed: 1,
    rolledBack: 1,
    unknown: 2,
    failed: 1,
    checkBacks: 10,
    registeredBrokers: [broker.name],
    aborted: false,
  });
  const facts = { topic: TOPIC, brokerName: broker.name };
  assertEquals(openTransactions.map(({ transactionId }) => transactionId).sort(), [
    "broken",
    "open",
    "refused",
  ]);
  assert(
    openTransactions.every(({ topic, brokerName }) =>
      topic === facts.topic && brokerName === facts.brokerName
    ),
  );
  assertEquals(new Set(seen), new Set([...Object.keys(answers), "broken"]), "a hook of one's own");
});

Deno.test("recoverTransactions - what another member has committed counts as committed", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  broker.on(RequestCode.QUERY_MESSAGE, () => ({
    body: encodeStoredMessage({
      topic: TOPIC,
      body: new TextEncoder().encode("order 1"),
      properties: { [MessageProperty.UniqueKey]: "A" },
    }),
  }));
  const { recovery } = recover(cluster, { checkLocalTransaction: () => "COMMIT" });
  await settle();
  const half = broker.strangeHalf({ transactionId: "A" });
  for (let round = 0; round < 2; round++) {
    broker.checkBack(half);
    await clock.advance(30_000);
  }
  await clock.advance(90_000);

  assertEquals(broker.states(), ["ROLLBACK", "ROLLBACK"], "surplus half messages are dropped");
  const { committed, unknown, failed, openTransactions } = recovery.value!;
  assertEquals([committed, unknown, failed, openTransactions], [1, 0, 0, []]);
});

Deno.test("recoverTransactions - a signal ends it, after what is being answered", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const stop = new AbortController();
  const { recovery, listener } = recover(cluster, { signal: stop.signal });
  await settle();
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await settle();
  stop.abort();
  await clock.advance(15_000);
  assertEquals([recovery.state, listener.checks[0]!.context.signal.aborted], ["pending", false]);
  listener.checks[0]!.answer("COMMIT");
  await clock.advance(500);

  assertEquals([recovery.state, broker.states()], ["resolved", ["COMMIT"]]);
  assertEquals([recovery.value?.aborted, recovery.value?.committed], [true, 1]);
  await assertNothingLeft(cluster);
});

Deno.test("recoverTransactions - a signal that has aborted before the start leaves nothing", async () => {
  await using cluster = new ScriptedCluster();
  const { recovery } = recover(cluster, { signal: AbortSignal.abort() });
  await settle();

  assertEquals([recovery.value?.aborted, recovery.value?.checkBacks], [true, 0]);
  assertEquals(recovery.value?.registeredBrokers, []);
  await assertNothingLeft(cluster);
});

Deno.test("recoverTransactions - an answer that does not come ends at the deadline of the shutdown", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const stop = new AbortController();
  const { recovery, listener } = recover(cluster, { signal: stop.signal, shutdownTimeout: 2_000 });
  await settle();
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await settle();
  stop.abort();
  await clock.advance(3_000);

  assert(listener.checks[0]!.context.signal.aborted);
  assertEquals([recovery.state, broker.states()], ["resolved", ["UNKNOWN"]]);
  assertEquals(recovery.value?.openTransactions.map((it) => it.transactionId), ["A"]);
});

Deno.test("recoverTransactions - a topic without a route is told, and nothing is left", async () => {
  await using cluster = new ScriptedCluster();
  const { recovery } = recover(cluster, { topics: ["nowhere"], startTimeout: 1_000 });
  await cluster.clock.advance(2_000);

  assert(recovery.error instanceof TopicRouteNotFoundError, String(recovery.error));
  await assertNothingLeft(cluster);
});

Deno.test("recoverTransactions - options that make no sense are refused before anything is dialled", async () => {
  await using cluster = new ScriptedCluster();
  const wrong: [Partial<RecoveryOptions> | null, string][] = [
    [null, "checkLocalTransaction is not a function"],
    [{ checkLocalTransaction: "COMMIT" as never }, "checkLocalTransaction is not a function"],
    [{ idleTimeout: 0 }, "option idleTimeout"],
    [{ topics: [] }, "topics is empty"],
    [{ shutdownTimeout: -1 }, "option shutdownTimeout"],
    [{ endTransactionHooks: "none" as never }, "option endTransactionHooks"],
  ];
  for (const [options, text] of wrong) {
    await assertRejects(
      () => recoverTransactions((options && { ...base(cluster), ...options })!),
      InvalidArgumentError,
      text,
    );
  }

  assertEquals(cluster.network.dials, []);
});

Deno.test("recovery ledger - counts all and remembers a bounded number of transactions", () => {
  const ledger = new RecoveryLedger(3);
  const answer = (transactionId: string, state: LocalTransactionState) =>
    ledger.answered(
      {
        transactionId,
        topic: TOPIC,
        producerGroup: "group",
        brokerName: "broker-1",
        state,
        fromCheck: true,
      },
      { outcome: state === "UNKNOWN" ? "sent" : "confirmed", duration: 1 },
    );
  for (let i = 1; i <= 5; i++) answer(`open-${i}`, "UNKNOWN");
  answer("open-4", "COMMIT");
  answer("open-4", "UNKNOWN");

  assertEquals(ledger.counts, { committed: 1, rolledBack: 0, unknown: 4, failed: 0 });
  assertEquals(ledger.open(10).map(({ transactionId }) => transactionId), ["open-5", "open-3"]);
  assertEquals(ledger.open(1).map(({ transactionId }) => transactionId), ["open-5"]);
});

/** What a recovery on a scripted cluster needs at least. */
function base(cluster: ScriptedCluster): RecoveryOptions {
  return {
    ...cluster.options,
    producerGroup: "group",
    topics: [TOPIC],
    checkLocalTransaction: () => "UNKNOWN",
  };
}

/** Begins a recovery whose listener is patient, unless the options have another. */
function recover(cluster: ScriptedCluster, options: Partial<RecoveryOptions>) {
  const listener = new PatientListener();
  const recovery = watch(recoverTransactions({
    ...base(cluster),
    checkLocalTransaction: (message, context) => listener.checkLocalTransaction(message, context),
    ...options,
  }));
  return { recovery, listener };
}
