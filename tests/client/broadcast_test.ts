import { assertEquals } from "@std/assert";
import { Broadcast } from "../../src/broadcast.ts";
import { settle } from "../support/fake_clock.ts";

Deno.test("Broadcast - each subscriber gets every value, from its subscription on", async () => {
  const broadcast = new Broadcast<number>();
  broadcast.publish(0);
  const early = broadcast.subscribe();
  broadcast.publish(1);
  const late = broadcast.subscribe();
  broadcast.publish(2);
  broadcast.end();

  assertEquals(await Array.fromAsync(early), [1, 2]);
  assertEquals(await Array.fromAsync(late), [2]);
  assertEquals(await Array.fromAsync(broadcast.subscribe()), []);
});

Deno.test("Broadcast - who does not keep up loses the oldest, others nothing", async () => {
  const broadcast = new Broadcast<number>(3);
  const slow = broadcast.subscribe(), quick = broadcast.subscribe();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const value of quick) seen.push(value);
  })();
  for (let value = 0; value < 10; value++) {
    broadcast.publish(value);
    await settle(1);
  }
  broadcast.end();
  await reading;

  assertEquals(await Array.fromAsync(slow), [7, 8, 9]);
  assertEquals(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals(broadcast.dropped, 7);
});

Deno.test("Broadcast - who leaves is no subscriber any more, even while it waits", async () => {
  const broadcast = new Broadcast<number>();
  const iterator = broadcast.subscribe();
  const waiting = iterator.next();
  assertEquals(broadcast.hasSubscribers, true);
  await iterator.return!();

  assertEquals(await waiting, { value: undefined, done: true });
  assertEquals(broadcast.hasSubscribers, false);
  broadcast.publish(1);
  assertEquals(await iterator.next(), { value: undefined, done: true });
});

Deno.test("Broadcast - several calls of next at once each get a value, in order", async () => {
  const broadcast = new Broadcast<number>();
  const iterator = broadcast.subscribe();
  const waiting = [iterator.next(), iterator.next(), iterator.next()];
  await settle();
  broadcast.publish(1);
  broadcast.publish(2);
  await settle();
  broadcast.end();

  assertEquals((await Promise.all(waiting)).map(({ value }) => value), [1, 2, undefined]);
});
