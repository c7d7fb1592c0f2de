import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { ConsumedMessage } from "../../src/consumer/mod.ts";
import {
  createGetConsumerListRequest,
  createLockQueuesRequest,
  createUnlockQueuesRequest,
  readGetConsumerListResponse,
} from "../../src/requests/mod.ts";
import { BrokerResponseError, InvalidStateError } from "../../src/errors.ts";
import { MessageProperty, SysFlag } from "../../src/message/mod.ts";
import { propertyString, sendHeader } from "../conformance/steps.ts";
import { utf8 } from "../remoting/frames.ts";
import { createSendMessageRequest } from "../support/requests.ts";
import { Member } from "../testing/member.ts";
import { bodies, GROUP, next, pause, Shop, textOf, TOPIC, until } from "./support.ts";

const clean = {
  isClean: true,
  unbegun: 0,
  unfinished: 0,
  uncommitted: [],
  locked: [],
  notLeft: [],
};

Deno.test("run - handles every message once, and the next member begins behind them", async () => {
  await using shop = await Shop.open();
  await shop.send(bodies(50));
  const consumer = await shop.start({ concurrency: 4 });
  const seen: string[] = [];
  let running = 0, most = 0;
  const run = consumer.run(async (message) => {
    most = Math.max(most, ++running);
    await pause(1);
    seen.push(textOf(message));
    running--;
  });
  await until("all are handled", () => seen.length === 50);
  assertEquals(await consumer.close(), clean);
  await run;
  assertEquals([seen.toSorted(), most], [bodies(50).toSorted(), 4]);

  await shop.send(["later"]);
  await using successor = await shop.start();
  const [message] = await next(successor[Symbol.asyncIterator](), 1);
  assertEquals([textOf(message!), message!.topic, message!.attempt], ["later", TOPIC, 1]);
  message!.ack();
  assertEquals(await message!.settled, "committed");
});

Deno.test("run - a handler that fails gets the message again, a second later and as the second attempt", async () => {
  await using shop = await Shop.open();
  await shop.send(["a"]);
  const consumer = await shop.start({ retry: { delay: 1_000 } });
  const seen: [string, string, number, string][] = [];
  const settlements: string[] = [];
  const run = consumer.run((message) => {
    seen.push([textOf(message), message.topic, message.attempt, message.uniqueKey]);
    message.settled.then((settlement) => settlements.push(settlement));
    if (message.attempt === 1) throw new Error("no stock");
  });
  await until("it came again", () => seen.length === 2);
  const key = seen[0]![3];
  assertEquals(seen, [["a", TOPIC, 1, key], ["a", TOPIC, 2, key]]);
  await until("both are settled", () => settlements.length === 2);
  assertEquals(settlements, ["copied", "committed"]);
  assertEquals(await consumer.close(), clean);
  await run;
  assertStringIncludes(JSON.stringify(shop.logger.lines), "no stock");
});

Deno.test("run - the last attempt that fails makes a dead letter, with the message as it was", async () => {
  await using shop = await Shop.open();
  await shop.send(["a"]);
  await using consumer = await shop.start({ retry: { attempts: 2, delay: 0 } });
  const settlements: string[] = [];
  consumer.run((message) => {
    message.settled.then((settlement) => settlements.push(settlement));
    throw new Error("never");
  });
  await until("both are settled", () => settlements.length === 2);
  assertEquals(settlements, ["copied", "dead-lettered"]);
  const [dead, ...others] = await shop.broker.messages(`%DLQ%${GROUP}`);
  assertEquals([others.length, dead!.properties[MessageProperty.RetryTopic]], [0, TOPIC]);
  assertEquals(new TextDecoder().decode(dead!.body), "a");
});

Deno.test("deadLetter - puts a message aside now, and the log says why", async () => {
  await using shop = await Shop.open();
  await shop.send(["a"]);
  await using consumer = await shop.start();
  const [message] = await next(consumer[Symbol.asyncIterator](), 1);
  message!.deadLetter("no such article");
  assertEquals(await message!.settled, "dead-lettered");
  assertEquals((await shop.broker.messages(`%DLQ%${GROUP}`)).length, 1);
  assertStringIncludes(JSON.stringify(shop.logger.lines), "no such article");
});

