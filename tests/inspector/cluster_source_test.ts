import { assertEquals, assertStringIncludes } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import {
  type ClusterFinding,
  type ClusterRecord,
  EmbeddedBroker,
  serveInspector,
} from "../../src/testing/mod.ts";
import { EventReader } from "./event_reader.ts";

/** A cluster that says what a test wants it to say of any transaction. */
class ScriptedCluster {
  /** Ids that it was asked about. */
  readonly asked: string[] = [];
  /** What it answers. */
  finding: ClusterFinding | Error = { state: "pending", copies: 0, checkTimes: 0 };

  inspect(id: string, options: { topic: string }): Promise<ClusterFinding> {
    assertEquals(options.topic, "orders");
    this.asked.push(id);
    return this.finding instanceof Error
      ? Promise.reject(this.finding)
      : Promise.resolve(this.finding);
  }
}

/** Enters an id on the page. */
async function lookUp(url: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { origin: new URL(url).origin };
  const response = await fetch(`${url}watch`, { method: "POST", body, headers });
  return { status: response.status, text: await response.text() };
}

Deno.test("inspector of a cluster - an id that is entered is followed until it is settled", async () => {
  const cluster = new ScriptedCluster();
  await using inspector = await serveInspector({ cluster, topic: "orders" }, { pollInterval: 10 });
  await using reader = await EventReader.open(inspector.url);
  const hello = await reader.nextOf("hello");
  assertEquals([hello.data.mode, hello.data.canWatch], ["cluster", true]);
  assertEquals((await lookUp(inspector.url, " a \n")).status, 200);
  const follow = async (state: string, checks: number) => {
    for (let seen = ""; seen !== `${state} ${checks}`;) {
      const { data: { changes } } = await reader.nextOf("changes");
      if (changes.length > 0) seen = `${changes[0].state} ${changes[0].checks}`;
    }
  };
  await follow("open", 0);
  cluster.finding = { state: "pending", copies: 0, checkTimes: 2, brokerName: "broker-b" };
  await follow("open", 2);
  cluster.finding = { state: "committed", copies: 2, checkTimes: 2, brokerName: "broker-b" };
  await follow("visible", 2);
  const asked = cluster.asked.length;
  const detail = await (await fetch(`${inspector.url}transactions/a`)).json();
  assertEquals([detail.broker, detail.checks, detail.copies], ["broker-b", 2, 2]);
  assertEquals(detail.isWhole, false);
  const steps = detail.steps.map((step: { title: string; detail: string }) =>
    `${step.title}: ${step.detail}`
  );
  assertEquals(steps, [
    "Waits for a verdict: Not asked about yet",
    "Waits for a verdict: Asked 2 times",
    "Visible to consumers: 2 copies. Asked 2 times",
  ]);
  // Another one shows that rounds go on, without the one that is settled.
  inspector.watch("b");
  await reader.nextOf("changes");
  assertEquals(new Set(cluster.asked.slice(asked)), new Set(["b"]));
});

Deno.test("inspector of a cluster - what the brokers' logs have is a timeline with its times", async () => {
  const record = (
    kind: ClusterRecord["kind"],
    storeTimestamp: number,
    checkTimes: number,
  ): ClusterRecord => {
    const offsetMessageId = `${kind} ${storeTimestamp}`;
    return { kind, brokerName: "broker-a", storeTimestamp, checkTimes, offsetMessageId };
  };
  const begun = Date.now() - 60_000;
  const records = [record("half", begun, 0), record("half", begun + 6_000, 1)];
  const cluster = new ScriptedCluster();
  cluster.finding = { state: "pending", copies: 0, checkTimes: 1, records };
  await using inspector = await serveInspector({ cluster, topic: "orders" }, { pollInterval: 10 });
  await using reader = await EventReader.open(inspector.url);
  inspector.watch("a");
  let median: number | null | undefined;
  const until = async (wanted: string) => {
    for (let state = ""; state !== wanted;) {
      const { data: { changes, latency } } = await reader.nextOf("changes");
      if (changes.length > 0) ({ state } = changes[0]);
      ({ median } = latency);
    }
  };
  await until("open");
  cluster.finding = {
    state: "committed",
    copies: 2,
    checkTimes: 1,
    records: [...records, record("visible", begun + 6_700, 1), record("visible", begun + 9_000, 1)],
  };
  await until("visible");
  const detail = await (await fetch(`${inspector.url}transactions/a`)).json();
  const steps = detail.steps.map((step: { at: number; title: string }) =>
    `${step.at - begun}: ${step.title}`
  );
  assertEquals(steps, [
    "0: Half message stored",
    "6000: Check-back 1",
    "6700: Visible to consumers",
    "9000: Visible once more",
  ]);
  const { isWhole, startedAt, endedAt, checks, copies } = detail;
  assertEquals({ isWhole, checks, copies, took: endedAt - startedAt }, {
    isWhole: true,
    checks: 1,
    copies: 2,
    took: 6_700,
  });
  assertEquals(median, 10_000);
});

