import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Consumer, ConsumerEvent, ConsumerOptions } from "../../src/consumer/mod.ts";
import { BrokerResponseError, InvalidStateError } from "../../src/errors.ts";
import { createUpdateConsumerOffsetRequest } from "../../src/requests/mod.ts";
import { Member } from "../testing/member.ts";
import { bodies, GROUP, next, pause, Shop, textOf, TOPIC, until } from "./support.ts";
import { Witness } from "./witness.ts";

/** Members of one group that a witness sees, each with a slow handler. */
class Crew {
  readonly witness = new Witness();
  readonly #shop: Shop;
  readonly #time: number;
  #number = 0;

  constructor(shop: Shop, time = 20) {
    this.#shop = shop;
    this.#time = time;
  }

  async join(options: Partial<ConsumerOptions> = {}): Promise<Consumer> {
    const member = await this.#shop.start(options);
    member.run(this.witness.handler(`member ${this.#number++}`, this.#time));
    return member;
  }

  /** The members that got messages of the topic, in turn of their joining. */
  workers(): number {
    return new Set([...this.witness.deliveries.values()].flat()).size;
  }

  async all(count: number): Promise<void> {
    await until(`all ${count} are handled`, () => this.witness.size === count, 30_000);
    await pause(300);
  }
}

const orders = { order: "queue", concurrency: 8 } as const;

for (const [what, options] of [["at once", {}], ["in order", orders]] as const) {
  Deno.test(`group - one joins, one leaves: no message comes twice, no queue has two owners (${what})`, async () => {
    await using shop = await Shop.open({ brokers: 2, topics: [{ topic: TOPIC, queues: 2 }] });
    const crew = new Crew(shop);
    const { witness } = crew;
    const count = 200, sending = shop.send(bodies(count));
    const first = await crew.join(options);
    await until("the first works", () => witness.size > 20);
    const second = await crew.join(options);
    await until("the second works, too", () => crew.workers() === 2);
    await until("both work", () => witness.size > 120);
    assertEquals((await first.close()).isClean, true);
    await sending;
    await crew.all(count);
    if (what === "in order") witness.assertExact(count);
    else assertEquals({ ...witness.sightings(), outOfOrder: 0 }, exact(count));
    assertEquals((await second.close()).isClean, true);
  });
}

function exact(messages: number) {
  return { messages, extra: 0, twoOwners: 0, outOfOrder: 0 };
}

Deno.test("group - every member has its share, and leaves nothing locked", async () => {
  await using shop = await Shop.open({ brokers: 2, topics: [{ topic: TOPIC, queues: 3 }] });
  const crew = new Crew(shop, 0);
  const events: ConsumerEvent[] = [];
  const members = await Promise.all([1, 2, 3].map(() => crew.join({ allocation: "in-turn" })));
  (async () => {
    for await (const event of members[0]!.events()) events.push(event);
  })();
  await pause(2_500);
  await shop.send(bodies(60));
  await crew.all(60);
  const counts = Map.groupBy(
    [...crew.witness.deliveries.values()].flat(),
    (member) => member,
  );
  assertEquals([...counts.values()].map(({ length }) => length), [20, 20, 20]);
  for (const member of members) assertEquals((await member.close()).isClean, true);
  assertEquals(events.some(({ type }) => type === "committed"), true);
  await using successor = await crew.join();
  await shop.send(["now"]);
  await until("nothing is locked", () => crew.witness.size === 61, 2_000);
  assertEquals((await successor.close()).isClean, true);
});

Deno.test("group - a handler may finish what it works on before its queue is handed over", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 2 }] });
  const crew = new Crew(shop, 1_500);
  await shop.send(bodies(4));
  await using first = await crew.join();
  await until("it has begun", () => crew.witness.size === 4);
  await using second = await crew.join();
  await pause(700);
  await shop.send(["a", "b", "c", "d"]);
  await crew.all(8);
  assertEquals({ ...crew.witness.sightings(), outOfOrder: 0 }, exact(8));
  assertEquals(crew.workers(), 2);
  await Promise.all([first.close(), second.close()]);
});