Deno.test("message - is settled one way only; the same way twice changes nothing", async () => {
  await using shop = await Shop.open();
  await shop.send(["a"]);
  await using consumer = await shop.start();
  const [message] = await next(consumer[Symbol.asyncIterator](), 1);
  message!.ack();
  message!.ack();
  let error: unknown;
  try {
    message!.retry();
  } catch (cause) {
    error = cause;
  }
  assertEquals(error instanceof InvalidStateError, true);
  assertEquals(await message!.settled, "committed");
  message!.deadLetter();
});

Deno.test("for await - what is open when the loop is left comes again and does not count as an attempt", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(["a", "b", "c"]);
  await using consumer = await shop.start();
  let first: ConsumedMessage | undefined;
  for await (const message of consumer) {
    if (textOf(message) === "b") {
      first = message;
      break;
    }
    message.ack();
  }
  assertEquals(await first!.settled, "released");
  first!.ack();
  const rest = await next(consumer[Symbol.asyncIterator](), 2);
  assertEquals(rest.map((it) => [textOf(it), it.attempt]).toSorted(), [["b", 1], ["c", 1]]);
  for (const message of rest) message.ack();
  assertEquals(await Promise.all(rest.map(({ settled }) => settled)), ["committed", "committed"]);
});

Deno.test("readable - streams messages, and cancelling gives back what is open", async () => {
  await using shop = await Shop.open();
  await shop.send(["a", "b", "c"]);
  await using consumer = await shop.start();
  const reader = consumer.readable.getReader();
  const { value: first } = await reader.read();
  first!.ack();
  await reader.read();
  await reader.cancel();
  const rest = await next(consumer[Symbol.asyncIterator](), 2);
  for (const message of rest) message.ack();
  assertEquals([first!, ...rest].map(textOf).toSorted(), ["a", "b", "c"]);

  const ended = consumer.readable.getReader();
  const end = ended.read();
  assertEquals(await consumer.close(), clean);
  assertEquals((await end).done, true);
});

Deno.test("batches - are full when there is enough, and else wait no longer than they may", async () => {
  await using shop = await Shop.open();
  await shop.send(bodies(25));
  await using consumer = await shop.start();
  const sizes: number[] = [], seen: string[] = [];
  for await (const batch of consumer.batches({ size: 10, wait: 200 })) {
    sizes.push(batch.messages.length);
    seen.push(...Array.from(batch, textOf));
    batch.ack();
    if (seen.length === 25) break;
  }
  assertEquals(sizes.every((size) => size <= 10) && sizes.includes(10), true);
  assertEquals(seen.toSorted(), bodies(25).toSorted());
  assertEquals(await consumer.close(), clean);
});

Deno.test("position - never passes an unsettled message: it and what follows come again, nothing is lost", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(bodies(5));
  const consumer = await shop.start();
  const messages = await next(consumer[Symbol.asyncIterator](), 5);
  for (const message of messages) if (textOf(message) !== "m2") message.ack();
  assertEquals(await messages[1]!.settled, "committed");
  const { signal } = messages[2]!;
  const report = await consumer.close({ deadline: 500 });
  assertEquals([report.isClean, report.unfinished], [false, 1]);
  assertEquals(signal.aborted, true);
  const settlements = await Promise.all(messages.map(({ settled }) => settled));
  assertEquals(settlements, ["committed", "committed", "released", "released", "released"]);

  await using successor = await shop.start();
  const again = await next(successor[Symbol.asyncIterator](), 3);
  assertEquals(again.map(textOf), ["m2", "m3", "m4"]);
  for (const message of again) message.ack();
});

Deno.test("startFrom - begins exactly at the first, behind the last, or at a time of a young topic", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(["old"]);
  await pause(20);
  const time = new Date();
  await shop.send(["new"]);
  const starts = [["first", ["old", "new", "now"]], ["last", ["now"]], [time, [
    "new",
    "now",
  ]]] as const;
  const consumers = await Promise.all(
    starts.map(([startFrom], i) => shop.start({ group: `group${i}`, startFrom })),
  );
  const iterators = consumers.map((consumer) => consumer[Symbol.asyncIterator]());
  const pending = iterators.map((iterator, i) => next(iterator, starts[i]![1].length));
  await pause(700);
  await shop.send(["now"]);
  for (const [i, messages] of (await Promise.all(pending)).entries()) {
    assertEquals(messages.map(textOf), [...starts[i]![1]]);
    for (const message of messages) message.ack();
    assertEquals(await consumers[i]!.close(), clean);
  }
});

