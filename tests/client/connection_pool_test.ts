import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { ConnectionPool, DialRateLimit } from "../../src/client/connection_pool.ts";
import { ConnectionError } from "../../src/errors.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { ScriptedNetwork } from "../support/scripted_network.ts";
import { ScriptedPeer } from "../support/scripted_peer.ts";
import { silentWarnings as warnings } from "../support/test_client.ts";

const ADDRESS = "10.0.0.1:10911";

/** A pool on a network in memory with one server. */
function setUp() {
  const clock = new FakeClock();
  const network = new ScriptedNetwork(clock), server = new ScriptedPeer();
  network.listen(ADDRESS, server);
  const pool = new ConnectionPool({
    dialer: network.dialer,
    clock,
    warnings,
    connectTimeout: 3_000,
  });
  const get = (timeout = 1_000, signal?: AbortSignal) => pool.get(ADDRESS, { timeout, signal });
  return { clock, network, server, pool, get };
}

Deno.test("ConnectionPool - many callers share one dial and one connection", async () => {
  const { network, pool, get } = setUp();
  const connections = await Promise.all(Array.from({ length: 20 }, () => get()));

  assertEquals(new Set(connections).size, 1);
  assertStrictEquals(await get(), connections[0]);
  assertEquals(network.dialsOf(ADDRESS).length, 1);
  pool.close("done");
});

Deno.test("ConnectionPool - a caller that gives up does not end the dial of the others", async () => {
  const { network, pool, get, clock } = setUp();
  network.fail(ADDRESS, "silent");
  const controller = new AbortController();
  const impatient = assertRejects(() => get(100), ConnectionError, "no connection within 100 ms");
  const aborted = assertRejects(() => get(2_000, controller.signal), ConnectionError, "aborted");
  const patient = assertRejects(() => get(9_000), ConnectionError, "no connection within 3000 ms");
  await clock.advance(100);
  await impatient;
  controller.abort();
  await aborted;
  assertEquals(network.dialling, 1);
  await clock.advance(2_900);

  await patient;
  assertEquals([network.dialling, clock.pendingTimers], [0, 0]);
  pool.close("done");
});