Deno.test("group - a hand-over does not wait for ever: the signal aborts, and the message comes elsewhere", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 2 }] });
  await shop.send(bodies(2));
  const events: ConsumerEvent[] = [];
  await using hanging = await shop.start({ handOverTimeout: 500 });
  (async () => {
    for await (const event of hanging.events()) events.push(event);
  })();
  let aborted = 0, begun = 0;
  hanging.run(({ signal }) => {
    begun++;
    return new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => {
        aborted++;
        resolve();
      })
    );
  });
  await until("both are begun", () => begun === 2);
  const crew = new Crew(shop, 0);
  await using other = await crew.join();
  await until("one came elsewhere", () => crew.witness.size === 1);
  assertEquals([aborted, begun], [1, 2]);
  const released = events.filter((event) => event.type === "released" && event.unfinished > 0);
  assertEquals(released.map((event) => event.type === "released" && event.how), ["handed-over"]);
  await hanging.close({ drain: "none" });
  await other.close();
});

Deno.test("group - a queue that leaves the topic is finished before it is given up", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 2 }] });
  const crew = new Crew(shop, 800);
  await shop.send(bodies(2));
  await using member = await crew.join({ routePollInterval: 100 });
  await until("both are begun", () => crew.witness.size === 2);
  // That of retries is the other one.
  const queues = () => member.stats().queues - 1;
  await until("two are read", () => queues() === 2);
  await shop.producer.createTopic({ topic: TOPIC, queues: 1 });
  await until("one is given up", () => queues() === 1);
  await shop.producer.createTopic({ topic: TOPIC, queues: 3 });
  await until("three are read", () => queues() === 3);
  await pause(500);
  assertEquals({ ...crew.witness.sightings(), outOfOrder: 0 }, exact(2));
  assertEquals((await member.close()).isClean, true);
});

Deno.test("group - a storm of notices moves no queue if the members are as before", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 4 }] });
  const crew = new Crew(shop, 1), codes: number[] = [];
  await using member = await crew.join({
    requestHooks: [{ before: ({ code }) => void codes.push(code) }],
  });
  await shop.send(bodies(20));
  await crew.all(20);
  codes.length = 0;
  for (let i = 0; i < 15; i++) {
    const passing = await shop.start();
    await passing.close();
  }
  await pause(1_500);
  const unlocks = codes.filter((code) => code === 42).length;
  assertEquals([unlocks <= 4, codes.filter((code) => code === 38).length < 15], [true, true]);
  await shop.send(["later"]);
  await until("it has all queues", () => crew.witness.size === 21);
  await member.close();
});

Deno.test("group - one that dies is replaced in less than two seconds, and only what was open comes again", async () => {
  await using shop = await Shop.open({ brokers: 2, topics: [{ topic: TOPIC, queues: 2 }] });
  const crew = new Crew(shop, 100);
  await using survivor = await crew.join();
  const network = new AbortController();
  const dead = await crew.join({ dialer: mortal(shop, network.signal) });
  await pause(2_500);
  const count = 400;
  await shop.send(bodies(count));
  await until("both work", () => crew.workers() === 2 && crew.witness.size > 60);
  let taken = 0;
  (async () => {
    for await (const { type } of survivor.events()) if (type === "assigned") taken++;
  })();
  network.abort();
  await until("the survivor has its queues", () => taken >= 2, 2_000);
  await until("all are handled", () => crew.witness.size === count, 20_000);
  const { extra } = crew.witness.sightings();
  const survivors = [...crew.witness.deliveries.values()]
    .filter((members) => members.length > 1 && members[1] === "member 0").length;
  assertEquals([extra <= 16 * 3, survivors === extra], [true, true], `${extra} extra`);
  assertStringIncludes(JSON.stringify(shop.logger.lines), "Freed the queues of member");
  await survivor.close();
  await dead.close({ drain: "none", deadline: 100 });
});

/** Connects until `signal` aborts, which also ends what is connected: as `kill -9` looks to brokers. */
function mortal(shop: Shop, signal: AbortSignal): ConsumerOptions["dialer"] & object {
  const { dialer } = shop.broker;
  return async (...to) => {
    signal.throwIfAborted();
    const transport = await dialer(...to);
    signal.addEventListener("abort", () => transport.close());
    return transport;
  };
}

Deno.test("group - a lone member that dies and comes back under its name has its queues at once", async () => {
  await using shop = await Shop.open();
  const crew = new Crew(shop, 1), network = new AbortController();
  const instanceName = "warehouse-0";
  const dead = await crew.join({ dialer: mortal(shop, network.signal), instanceName });
  await shop.send(bodies(20));
  await crew.all(20);
  network.abort();
  await using successor = await crew.join({ instanceName });
  await shop.send(["later"]);
  await until("it works", () => crew.witness.size === 21, 2_000);
  await dead.close({ drain: "none", deadline: 100 });
  assertEquals((await successor.close()).isClean, true);
});