Deno.test("startFrom - last does not pass over what comes between a member that handled nothing and the next", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(["old"]);
  const first = await shop.start({ startFrom: "last" });
  await pause(300);
  await first.close();
  await shop.send(["between"]);
  await using second = await shop.start({ startFrom: "last" });
  const [message] = await next(second[Symbol.asyncIterator](), 1);
  assertEquals(textOf(message!), "between");
  message!.ack();
});

Deno.test("subscription - only the tags that were asked for come, and the position moves over the others", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(["a"], { tags: "Aa" });
  await shop.send(bodies(40), { tags: "BB" });
  await using consumer = await shop.start({ subscriptions: { [TOPIC]: { tags: ["Aa"] } } });
  const [message] = await next(consumer[Symbol.asyncIterator](), 1);
  assertEquals([textOf(message!), message!.tags], ["a", "Aa"]);
  message!.ack();
  await pause(500);
  assertEquals(await consumer.close(), clean);
  await using all = await shop.start();
  await shop.send(["later"]);
  const [later] = await next(all[Symbol.asyncIterator](), 1);
  later!.ack();
  assertEquals(textOf(later!), "later");
});

Deno.test("subscription - SQL that the broker does not take fails the start, and nothing comes unfiltered", async () => {
  await using shop = await Shop.open();
  const consumer = shop.consumer({ subscriptions: { [TOPIC]: { sql: "a > 3" } } });
  const error = await assertRejects(() => consumer.start(), BrokerResponseError);
  assertStringIncludes(error.message, "enablePropertyFilter=true");
  await consumer.close();
});

Deno.test("buffer - messages that nobody settles stop the reading, whatever the number of queues", async () => {
  const queues = 8, size = 20_000;
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues }] });
  const body = "x".repeat(size);
  await Promise.all(Array.from({ length: 160 }, () => shop.producer.send({ topic: TOPIC, body })));
  await using consumer = await shop.start({ buffer: { bytes: 1 << 20 } });
  const messages: ConsumedMessage[] = [];
  const read = (async () => {
    for await (const message of consumer) messages.push(message);
  })();
  await until("the budget is full", () => messages.length > 20);
  await pause(500);
  const held = messages.length * size;
  assertEquals(held <= (1 << 20) + queues * 32 * size && messages.length < 160, true, String(held));
  let acked = 0;
  while (acked < 160) {
    await until("more come", () => messages.length > acked);
    messages[acked++]!.ack();
  }
  assertEquals(await consumer.close(), clean);
  await read;
});

Deno.test("close - waits for handlers, and commits, unlocks and leaves in this order, each confirmed", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(["a", "b"]);
  const steps: string[] = [];
  const consumer = await shop.start({
    concurrency: 1,
    requestHooks: [{
      before: ({ code }) => void steps.push(`${code} sent`),
      after: ({ code }, { type }) => void steps.push(`${code} ${type}`),
    }],
  });
  let hasBegun = false, isDone = false;
  const run = consumer.run(async () => {
    hasBegun = true;
    await pause(300);
    isDone = true;
  });
  await until("it began", () => hasBegun);
  await pause(50);
  const before = steps.length;
  const report = await consumer.close();
  const leaving = steps.slice(before).filter((step) => /^(?:15|42|35) /.test(step));
  assertEquals(leaving, [15, 42, 35].flatMap((code) => [`${code} sent`, `${code} answered`]));
  assertEquals([isDone, report], [true, { ...clean, unbegun: 1 }]);
  await run;
  await using successor = await shop.start();
  const [message] = await next(successor[Symbol.asyncIterator](), 1);
  assertEquals([textOf(message!), message!.attempt], ["b", 1]);
  message!.ack();
});

