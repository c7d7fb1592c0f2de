import { assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import { ConnectionError, RocketMQError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import type { TransactionProducer } from "../../src/transaction/mod.ts";
import { ScriptedCluster } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { ask, open } from "../transport/harness.ts";
import { message, saying } from "../transaction/support.ts";
import { growthOf } from "./heap.ts";

/** Most mebibytes that may be held longer. */
const GROWTH = 5;

/** Requests of each kind, and how many at a time. */
const REQUESTS = 20_000, AT_ONCE = 1_000;

/** Fails `REQUESTS` requests of one connection in a way; gives what is held longer. */
async function failRequests(
  fail: (opened: ReturnType<typeof open>, signal: AbortController) => Promise<void>,
): Promise<number> {
  const opened = open(), { connection, clock } = opened;
  const growth = await growthOf(async () => {
    for (let sent = 0; sent < REQUESTS / 2; sent += AT_ONCE) {
      const abort = new AbortController();
      const requests = Array.from({ length: AT_ONCE }, async (_, i) => {
        const options = { timeout: 3_000, signal: abort.signal };
        return await connection.request(ask(`${i}`), options).catch((error) => error);
      });
      await fail(opened, abort);
      for (const end of await Promise.all(requests)) assertInstanceOf(end, ConnectionError);
      opened.remote.requests.length = 0;
    }
  });
  assertEquals(connection.stats().inFlight, 0);
  connection.close();
  assertEquals(clock.pendingTimers, 0);
  return growth;
}

Deno.test("failed calls - 20,000 without an answer leave nothing behind", async () => {
  assertLess(await failRequests(({ clock }) => clock.advance(3_000)), GROWTH);
});

Deno.test("failed calls - 20,000 that their callers gave up leave nothing behind", async () => {
  const growth = await failRequests(async ({ clock }, abort) => {
    await clock.advance(0);
    abort.abort();
  });
  assertLess(growth, GROWTH);
});

Deno.test("failed calls - 20,000 refused for want of room leave nothing behind", async () => {
  const { connection, clock } = open({ maxInFlight: 1 });
  const first = connection.request(ask("first"), { timeout: 60_000 }).catch((error) => error);
  const growth = await growthOf(async () => {
    for (let i = 0; i < REQUESTS / 2; i++) {
      const error = await connection.request(ask("more"), { timeout: 1_000 }).catch((e) => e);
      assertEquals(error.code, "OVERLOADED");
    }
  });
  connection.close();
  await first;
  assertLess(growth, GROWTH);
  assertEquals([connection.stats().inFlight, clock.pendingTimers], [0, 0]);
});

/** Fails sends of one producer, half of `REQUESTS` at a time; gives what is held longer. */
async function failSends(
  prepare: (cluster: ScriptedCluster) => void,
  send: (producer: TransactionProducer) => Promise<unknown>,
  times: number,
): Promise<number> {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = await cluster.started(saying("COMMIT"));
  prepare(cluster);
  const timers = clock.pendingTimers;
  const growth = await growthOf(async () => {
    for (let sent = 0; sent < REQUESTS / 2; sent += AT_ONCE) {
      const sends = Array.from({ length: AT_ONCE }, () => send(producer).catch((error) => error));
      await clock.advance(1_100);
      for (const end of await Promise.all(sends)) assertInstanceOf(end, RocketMQError);
      for (const connection of broker.connections) connection.requests.length = 0;
      cluster.network.dials.length = cluster.logger.lines.length = 0;
    }
  }, times);
  assertEquals(producer.stats().transactionsInFlight, 0);
  assertLess(clock.pendingTimers, timers + 5);
  return growth;
}

Deno.test("failed calls - 30,000 transactions that the broker refuses leave what is remembered of 20,000", async () => {
  const growth = await failSends(
    ({ broker }) => broker.on(RequestCode.SEND_MESSAGE_V2, () => ({ code: 1, remark: "no" })),
    (producer) => producer.sendMessageInTransaction(message()),
    2,
  );
  assertLess(growth, GROWTH);
});

Deno.test("failed calls - 20,000 sends without an answer leave nothing behind", async () => {
  const growth = await failSends(
    ({ broker }) => broker.on(RequestCode.SEND_MESSAGE_V2, silence),
    (producer) => producer.send(message(), { timeout: 1_000 }),
    1,
  );
  assertLess(growth, GROWTH);
});