Deno.test("group - brokers that are killed and started again under working members: nothing comes twice", async () => {
  await using shop = await Shop.open({ brokers: 2, topics: [{ topic: TOPIC, queues: 2 }] });
  const crew = new Crew(shop, 50);
  const members = [await crew.join(), await crew.join(), await crew.join()];
  await pause(2_500);
  const count = 600, sending = shop.send(bodies(count / 2));
  await until("they work", () => crew.witness.size > 60);
  await sending;
  for (const { name } of shop.broker.brokers) {
    await shop.broker.kill(name);
    await pause(100);
    await shop.broker.start(name);
    await pause(1_500);
  }
  await shop.send(bodies(count).slice(count / 2));
  await crew.all(count);
  assertEquals({ ...crew.witness.sightings(), outOfOrder: 0 }, exact(count));
  for (const member of members) assertEquals((await member.close()).isClean, true);
  await using successor = await crew.join();
  await shop.send(["later"]);
  await until("the last one is handled", () => crew.witness.size === count + 1);
  await pause(300);
  assertEquals({ ...crew.witness.sightings(), outOfOrder: 0 }, exact(count + 1));
  await successor.close();
});

Deno.test("group - a member that was cut off goes on where others have come to meanwhile", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(bodies(10));
  await using consumer = await shop.start();
  const iterator = consumer[Symbol.asyncIterator]();
  const [first] = await next(iterator, 1);
  using other = await Member.join(shop.broker, "raw");
  // The other one had the queue, came to m5, and left it again.
  const { topic, queueId } = first!.queue;
  const where = { consumerGroup: GROUP, topic, queueId, commitOffset: 5n };
  assertEquals((await other.ask(createUpdateConsumerOffsetRequest(where))).code, 0);
  await shop.broker.disconnect();
  await until("it lost the queue", () => first!.signal.aborted);
  first!.ack();
  assertEquals(await first!.settled, "released");
  const rest = await next(iterator, 5);
  assertEquals(rest.map(textOf), ["m5", "m6", "m7", "m8", "m9"]);
  for (const message of rest) message.ack();
  assertEquals((await consumer.close()).isClean, true);
});

Deno.test("group - members that subscribe differently are told, and so are doubled client ids", async () => {
  await using shop = await Shop.open({
    topics: [{ topic: TOPIC, queues: 2 }, { topic: "payments", queues: 2 }],
  });
  const seen: string[] = [];
  const watch = async (consumer: Consumer, name: string) => {
    for await (const event of consumer.events()) {
      if (event.type === "subscription-differs") seen.push(`${name} differs ${event.topics}`);
      if (event.type === "duplicate-client-id") seen.push(`${name} doubled`);
    }
  };
  await using a = shop.consumer({ heartbeatInterval: 300, instanceName: "same" });
  watch(a, "a");
  await a.start();
  await using b = shop.consumer({
    heartbeatInterval: 400,
    subscriptions: { [TOPIC]: "*", payments: "*" },
  });
  watch(b, "b");
  await b.start();
  await until(
    "both are told",
    () => seen.includes("a differs payments") && seen.includes("b differs payments"),
  );
  await b.close();
  await using c = shop.consumer({ instanceName: "same" });
  watch(c, "c");
  await c.start();
  await until(
    "both are told of the id",
    () => seen.includes("a doubled") && seen.includes("c doubled"),
  );
  const lines = JSON.stringify(shop.logger.lines);
  assertStringIncludes(lines, "subscribe alike in all members, or use another group");
  assertStringIncludes(lines, "give each its own instanceName, or none");
  await Promise.all([a.close(), c.close()]);
});

Deno.test("start - a group that is disabled, has no retry queue, or does not exist is refused with the remedy", async () => {
  await using shop = await Shop.open({
    autoCreateGroups: false,
    groups: [
      { group: "disabled", consumeEnable: false },
      { group: "forgetful", retryQueueNums: 0 },
      { group: GROUP },
    ],
  });
  const disabled = shop.consumer({ group: "disabled" });
  await assertRejects(() => disabled.start(), InvalidStateError, "updateSubGroup -s true");
  const forgetful = shop.consumer({ group: "forgetful" });
  await assertRejects(() => forgetful.start(), InvalidStateError, "updateSubGroup -q 1");
  const missing = shop.consumer({ group: "missing" });
  await assertRejects(() => missing.start(), BrokerResponseError, "autoCreateSubscriptionGroup");
  for (const consumer of [disabled, forgetful, missing]) await consumer.close();
  await using good = await shop.start();
  await good.close();
});