Deno.test("close - what is not confirmed is asked again: the next member waits for nothing", async () => {
  await using shop = await Shop.open();
  await shop.send(["a"]);
  const consumer = await shop.start({ requestTimeout: 300 });
  let handled = 0;
  const run = consumer.run(() => void handled++);
  await until("it is handled", () => handled === 1);
  await pause(400);
  const { faults } = shop.broker;
  faults.add({ on: "UNLOCK_BATCH_MQ", action: "drop", carriedOut: false, times: 2 });
  faults.add({ on: "UNREGISTER_CLIENT", action: "answer", code: 2, times: 1 });
  assertEquals(await consumer.close(), clean);
  await run;
  await using successor = await shop.start();
  await shop.send(["b"]);
  const [message] = await next(successor[Symbol.asyncIterator](), 1);
  message!.ack();
});

Deno.test("close - buffered also handles what was read; none waits for nothing", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(bodies(10));
  const seen: string[] = [];
  const buffered = await shop.start({ concurrency: 1 });
  const run = buffered.run(async (message) => {
    await pause(10);
    seen.push(textOf(message));
  });
  await until("it works", () => seen.length > 0);
  assertEquals(await buffered.close({ drain: "buffered" }), clean);
  await run;
  assertEquals(seen, bodies(10));

  await shop.send(["slow"]);
  const none = await shop.start();
  let began = false;
  const hung = none.run(async ({ signal }) => {
    began = true;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  await until("it began", () => began);
  const report = await none.close({ drain: "none" });
  assertEquals([report.isClean, report.unfinished], [false, 1]);
  await hung;
});

Deno.test("close - a handler that never ends holds neither the close nor run up, and its message comes again", async () => {
  await using shop = await Shop.open();
  await shop.send(["a"]);
  const consumer = await shop.start();
  let began = false;
  const run = consumer.run(() => {
    began = true;
    return new Promise<void>(() => {});
  });
  await until("it began", () => began);
  const begin = performance.now();
  const report = await consumer.close({ deadline: 400 });
  assertEquals([report.unfinished, performance.now() - begin < 2_000], [1, true]);
  await run;
  await using successor = await shop.start();
  const [message] = await next(successor[Symbol.asyncIterator](), 1);
  message!.ack();
});

Deno.test("close - a handler may wait until its message is committed", async () => {
  await using shop = await Shop.open();
  await shop.send(["a"]);
  const consumer = await shop.start();
  let settlement: string | undefined, began = false;
  consumer.run(async (message) => {
    began = true;
    await pause(50);
    message.ack();
    settlement = await message.settled;
  });
  await until("it began", () => began);
  assertEquals(await consumer.close({ deadline: 3_000 }), clean);
  assertEquals(settlement, "committed");
});

Deno.test("close - in every state: before the start, while it starts, twice", async () => {
  await using shop = await Shop.open();
  const fresh = shop.consumer();
  assertEquals(await fresh.close(), clean);
  await assertRejects(() => fresh.start(), InvalidStateError, "closed already");
  await assertRejects(() => fresh.run(() => {}), InvalidStateError);

  const starting = shop.consumer();
  const start = starting.start();
  const [report] = await Promise.all([
    starting.close(),
    assertRejects(() => start),
  ]);
  assertEquals(report.isClean, true);

  const consumer = await shop.start();
  const [first, second] = await Promise.all([consumer.close(), consumer.close()]);
  assertEquals([first, second], [clean, clean]);
  await assertRejects(() => consumer.start(), InvalidStateError);
});

Deno.test("faults - a retry whose answer is lost is handled again here, and no second copy is made", async () => {
  await using shop = await Shop.open();
  await shop.send(["a"]);
  await using consumer = await shop.start({ requestTimeout: 300, retry: { delay: 1_000 } });
  shop.broker.faults.add({ on: "CONSUMER_SEND_MSG_BACK", action: "drop", times: 1 });
  const attempts: number[] = [];
  const settlements: string[] = [];
  consumer.run((message) => {
    attempts.push(message.attempt);
    message.settled.then((settlement) => settlements.push(settlement));
    if (attempts.length === 1) throw new Error("fails");
  });
  await until("the copy and the message itself are handled", () => settlements.length === 3);
  await pause(1_300);
  assertEquals([attempts, settlements.toSorted()], [
    [1, 2, 2],
    ["committed", "committed", "released"],
  ]);
  assertEquals((await shop.broker.messages(`%RETRY%${GROUP}`)).length, 1);
});

Deno.test("faults - a refused retry, a lost commit and a refused pull delay a message and lose none", async () => {
  await using shop = await Shop.open();
  await shop.send(bodies(10));
  const { faults } = shop.broker;
  faults.add({ on: "CONSUMER_SEND_MSG_BACK", action: "answer", code: 2, times: 1 });
  faults.add({ on: "UPDATE_CONSUMER_OFFSET", action: "drop", times: 2, after: 2 });
  faults.add({ on: "PULL_MESSAGE", action: "answer", code: 2, times: 3 });
  faults.add({ on: "QUERY_CONSUMER_OFFSET", action: "close", times: 2 });
  await using consumer = await shop.start({ requestTimeout: 300, retry: { delay: 0 } });
  const seen: string[] = [], settlements: string[] = [];
  let failed = false;
  consumer.run((message) => {
    message.settled.then((settlement) => settlements.push(settlement));
    if (!failed) {
      failed = true;
      throw new Error("fails once");
    }
    seen.push(textOf(message));
  });
  await until(
    "all are committed",
    () => settlements.filter((it) => it === "committed").length === 10,
  );
  assertEquals(seen.toSorted(), bodies(10).toSorted());
});

Deno.test("faults - a broker that restarts has its locks and positions again, and nothing is lost", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(["a"]);
  const answered: number[] = [];
  await using consumer = await shop.start({
    requestHooks: [{
      after: ({ code }, { type }) => void (type === "answered" && answered.push(code)),
    }],
  });
  const seen: string[] = [], settlements: string[] = [];
  consumer.run((message) => {
    seen.push(textOf(message));
    message.settled.then((settlement) => settlements.push(settlement));
  });
  await until("the first is committed", () => settlements.length === 1);
  await shop.broker.kill();
  answered.length = 0;
  await shop.broker.start();
  const isBack = (code: number) => answered.includes(code);
  await until("the lock is taken again", () => isBack(41));
  await until("the position is committed again", () => isBack(15));
  await shop.send(["b"]);
  await until("the second is handled", () => seen.length === 2);
  assertEquals(seen, ["a", "b"]);
  assertEquals(await consumer.close(), clean);
});