Deno.test("ConnectionPool - dials of a dead server are spaced out, at most 30 a minute", async () => {
  const { network, pool, get, clock } = setUp();
  network.fail(ADDRESS);
  const start = clock.monotonic();
  while (clock.monotonic() < start + 600_000) {
    get(60_000).catch(() => {});
    await clock.advance(500);
  }
  const dials = network.dialsOf(ADDRESS);
  const gaps = dials.slice(1).map((at, i) => at - dials[i]!);

  assert(gaps[0]! >= 200 && gaps[0]! < 1_000, `the second dial came after ${gaps[0]} ms`);
  assert(gaps.every((gap) => gap >= 200 && gap < 5_000), "it is tried on and on");
  assert(mostPerMinute(dials) <= 30, `${mostPerMinute(dials)} dials in a minute`);
  pool.close("done");
  await settle();
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("ConnectionPool - a server that closes at once is not flooded", async () => {
  const { network, pool, server, get, clock } = setUp();
  const start = clock.monotonic();
  while (clock.monotonic() < start + 300_000) {
    get(60_000).then(() => server.cut(), () => {});
    await clock.advance(100);
  }
  const dials = network.dialsOf(ADDRESS);

  assert(dials.length > 50, `only ${dials.length} dials: it gave up`);
  assert(mostPerMinute(dials) <= 30, `${mostPerMinute(dials)} dials in a minute`);
  pool.close("done");
});

Deno.test("ConnectionPool - a server that flaps is not flooded either", async () => {
  const { network, pool, server, get, clock } = setUp();
  const start = clock.monotonic();
  while (clock.monotonic() < start + 300_000) {
    const connection = get(60_000);
    connection.catch(() => {});
    await clock.advance(6_000);
    network.fail(ADDRESS);
    server.cut();
    for (let i = 0; i < 10; i++) {
      get(60_000).catch(() => {});
      await clock.advance(100);
    }
    network.mend(ADDRESS);
  }
  const dials = network.dialsOf(ADDRESS);

  assert(mostPerMinute(dials) <= 30, `${mostPerMinute(dials)} dials in a minute`);
  pool.close("done");
});

Deno.test("ConnectionPool - after a stable connection the next dial is made at once", async () => {
  const { network, pool, server, get, clock } = setUp();
  network.fail(ADDRESS);
  for (let i = 0; i < 6; i++) {
    await Promise.all([assertRejects(() => get(10_000)), clock.advance(5_000)]);
  }
  network.mend(ADDRESS);
  const first = get(10_000);
  await clock.advance(5_000);
  await first;
  await clock.advance(10_000);
  server.cut();
  await settle();
  const before = clock.monotonic();

  assertNotEquals(await get(), await first);
  assertEquals(network.dialsOf(ADDRESS).at(-1), before);
  pool.close("done");
});

Deno.test("ConnectionPool - who waits in vain is told why the dials failed", async () => {
  const { network, pool, get, clock } = setUp();
  network.fail(ADDRESS);
  await assertRejects(() => get(), ConnectionError, "connection refused");
  const waiting = assertRejects(() => get(100), ConnectionError);
  await clock.advance(100);
  const error = await waiting;

  assert(error.message.includes("no connection within 100 ms"), error.message);
  assert(error.message.includes("connection refused"), error.message);
  assertEquals(error.written, false);
  pool.close("done");
});

Deno.test("ConnectionPool - closed, it has nothing open and dials no more", async () => {
  const { network, pool, get, clock } = setUp();
  const connection = await get();
  network.fail("10.0.0.2:10911", "silent");
  const dialling = assertRejects(() => pool.get("10.0.0.2:10911", { timeout: 9_000 }));
  await settle();
  pool.close("over");
  await dialling;

  assertEquals(await connection.closed, { by: "local", reason: "over" });
  await assertRejects(() => get(), Error, "over");
  assertEquals(
    [network.openConnections, network.dialling, clock.pendingTimers, network.dials.length],
    [0, 0, 0, 2],
  );
});

Deno.test("ConnectionPool - connections that are not wanted any more are closed when idle", async () => {
  const { network, pool, server, get } = setUp();
  server.on(310, () => {});
  const other = new ScriptedPeer();
  network.listen("10.0.0.2:10911", other);
  const busy = await get();
  const idle = await pool.get("10.0.0.2:10911", { timeout: 1_000 });
  const request = assertRejects(() => busy.request({ code: 310 }, { timeout: 1_000 }));
  pool.closeOthers(new Set(), "not in any route");

  assertEquals((await idle.closed).reason, "not in any route");
  assert(busy.isOpen, "a request waits on it");
  assertEquals(pool.size, 1);
  pool.close("done");
  await request;
});

/** The most dials in any minute. */
function mostPerMinute(dials: readonly number[]): number {
  return Math.max(...dials.map((at) => dials.filter((d) => d >= at && d < at + 60_000).length));
}

Deno.test("ConnectionPool - one after the other, as starts that fail make them, dial no more often than one", async () => {
  const clock = new FakeClock(), dials = new DialRateLimit();
  const network = new ScriptedNetwork(clock);
  network.fail(ADDRESS);
  const start = clock.monotonic(), reasons = new Set<string>();
  while (clock.monotonic() < start + 300_000) {
    const { dialer } = network;
    const pool = new ConnectionPool({ dialer, clock, warnings, connectTimeout: 3_000, dials });
    const failed = assertRejects(() => pool.get(ADDRESS, { timeout: 900 }), ConnectionError);
    await clock.advance(1_000);
    reasons.add((await failed).message);
    pool.close("the start failed");
  }

  const dialled = network.dialsOf(ADDRESS);
  for (const at of dialled) {
    const minute = dialled.filter((other) => other >= at && other < at + 60_000);
    assert(minute.length <= 30, `${minute.length} dials within a minute`);
  }
  assert(dialled.length >= 120, `only ${dialled.length} dials in five minutes`);
  assert([...reasons].some((reason) => reason.includes("dialled too often")));
});