Deno.test("inspector of a cluster - when a roll-back happened is not known, and not guessed", async () => {
  const cluster = new ScriptedCluster();
  const half: ClusterRecord = {
    kind: "half",
    brokerName: "broker-a",
    checkTimes: 0,
    offsetMessageId: "1",
    storeTimestamp: Date.now() - 3_600_000,
  };
  cluster.finding = { state: "rolledBack", copies: 0, checkTimes: 0, records: [half] };
  await using inspector = await serveInspector({ cluster, topic: "orders" }, { pollInterval: 10 });
  await using reader = await EventReader.open(inspector.url);
  inspector.watch("a");
  for (let state = ""; state !== "rolledBack";) {
    const { data } = await reader.nextOf("changes");
    if (data.changes.length > 0) ({ state } = data.changes[0]);
    assertEquals(data.latency.median, undefined);
  }
  const detail = await (await fetch(`${inspector.url}transactions/a`)).json();
  assertEquals([detail.startedAt, detail.endedAt], [half.storeTimestamp, undefined]);
  assertEquals(detail.steps.map(({ title }: { title: string }) => title), [
    "Half message stored",
    "Rolled back",
  ]);
});

Deno.test("inspector of a cluster - the page is told when the cluster does not answer", async () => {
  const cluster = new ScriptedCluster();
  cluster.finding = new Error("no route to orders");
  await using inspector = await serveInspector({ cluster, topic: "orders" }, { pollInterval: 10 });
  const { status, text } = await lookUp(inspector.url, "a");
  assertEquals(status, 200);
  assertStringIncludes(text, "no route to orders");
  await using reader = await EventReader.open(inspector.url);
  let problem: string | null = null;
  while (problem === null) problem = (await reader.nextOf("changes")).data.problem;
  assertStringIncludes(problem, "no route to orders");
  cluster.finding = { state: "rolledBack", copies: 0, checkTimes: 1 };
  while (problem !== null) problem = (await reader.nextOf("changes")).data.problem;
});

Deno.test("inspector of a cluster - only ids are taken, and they are short", async () => {
  const cluster = new ScriptedCluster();
  await using inspector = await serveInspector({ cluster, topic: "orders" });
  assertEquals((await lookUp(inspector.url, "")).status, 400);
  assertEquals((await lookUp(inspector.url, "x".repeat(257))).status, 400);
  assertEquals((await lookUp(inspector.url, "x".repeat(100_000))).status, 413);
  assertEquals(cluster.asked, []);
});

Deno.test("inspector of a cluster - a producer's inspect() tells how transactions stand", async () => {
  await using broker = await EmbeddedBroker.start({
    listen: false,
    topics: ["orders"],
    transactionCheckInterval: Infinity,
  });
  const { Commit, Rollback, Unknown } = LocalTransactionState;
  await using producer = new TransactionProducer<LocalTransactionState>({
    nameServers: broker.nameServer,
    producerGroup: "shop",
    topics: ["orders"],
    dialer: broker.dialer,
    transactionListener: {
      executeLocalTransaction: (_message, state) => state,
      checkLocalTransaction: () => Unknown,
    },
  });
  await producer.start();
  const send = async (state: LocalTransactionState) => {
    const message = { topic: "orders", body: "an order" };
    return (await producer.sendMessageInTransaction(message, state)).transactionId;
  };
  const paid = await send(Commit), open = await send(Unknown), declined = await send(Rollback);
  await using inspector = await serveInspector({ cluster: producer, topic: "orders" }, {
    pollInterval: 50,
  });
  for (const id of [paid, open, declined, "0".repeat(32)]) inspector.watch(id);
  const states = new Map<string, string>();
  await using reader = await EventReader.open(inspector.url);
  while (states.get(paid) !== "visible" || states.size < 4) {
    const { data: { changes } } = await reader.nextOf("changes");
    for (const { id, state } of changes) states.set(id, state);
  }
  assertEquals(states.get(open), "open");
  assertEquals(states.get("0".repeat(32)), "notFound");
  const detail = await (await fetch(`${inspector.url}transactions/${paid}`)).json();
  assertEquals(detail.steps.map(({ title }: { title: string }) => title), [
    "Half message stored",
    "Visible to consumers",
  ]);
});

Deno.test("inspector of a cluster - one that can't be asked about holds up no others", async () => {
  const inspect = (id: string): Promise<ClusterFinding> =>
    id === "bad"
      ? Promise.reject(new Error("no such id"))
      : Promise.resolve({ state: "committed", copies: 1, checkTimes: 0 });
  await using inspector = await serveInspector({ cluster: { inspect }, topic: "orders" }, {
    pollInterval: 10,
  });
  for (const id of ["bad", "a", "b"]) inspector.watch(id);
  await using reader = await EventReader.open(inspector.url);
  const seen = new Set<string>();
  while (seen.size < 2) {
    const { data: { changes } } = await reader.nextOf("changes");
    for (const { id } of changes) seen.add(id);
  }
  assertEquals(seen, new Set(["a", "b"]));
});
