import { assertEquals, assertGreater } from "@std/assert";
import { IncomingMessage } from "../../src/consumer/incoming_message.ts";
import { type ConsumedMessage, MessageInbox } from "../../src/consumer/mod.ts";
import type { MessageExt } from "../../src/message/mod.ts";
import { propertyString, sendHeader } from "../conformance/steps.ts";
import { utf8 } from "../remoting/frames.ts";
import { createSendMessageRequest } from "../support/requests.ts";
import { Member } from "../testing/member.ts";
import { databaseTest } from "./databases.ts";
import { EffectWorld, forEveryStep, writeEffect } from "./effect_world.ts";
import { type Fate, MortalProcess } from "./mortal_process.ts";
import { bodies, GROUP, pause, TOPIC, until } from "./support.ts";

const MESSAGES = bodies(3);

/** Has messages handled by a process that meets its fate at a step, and then by one that lives. */
async function handleTwice(world: EffectWorld, step: number, fate: Fate): Promise<MortalProcess> {
  const first = new MortalProcess(step, fate), second = new MortalProcess();
  const consume = (process: MortalProcess) =>
    world.consume(process, new MessageInbox(world.tables(process)).handler(writeEffect));
  const consumer = await consume(first);
  let isDone = false;
  world.untilEffects(MESSAGES).then(() => isDone = true, () => {});
  await until("it is dead or done", () => first.isDead || isDone, 20_000);
  if (isDone && !first.isDead) await consumer.close();
  await consume(second);
  await world.untilEffects(MESSAGES);
  await pause(100);
  assertEquals(await world.effects(), MESSAGES, `step ${step}`);
  return first;
}

for (const fate of ["killed", "fails"] as const) {
  databaseTest(
    `inbox - each message has one effect if the ${
      fate === "killed" ? "process is killed" : "database fails"
    } at any step`,
    async (open) => {
      const steps = await forEveryStep(async (step) => {
        await using world = await EffectWorld.open(await open(), MESSAGES);
        return await handleTwice(world, step, fate);
      });
      assertGreater(steps.length, 20, steps.join());
    },
  );
}

databaseTest(
  "inbox - a message that is in the topic twice under one id has one effect",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["other"]);
    using member = await Member.join(world.broker, "raw");
    const properties = propertyString({ UNIQ_KEY: "order-1" });
    const header = sendHeader({ topic: TOPIC, properties });
    for (let time = 0; time < 2; time++) {
      await member.ask(createSendMessageRequest({ ...header, queueId: 0 }, utf8("twice")));
    }
    const process = new MortalProcess(), settlements: string[] = [];
    const handler = new MessageInbox(world.tables(process)).handler(writeEffect);
    await world.consume(process, (message) => {
      message.settled.then((settlement) => settlements.push(settlement));
      return handler(message);
    });
    await until("all three are settled", () => settlements.length === 3);
    assertEquals(settlements, ["committed", "committed", "committed"]);
    assertEquals(await world.effects(), ["other", "twice"]);
  },
);

databaseTest(
  "inbox - groups have effects of their own",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a"]);
    const process = new MortalProcess();
    const inbox = new MessageInbox(world.tables(process));
    for (const group of ["one", "two"]) {
      await world.consume(process, inbox.handler(writeEffect), { group });
    }
    await pause(1_000);
    assertEquals(await world.effects(), ["a", "a"]);
  },
);

databaseTest(
  "inbox - an effect that puts its message aside is rolled back, and a repaired one can be had later",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a"]);
    const process = new MortalProcess(), settlements: string[] = [];
    const inbox = new MessageInbox(world.tables(process));
    const handler = inbox.handler(async (message, tx) => {
      await writeEffect(message, tx);
      message.deadLetter("no such article");
    });
    await world.consume(process, (message) => {
      message.settled.then((settlement) => settlements.push(settlement));
      return handler(message);
    });
    await until("it is settled", () => settlements.length === 1);
    assertEquals([settlements, await world.effects()], [["dead-lettered"], []]);
    await world.consume(process, inbox.handler(writeEffect), {
      subscriptions: { [`%DLQ%${GROUP}`]: "*" },
      group: "repair",
    });
    await world.untilEffects(["a"]);
  },
);

Deno.test("unique key - a retry of a message without an id of its producer has the key of the first delivery", () => {
  const of = (messageId: string, properties: Record<string, string>) =>
    keyOf({ messageId, properties } as MessageExt);
  assertEquals(of("offset id", {}), "offset id");
  assertEquals(of("other offset id", { ORIGIN_MESSAGE_ID: "offset id" }), "offset id");
  assertEquals(of("unique", { UNIQ_KEY: "unique", ORIGIN_MESSAGE_ID: "offset id" }), "unique");
});

function keyOf(message: MessageExt): string {
  const queue = { topic: TOPIC, brokerName: "b", queueId: 0 };
  const { signal } = new AbortController();
  const none = { begin: () => {}, enter: () => () => {}, take: () => {} };
  const owner = { signal, queue, group: GROUP, offsets: undefined, ...none };
  const read: ConsumedMessage = new IncomingMessage(message, TOPIC, 1, owner);
  return read.uniqueKey;
}
