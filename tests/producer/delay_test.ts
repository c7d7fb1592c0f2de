import { assertEquals, assertRejects } from "@std/assert";
import {
  BrokerResponseError,
  type DelayableMessage,
  InvalidArgumentError,
  Producer,
  ResponseCode,
  TopicRouteNotFoundError,
} from "../../mod.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../src/testing/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLogger } from "../support/test_client.ts";

const TOPIC = "reminders";

async function start(stack: AsyncDisposableStack, options: EmbeddedBrokerOptions = {}) {
  const clock = new FakeClock();
  const broker = stack.use(
    await EmbeddedBroker.start({ brokers: 2, listen: false, topics: [TOPIC], clock, ...options }),
  );
  const producer = stack.use(
    new Producer({
      nameServers: broker.nameServer,
      dialer: broker.dialer,
      producerGroup: "reminders",
      topics: [TOPIC],
      logger: silentLogger,
      clock,
    }),
  );
  await producer.start();
  return { broker, producer, clock };
}

Deno.test("send() - delayed messages come when they are due, in each of the three ways", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer, clock } = await start(stack);
  const message = { topic: TOPIC, body: "b" };
  const started = clock.now();
  const messages: DelayableMessage[] = [
    { ...message, keys: "level", delayLevel: 1 },
    { ...message, keys: "delay", delay: 1_000 },
    { ...message, keys: "date", deliverAt: new Date(started + 1_000) },
    { ...message, keys: "number", deliverAt: started + 1_000 },
  ];
  const results = [];
  for (const message of messages) results.push(await producer.send(message));
  await clock.advance(900);
  assertEquals(await broker.messages(TOPIC), []);

  await clock.advance(1_100);
  const delivered = await broker.messages(TOPIC);
  assertEquals(delivered.map(({ keys }) => keys[0]).sort(), ["date", "delay", "level", "number"]);
  // Only timers can be recalled.
  assertEquals(results.map(({ recallHandle }) => recallHandle !== undefined).slice(0, 2), [
    false,
    true,
  ]);
});

Deno.test("recall() - asks the broker in the handle, and gives the id of the message", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await start(stack);
  const sent = await producer.send({ topic: TOPIC, body: "b", delay: 60_000 });
  const { brokerName } = sent.messageQueue;
  using recalls = broker.faults.add({
    on: 370,
    at: brokerName,
    fields: {
      topic: TOPIC,
      recallHandle: sent.recallHandle!,
      bname: brokerName,
      producerGroup: "reminders",
    },
    action: "answer",
    code: 0,
    extFields: { msgId: sent.messageId },
  });
  const recalled = await producer.recall({ topic: TOPIC, recallHandle: sent.recallHandle! });
  assertEquals([recalled, recalls.hits], [sent.messageId, 1]);
});

Deno.test("recall() - a message that was taken back is never delivered", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer, clock } = await start(stack, { recallMessages: true });
  const [recalled, kept] = [
    await producer.send({ topic: TOPIC, body: "recalled", delay: 2_000 }),
    await producer.send({ topic: TOPIC, body: "kept", delay: 2_500 }),
  ];
  const { messageId, recallHandle } = recalled;
  assertEquals(
    await producer.recall({ topic: TOPIC, recallHandle: recallHandle! }),
    messageId,
  );
  await clock.advance(10_000);
  const delivered = await broker.messages(TOPIC);
  assertEquals(delivered.map((message) => message.messageId), [kept.messageId]);
});

Deno.test("recall() - a broker that does not allow it is an error with the remedy", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  const { recallHandle } = await producer.send({ topic: TOPIC, body: "b", delay: 60_000 });
  const error = await assertRejects(
    () => producer.recall({ topic: TOPIC, recallHandle: recallHandle! }),
    BrokerResponseError,
    "recallMessageEnable=true",
  );
  assertEquals(error.responseCode, ResponseCode.NO_PERMISSION);
});

Deno.test("recall() - what is no handle or topic is refused, and so is a broker that nobody knows", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  const handles = ["", "%", "🦕", btoa("v1 topic broker"), btoa("v2 t b 1 id"), undefined, 7];
  for (const recallHandle of handles) {
    await assertRejects(
      () => producer.recall({ topic: TOPIC, recallHandle: recallHandle as string }),
      InvalidArgumentError,
      "is not the recallHandle",
    );
  }
  const recallHandle = btoa(`v1 ${TOPIC} broker-x 1 id`);
  await assertRejects(
    () => producer.recall({ topic: "no topic!", recallHandle }),
    InvalidArgumentError,
    "no topic!",
  );
  await assertRejects(
    () => producer.recall({ topic: TOPIC, recallHandle }),
    TopicRouteNotFoundError,
    'no master of broker "broker-x"',
  );
});
