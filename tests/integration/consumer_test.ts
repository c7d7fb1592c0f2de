import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Consumer, type ConsumerOptions } from "../../src/consumer/mod.ts";
import { BrokerResponseError } from "../../src/errors.ts";
import { Producer } from "../../src/producer/mod.ts";
import { bodies, next, pause, textOf, until } from "../consumer/support.ts";
import { brokerTest } from "../support/real_broker.ts";

/** A topic with messages `m0`, `m1`, … in it, and consumers of one group. */
async function prepare(
  { nameServers, uniqueName }: { nameServers: string; uniqueName(prefix: string): string },
  count: number,
) {
  const topic = uniqueName("Orders"), group = uniqueName("warehouse");
  const producer = new Producer({ nameServers, producerGroup: uniqueName("shop") });
  await producer.start();
  await producer.createTopic({ topic, queues: 4 });
  const send = async (some: readonly string[]) => {
    for (const body of some) await producer.send({ topic, body });
  };
  await send(bodies(count));
  const start = async (options: Partial<ConsumerOptions> = {}) => {
    const consumer = new Consumer({
      nameServers,
      group,
      subscriptions: { [topic]: "*" },
      ...options,
    });
    await consumer.start();
    return consumer;
  };
  return { topic, group, producer, send, start };
}

brokerTest(
  "Consumer - handles each message once, retries what failed, and its successor gets only what is new",
  async (context) => {
    const { producer, send, start } = await prepare(context, 200);
    await using _producer = producer;
    const handled = new Map<string, number[]>(), settlements: string[] = [];
    const consumer = await start({ retry: { delay: 1_000 } });
    const run = consumer.run((message) => {
      const text = textOf(message);
      handled.set(text, [...handled.get(text) ?? [], message.attempt]);
      message.settled.then((settlement) => settlements.push(settlement));
      if (text === "m7" && message.attempt === 1) throw new Error("fails once");
    });
    await until("all are settled", () => settlements.length === 201, 30_000);
    const again = [...handled].filter(([, attempts]) => attempts.length > 1);
    assertEquals([handled.size, again], [200, [["m7", [1, 2]]]]);
    assertEquals(settlements.filter((it) => it === "copied").length, 1);
    const standBy = await start();
    const seen: string[] = [];
    standBy.run((message) => void seen.push(textOf(message)));
    await pause(1_000);
    assertEquals((await consumer.close()).isClean, true);
    await run;
    await send(["later"]);
    await until("the other member has it", () => seen.length > 0, 10_000);
    await pause(500);
    assertEquals(seen, ["later"]);
    assertEquals((await standBy.close()).isClean, true);
  },
);

brokerTest("Consumer - the last attempt makes a dead letter that can be read", async (context) => {
  const { producer, group, start } = await prepare(context, 1);
  await using _producer = producer;
  await using consumer = await start({ retry: { attempts: 1 } });
  let settlement: string | undefined;
  consumer.run((message) => {
    message.settled.then((it) => settlement = it);
    throw new Error("never");
  });
  await until("it is a dead letter", () => settlement !== undefined, 10_000);
  assertEquals(settlement, "dead-lettered");
  await using reader = await start({
    group: context.uniqueName("reader"),
    subscriptions: { [`%DLQ%${group}`]: "*" },
  });
  const [dead] = await next(reader[Symbol.asyncIterator](), 1);
  assertEquals(textOf(dead!), "m0");
  dead!.ack();
});

brokerTest("Consumer - begins a young topic exactly where it was told to", async (context) => {
  const { producer, send, start } = await prepare(context, 3);
  await using _producer = producer;
  await pause(50);
  const time = new Date();
  await pause(50);
  await send(["after"]);
  await pause(1_000);
  const later = new Date(Date.now() + 60_000);
  const starts = [
    ["first", ["m0", "m1", "m2", "after", "now"]],
    ["last", ["now"]],
    [time, ["after", "now"]],
    [later, ["now"]],
  ] as const;
  const seen = await Promise.all(starts.map(async ([startFrom]) => {
    const consumer = await start({ group: context.uniqueName("group"), startFrom });
    const texts: string[] = [];
    consumer.run((message) => void texts.push(textOf(message)));
    return { consumer, texts };
  }));
  await pause(2_000);
  await send(["now"]);
  await until("all have it", () => seen.every(({ texts }) => texts.includes("now")), 10_000);
  for (const [i, { consumer, texts }] of seen.entries()) {
    assertEquals(texts.toSorted(), starts[i]![1].toSorted(), String(starts[i]![0]));
    assertEquals((await consumer.close()).isClean, true);
  }
});

brokerTest(
  "Consumer - SQL that a broker does not take fails the start, with the remedy",
  async (context) => {
    const { producer, topic, group } = await prepare(context, 0);
    await using _producer = producer;
    const { nameServers } = context;
    const options = { nameServers, group, subscriptions: { [topic]: { sql: "a > > 3" } } };
    await using consumer = new Consumer(options);
    const error = await assertRejects(() => consumer.start(), BrokerResponseError);
    assertStringIncludes(error.message, "Cannot subscribe");
  },
);
