import { assertEquals } from "@std/assert";
import { serveInspector } from "../../src/testing/mod.ts";
import { EventReader } from "./event_reader.ts";
import { ScriptedBrokerSource } from "./scripted_broker_source.ts";

function idsOf({ data }: { data: { changes: { id: string }[] } }): string[] {
  return data.changes.map(({ id }) => id);
}

Deno.test("inspector - tells a page what there is and what changes", async () => {
  const broker = new ScriptedBrokerSource();
  await using inspector = await serveInspector({ broker });
  broker.stores("a");
  await using reader = await EventReader.open(inspector.url);
  const { event, data } = (await reader.next())!;
  assertEquals(event, "hello");
  assertEquals([data.mode, data.limit, data.canWatch, data.isResumed], [
    "broker",
    10_000,
    false,
    false,
  ]);
  const first = await reader.nextOf("changes");
  assertEquals(idsOf(first), ["a"]);
  assertEquals(first.data.changes[0].state, "open");
  broker.commits("a");
  const second = await reader.nextOf("changes");
  const { state, startedAt, endedAt, copies } = second.data.changes[0];
  assertEquals({ state, startedAt, endedAt, copies }, {
    ...{ state: "visible", startedAt: 1_000, endedAt: 1_005, copies: 1 },
  });
  assertEquals(second.data.counters.states.visible, 1);
  assertEquals(second.data.latency.median, 5);
});

Deno.test("inspector - a page that lost its connection goes on where it ended", async () => {
  const broker = new ScriptedBrokerSource();
  await using inspector = await serveInspector({ broker });
  broker.stores("a");
  broker.stores("b");
  let lastId: string;
  {
    await using reader = await EventReader.open(inspector.url);
    lastId = (await reader.nextOf("changes")).id;
  }
  broker.commits("b");
  broker.stores("c");
  await using reader = await EventReader.open(inspector.url, lastId);
  assertEquals((await reader.next())!.data.isResumed, true);
  assertEquals(idsOf(await reader.nextOf("changes")), ["b", "c"]);
});

Deno.test("inspector - a page that comes from an earlier inspector begins anew", async () => {
  const broker = new ScriptedBrokerSource();
  let lastId: string;
  {
    await using earlier = await serveInspector({ broker });
    broker.stores("a");
    await using reader = await EventReader.open(earlier.url);
    lastId = (await reader.nextOf("changes")).id;
  }
  await using inspector = await serveInspector({ broker });
  broker.stores("b");
  for (const id of [lastId, "nonsense", "-", `${lastId}x`]) {
    await using reader = await EventReader.open(inspector.url, id);
    assertEquals((await reader.next())!.data.isResumed, false);
    assertEquals(idsOf(await reader.nextOf("changes")), ["b"]);
  }
});

Deno.test("inspector - gives a sign of life where nothing happens", async () => {
  const broker = new ScriptedBrokerSource();
  await using inspector = await serveInspector({ broker }, { heartbeatInterval: 50 });
  await using reader = await EventReader.open(inspector.url);
  await reader.nextOf("heartbeat");
  await reader.nextOf("heartbeat");
});

Deno.test("inspector - memory and events stay bounded however much happens", async () => {
  const broker = new ScriptedBrokerSource();
  await using inspector = await serveInspector({ broker }, { maxTransactions: 50 });
  await using reader = await EventReader.open(inspector.url);
  for (let n = 0; n < 500; n++) {
    broker.stores(`t${n}`);
    broker.commits(`t${n}`);
  }
  const seen = new Set<string>();
  for (let last = ""; last !== "t499";) {
    const ids = idsOf(await reader.nextOf("changes"));
    assertEquals(ids.length <= 50, true, `one event has ${ids.length}`);
    for (const id of ids) seen.add(id);
    last = ids.at(-1) ?? "";
  }
  const gone = await fetch(`${inspector.url}transactions/t0`);
  await gone.body?.cancel();
  assertEquals(gone.status, 404);
  const kept = await fetch(`${inspector.url}transactions/t499`);
  const { steps } = await kept.json();
  assertEquals(steps.map((step: { title: string }) => step.title), [
    "Half message stored",
    "Visible to consumers",
  ]);
});

Deno.test("inspector - so many pages look on and no more; one that leaves makes room", async () => {
  const broker = new ScriptedBrokerSource();
  await using inspector = await serveInspector({ broker });
  await using readers = new AsyncDisposableStack();
  const open = async () => readers.use(await EventReader.open(inspector.url));
  for (let n = 0; n < 15; n++) assertEquals((await open()).status, 200);
  const last = await EventReader.open(inspector.url);
  assertEquals(last.status, 200);
  assertEquals((await open()).status, 503);
  await last[Symbol.asyncDispose]();
  let status = 503;
  while (status === 503) status = (await open()).status;
  assertEquals(status, 200);
});

Deno.test("inspector - a message of any name is found by its id", async () => {
  const broker = new ScriptedBrokerSource();
  await using inspector = await serveInspector({ broker });
  const id = `<img src=x onerror=alert(1)>/..?#%2F"'`;
  broker.stores(id, { keys: ["<b>"] });
  await using reader = await EventReader.open(inspector.url);
  assertEquals(idsOf(await reader.nextOf("changes")), [id]);
  const response = await fetch(`${inspector.url}transactions/${encodeURIComponent(id)}`);
  assertEquals(response.headers.get("content-type"), "application/json; charset=utf-8");
  assertEquals((await response.json()).keys, ["<b>"]);
  const broken = await fetch(`${inspector.url}transactions/%FF`);
  await broken.body?.cancel();
  assertEquals(broken.status, 404);
});

Deno.test("inspector - its end ends the pages' streams and stops listening to the broker", async () => {
  const broker = new ScriptedBrokerSource();
  const stop = new AbortController();
  const inspector = await serveInspector({ broker }, { signal: stop.signal });
  await using reader = await EventReader.open(inspector.url);
  await reader.nextOf("changes");
  assertEquals(broker.isWatched, true);
  stop.abort();
  assertEquals(await reader.next().then((event) => event?.event), undefined);
  await inspector.finished;
  await inspector.shutdown();
  const refused = await fetch(inspector.url).then(() => "answered", () => "refused");
  assertEquals(refused, "refused");
  assertEquals(broker.isWatched, false);
});
