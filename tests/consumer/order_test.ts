import { assertEquals, assertStringIncludes } from "@std/assert";
import { bodies, GROUP, pause, Shop, textOf, TOPIC, until } from "./support.ts";

const ONE_QUEUE = { topics: [{ topic: TOPIC, queues: 1 }] };

/** `["k0 0", "k1 1", "k2 2", "k0 3", …]` */
function keyed(count: number, keys: number): string[] {
  return Array.from({ length: count }, (_, i) => `k${i % keys} ${i}`);
}

Deno.test("order - of a queue: one after the other, and what failed before all behind it", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 2 }] });
  await shop.send(bodies(8));
  await using consumer = await shop.start({ order: "queue", retry: { delay: 100 } });
  const begun = new Map<number, string[]>(), running = new Map<number, number>();
  let most = 0, together = 0, failed = 0, done = 0;
  consumer.run(async (message) => {
    const { queue: { queueId }, attempt } = message, text = textOf(message);
    begun.set(queueId, [...begun.get(queueId) ?? [], `${text} ${attempt}`]);
    running.set(queueId, (running.get(queueId) ?? 0) + 1);
    most = Math.max(most, running.get(queueId)!);
    together = Math.max(together, [...running.values()].reduce((sum, n) => sum + n, 0));
    await pause(5);
    running.set(queueId, running.get(queueId)! - 1);
    if (text === "m6" && attempt < 3) {
      failed++;
      throw new Error("not yet");
    }
    done++;
  });
  for (const body of bodies(20).slice(8)) {
    await pause(3);
    await shop.send([body]);
  }
  await until("all are done", () => done === 20);
  assertEquals([most, together, failed], [1, 2, 2]);
  const all = [...begun.values()].flat();
  assertEquals(all.filter((it) => it.startsWith("m6 ")), ["m6 1", "m6 2", "m6 3"]);
  for (const seen of begun.values()) {
    const numbers = seen.map((it) => Number(it.split(" ")[0]!.slice(1)));
    assertEquals(numbers, numbers.toSorted((a, b) => a - b));
  }
  assertEquals((await shop.broker.messages(`%RETRY%${GROUP}`)).length, 0);
  assertEquals((await consumer.close()).isClean, true);
});

Deno.test("order - by key: keys side by side, and one that fails holds up its own key only", async () => {
  await using shop = await Shop.open(ONE_QUEUE);
  await shop.send(keyed(30, 3));
  await using consumer = await shop.start({
    order: (message) => textOf(message).split(" ")[0]!,
    retry: { delay: 300 },
  });
  const done: string[] = [], running = new Set<string>();
  let most = 0, overlaps = 0, hasFailed = false;
  consumer.run(async (message) => {
    const text = textOf(message), key = text.split(" ")[0]!;
    if (running.has(key)) overlaps++;
    running.add(key);
    most = Math.max(most, running.size);
    await pause(5);
    running.delete(key);
    if (text === "k1 4" && !hasFailed) {
      hasFailed = true;
      throw new Error("not yet");
    }
    done.push(text);
  });
  await until("all are done", () => done.length === 30);
  assertEquals([overlaps, most], [0, 3]);
  for (const key of ["k0", "k1", "k2"]) {
    const numbers = done.filter((it) => it.startsWith(key)).map((it) => Number(it.slice(3)));
    assertEquals(numbers, numbers.toSorted((a, b) => a - b), key);
  }
  assertEquals(done.indexOf("k1 4") > done.indexOf("k0 27"), true, String(done));
  assertEquals((await consumer.close()).isClean, true);
});

Deno.test("order - the last attempt makes a dead letter, and those behind it go on", async () => {
  await using shop = await Shop.open(ONE_QUEUE);
  await shop.send(["good", "bad", "next"]);
  await using consumer = await shop.start({ order: "queue", retry: { attempts: 3, delay: 20 } });
  const seen: string[] = [];
  consumer.run((message) => {
    seen.push(`${textOf(message)} ${message.attempt}`);
    if (textOf(message) === "bad") throw new Error("never");
  });
  await until("those behind go on", () => seen.includes("next 1"));
  assertEquals(seen, ["good 1", "bad 1", "bad 2", "bad 3", "next 1"]);
  assertEquals((await shop.broker.messages(`%DLQ%${GROUP}`)).length, 1);
  assertEquals((await consumer.close()).isClean, true);
});

Deno.test("order - a stop leaves what is behind a message that failed, until it is mended", async () => {
  await using shop = await Shop.open(ONE_QUEUE);
  await shop.send(["good", "bad", "next"]);
  const retry = { attempts: 2, delay: 20, then: "stop" } as const;
  const first = await shop.start({ order: "queue", retry });
  const stopped: string[] = [], seen: string[] = [];
  (async () => {
    for await (const { type } of first.events()) if (type === "stopped") stopped.push(type);
  })();
  first.run((message) => {
    seen.push(textOf(message));
    if (textOf(message) === "bad") throw new Error("never");
  });
  await until("it stops", () => stopped.length === 1);
  await pause(300);
  assertEquals(seen, ["good", "bad", "bad"]);
  assertEquals((await shop.broker.messages(`%DLQ%${GROUP}`)).length, 0);
  assertStringIncludes(JSON.stringify(shop.logger.lines), "mend it and start this consumer again");
  assertEquals((await first.close()).isClean, true);
  await using second = await shop.start({ order: "queue", retry });
  second.run((message) => void seen.push(textOf(message)));
  await until("it goes on", () => seen.includes("next"));
  assertEquals(seen, ["good", "bad", "bad", "bad", "next"]);
  await second.close();
});

Deno.test("order - a message that waits for its next attempt is finished before its queue is handed over", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 2 }] });
  await shop.send(keyed(40, 4));
  const seen: string[] = [];
  const member = (name: string) => ({
    options: {
      order: (message: Parameters<typeof textOf>[0]) => textOf(message).split(" ")[0]!,
      retry: { delay: 1_500 },
    },
    handler: async (message: Parameters<typeof textOf>[0]) => {
      seen.push(`${textOf(message)} ${message.attempt} ${name}`);
      await pause(5);
      if (/^k[01] [01]$/.test(textOf(message)) && message.attempt === 1) throw new Error("not yet");
    },
  });
  const a = member("a"), b = member("b");
  await using first = await shop.start(a.options);
  first.run(a.handler);
  await until("others of the queues are done", () => seen.length > 20);
  await using second = await shop.start(b.options);
  second.run(b.handler);
  await until("all are done", () => seen.length === 42);
  await pause(1_000);
  assertEquals(seen.length, 42);
  const again = seen.filter((it) => it.split(" ")[2] === "2");
  assertEquals(again.toSorted(), ["k0 0 2 a", "k1 1 2 a"]);
  await Promise.all([first.close(), second.close()]);
});

Deno.test("order - a function that fails orders the message with its whole queue, and the log says so", async () => {
  await using shop = await Shop.open(ONE_QUEUE);
  await shop.send(bodies(5));
  await using consumer = await shop.start({
    order: () => {
      throw new Error("no key");
    },
  });
  const seen: string[] = [];
  consumer.run((message) => void seen.push(textOf(message)));
  await until("all are done", () => seen.length === 5);
  assertEquals(seen, bodies(5));
  assertStringIncludes(JSON.stringify(shop.logger.lines), "no key");
  assertEquals((await consumer.close()).isClean, true);
});