Deno.test("faults - a member that is refused its lock stops: its signals abort, and it commits nothing", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(["a"]);
  await using consumer = await shop.start();
  const [message] = await next(consumer[Symbol.asyncIterator](), 1);
  const member = await Member.join(shop.broker, "raw");
  const { address } = shop.broker.brokers[0]!, { queue } = message!;
  const list = await member.ask(createGetConsumerListRequest({ consumerGroup: GROUP }));
  const { members: [clientId] } = readGetConsumerListResponse(list, { address });
  const lock = { consumerGroup: GROUP, queues: [queue] };
  await member.ask(createUnlockQueuesRequest({ ...lock, clientId: clientId! }));
  await member.ask(createLockQueuesRequest({ ...lock, clientId: "another" }));
  await shop.broker.disconnect();
  await until("it lost the queue", () => message!.signal.aborted);
  message!.ack();
  assertEquals(await message!.settled, "released");
  assertEquals((await consumer.close()).isClean, true);
  member[Symbol.dispose]();
});

Deno.test("faults - a message whose body is broken becomes a dead letter, and the others are handled", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  const member = await Member.join(shop.broker, "raw");
  const compressed = sendHeader({
    topic: TOPIC,
    sysFlag: SysFlag.Compressed,
    properties: propertyString({ UNIQ_KEY: "broken" }),
  });
  await member.ask(createSendMessageRequest({ ...compressed, queueId: 0 }, utf8("no zlib")));
  await shop.send(["good"]);
  await using consumer = await shop.start();
  const [message] = await next(consumer[Symbol.asyncIterator](), 1);
  message!.ack();
  assertEquals([textOf(message!), await message!.settled], ["good", "committed"]);
  assertStringIncludes(JSON.stringify(shop.logger.lines), "its body can't be read");
  member[Symbol.dispose]();
});
