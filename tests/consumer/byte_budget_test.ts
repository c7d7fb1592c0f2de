import { assertEquals, assertRejects } from "@std/assert";
import { ByteBudget, type Reservation } from "../../src/consumer/byte_budget.ts";

const KIB = 1024, MIB = 1024 * KIB;
const never = new AbortController().signal;

/** The reservation if there is room now. */
async function tryAcquire(budget: ByteBudget, isBusy: boolean): Promise<Reservation | undefined> {
  const giveUp = new AbortController();
  const acquired = budget.acquire(isBusy, giveUp.signal).catch(() => undefined);
  await Promise.resolve();
  giveUp.abort();
  return await acquired;
}

Deno.test("byte budget - holds the pulls of all queues together within one number", async () => {
  const budget = new ByteBudget(MIB);
  const held: Reservation[] = [];
  for (;;) {
    const reservation = await tryAcquire(budget, true);
    if (!reservation) break;
    held.push(reservation);
  }
  assertEquals(held.length, 3);
  assertEquals(budget.used <= MIB, true);
  held[0]!.settle(10 * KIB);
  const more = await tryAcquire(budget, true);
  assertEquals(more !== undefined, true);
  for (const reservation of [...held, more!]) reservation.releaseAll();
  assertEquals([budget.used, budget.waiting], [0, 0]);
});

Deno.test("byte budget - idle queues reserve nothing, so hundreds of them wait beside a busy one", async () => {
  const budget = new ByteBudget(MIB);
  for (let i = 0; i < 500; i++) await budget.acquire(false, never);
  assertEquals(budget.used, 0);
  const busy = await budget.acquire(true, never);
  busy.settle(MIB);
  assertEquals(await tryAcquire(budget, false), undefined, "the budget is full");
  busy.release(1);
  assertEquals(await tryAcquire(budget, false) !== undefined, true);
});

Deno.test("byte budget - queues get room in the order in which they asked", async () => {
  const budget = new ByteBudget(MIB);
  const full = await budget.acquire(true, never);
  full.settle(MIB);
  const order: number[] = [];
  const waits = [1, 2, 3].map((n) =>
    budget.acquire(true, never).then((reservation) => {
      order.push(n);
      reservation.settle(900 * KIB);
      return reservation;
    })
  );
  full.releaseAll();
  (await waits[0]!).releaseAll();
  (await waits[1]!).releaseAll();
  await waits[2];
  assertEquals(order, [1, 2, 3]);
});

Deno.test("byte budget - a message larger than the budget comes when nothing else is held", async () => {
  const budget = new ByteBudget(64 * KIB);
  budget.learn(4 * MIB);
  const first = await budget.acquire(true, never);
  first.settle(4 * MIB);
  assertEquals(await tryAcquire(budget, true), undefined);
  first.release(4 * MIB);
  assertEquals(await tryAcquire(budget, true) !== undefined, true);
});

Deno.test("byte budget - reserves room for a message like the largest one so far", async () => {
  const budget = new ByteBudget(8 * MIB);
  budget.learn(3 * MIB);
  budget.learn(1 * KIB);
  await budget.acquire(true, never);
  assertEquals(budget.used, 3 * MIB + 256 * KIB);
});

Deno.test("byte budget - a wait that is aborted is forgotten and lets the next one in", async () => {
  const budget = new ByteBudget(MIB);
  const held = await budget.acquire(true, never);
  held.settle(900 * KIB);
  const abort = new AbortController();
  const busy = budget.acquire(true, abort.signal);
  const idle = budget.acquire(false, never);
  assertEquals(budget.waiting, 2);
  abort.abort(new Error("closing"));
  await assertRejects(() => busy, Error, "closing");
  await idle;
  assertEquals([budget.waiting, budget.used], [0, 900 * KIB]);
  await assertRejects(() => budget.acquire(true, abort.signal), Error, "closing");
});

Deno.test("byte budget - giving back twice gives back once", async () => {
  const budget = new ByteBudget(MIB);
  const held = await budget.acquire(true, never);
  held.settle(100);
  held.release(80);
  held.release(80);
  held.releaseAll();
  assertEquals(budget.used, 0);
});
