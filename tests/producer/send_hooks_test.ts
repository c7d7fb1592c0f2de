import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { InvalidArgumentError, SendForbiddenError } from "../../src/errors.ts";
import type { SendContext, SendHooks, SendOutcome } from "../../src/producer/mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";

import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { Producer } from "../../mod.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { silentLogger } from "../support/test_client.ts";
import { message } from "./support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2;

/** Hooks that keep what they are told. */
class RecordingHooks implements SendHooks {
  readonly begun: SendContext[] = [];
  readonly ended: [SendContext, SendOutcome][] = [];

  before(context: SendContext): void {
    this.begun.push(context);
  }

  after(context: SendContext, outcome: SendOutcome): void {
    this.ended.push([context, outcome]);
  }
}

Deno.test("sendHooks - they see what is sent, where to, how long it took, and why it failed", async () => {
  await using cluster = new ScriptedCluster();
  const hooks = new RecordingHooks();
  const producer = cluster.producer({ sendHooks: hooks, retries: 0 });
  await producer.start();
  const result = await producer.send(message({ tags: "TagA", keys: ["k1", "k2"] }));
  const id = await producer.sendOneway(message());
  cluster.broker.on(SEND, silence);
  const refused = producer.send(message(), { timeout: 250 });
  await Promise.all([assertRejects(() => refused), cluster.clock.advance(250)]);

  const [[context, outcome], [oneway, written], [, failed]] = hooks.ended as [
    ...[SendContext, SendOutcome][],
  ] as [[SendContext, SendOutcome], [SendContext, SendOutcome], [SendContext, SendOutcome]];
  const [sent] = context.messages;
  assertEquals(hooks.begun.map(({ kind }) => kind), ["send", "oneway", "send"]);
  assertEquals([context.topic, context.producerGroup], [TOPIC, "group"]);
  assertEquals([sent!.messageId, sent!.bodySize], [result.messageId, 14]);
  assertEquals([sent!.properties.TAGS, sent!.properties.KEYS], ["TagA", "k1 k2"]);
  assert(outcome.result);
  assertEquals(outcome.result.offsetMessageIds, [result.offsetMessageId]);
  assertEquals(outcome.result.brokerAddress, cluster.broker.address);
  assertEquals([oneway.messages[0]!.messageId, written], [id, { duration: 0 }]);
  assertEquals([failed.duration, failed.result], [250, undefined]);
  assertStringIncludes(String(failed.error), cluster.broker.address);
});

Deno.test("sendHooks - before adds properties; those of the message stay as they are", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer({
    sendHooks: [
      { before: () => ({ host: "order-7", region: "hook" }) },
      { before: ({ messages }) => ({ length: String(messages[0]!.bodySize), host: "second" }) },
    ],
  });
  await producer.start();
  await producer.send(message({ properties: { region: "mine" }, tags: "TagA" }));

  const { host, region, length, TAGS } = cluster.broker.messages[0]!.properties;
  assertEquals({ host, region, length, TAGS }, {
    host: "order-7",
    region: "mine",
    length: "14",
    TAGS: "TagA",
  });
});

Deno.test("sendHooks - a property goes into every message of a batch", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false, topics: [TOPIC] });
  const hooks = new RecordingHooks();
  await using producer = new Producer({
    nameServers: broker.nameServer,
    dialer: broker.dialer,
    producerGroup: "batches",
    topics: [TOPIC],
    logger: silentLogger,
    sendHooks: [hooks, { before: () => ({ host: "order-7" }) }],
  });
  await producer.start();
  const result = await producer.sendBatch([message({ keys: "a" }), message({ keys: "b" })]);

  const stored = await broker.messages(TOPIC);
  assertEquals(stored.map(({ keys, properties: { host } }) => [keys, host]), [
    [["a"], "order-7"],
    [["b"], "order-7"],
  ]);
  const [context, { result: receipt }] = hooks.ended[0]!;
  assertEquals(context.messages.map(({ messageId }) => messageId), [
    ...result.messages.map(({ messageId }) => messageId),
  ]);
  assertEquals(receipt!.offsetMessageIds.length, 2);
});

Deno.test("sendHooks - what breaks the rules of properties is not added, and the message goes", async () => {
  const bad: Record<string, string>[] = [
    { UNIQ_KEY: "stolen" },
    { DELAY: "3" },
    { a: "b\u0001DELAY\u00023" },
    { empty: "" },
    { huge: "x".repeat(40_000) },
    { number: 7 as unknown as string },
  ];
  await using cluster = new ScriptedCluster();
  let next = 0;
  const producer = cluster.producer({ sendHooks: { before: () => bad[next++]! } });
  await producer.start();
  for (const _ of bad) {
    await cluster.clock.advance(60_000);
    const { messageId } = await producer.send(message({ properties: { own: "stays" } }));
    const { properties } = cluster.broker.messages.at(-1)!;
    assertEquals(properties, { own: "stays", UNIQ_KEY: messageId, WAIT: "true" });
  }
  assertEquals(cluster.logger.matching("Cannot add properties", "warn").length, bad.length);
});

Deno.test("sendHooks - a half message takes no property that would break its checks", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(
    { executeLocalTransaction: () => "COMMIT" },
    { sendHooks: { before: () => ({ CHECK_IMMUNITY_TIME_IN_SECONDS: "999999" }) } },
  );
  const result = await producer.sendMessageInTransaction(message());

  assertEquals(result.endTransaction, "confirmed");
  const { properties } = cluster.broker.halves[0]!;
  assertEquals(properties.CHECK_IMMUNITY_TIME_IN_SECONDS, undefined);
});

Deno.test("sendHooks - one that throws, or promises and fails, is logged and does no harm", async () => {
  await using cluster = new ScriptedCluster();
  const fail = () => {
    throw new Error("hook is broken");
  };
  const later = () => Promise.reject(new Error("hook is broken later")) as unknown as undefined;
  const hooks = new RecordingHooks();
  const producer = cluster.producer({
    sendHooks: [{ before: fail, after: fail }, { before: later, after: later }, hooks],
  });
  await producer.start();
  await producer.send(message());

  assertEquals(cluster.broker.messages.length, 1);
  assertEquals([hooks.begun.length, hooks.ended.length], [1, 1]);
  assertEquals(cluster.logger.matching("sendHooks.before failed", "warn").length, 1);
  assertEquals(cluster.logger.matching("sendHooks.after failed", "warn").length, 1);
  await cluster.clock.advance(60_000);
  await producer.send(message());
  const [, later1] = cluster.logger.matching("sendHooks.before failed", "warn");
  assertStringIncludes(later1!, "(1 more like this since the last line)");
});

Deno.test("sendHooks - forbid refuses any kind of send before anything leaves or runs", async () => {
  await using cluster = new ScriptedCluster();
  const hooks = new RecordingHooks();
  let ran = 0;
  const producer = await cluster.started(
    { executeLocalTransaction: () => (ran++, "COMMIT") },
    {
      sendHooks: [hooks, {
        forbid: ({ messages }) => messages[0]!.properties.secret && "secrets stay here",
      }],
    },
  );
  const secret = message({ properties: { secret: "yes" } });
  const sends = [
    () => producer.send(secret),
    () => producer.sendOneway(secret),
    () => producer.sendBatch([secret, secret]),
    () => producer.request(secret),
    () => producer.sendMessageInTransaction(secret),
  ];
  for (const send of sends) {
    const error = await assertRejects(send, SendForbiddenError, "secrets stay here");
    assertEquals([error.code, error.topic, error.isRetriable], ["FORBIDDEN", TOPIC, false]);
  }
  assertEquals([hooks.begun.length, hooks.ended.length, ran], [0, 0, 0]);
  assertEquals(cluster.broker.messages, []);
  await producer.send(message());
  assertEquals(cluster.broker.messages.length, 1);
});

Deno.test("sendHooks - a forbid that throws, or gives no text, forbids", async () => {
  await using cluster = new ScriptedCluster();
  const broken = new Error("rule server is away");
  const answers: (() => unknown)[] = [
    () => {
      throw broken;
    },
    () => Promise.resolve(undefined),
    () => true,
  ];
  let answer = answers[0]!;
  const producer = cluster.producer({ sendHooks: { forbid: () => answer() as undefined } });
  await producer.start();
  for (answer of answers) {
    const error = await assertRejects(() => producer.send(message()), SendForbiddenError);
    assertEquals(error.cause, answer === answers[0] ? broken : undefined);
  }
  assertEquals(cluster.broker.messages, []);
});

Deno.test("sendHooks - a hook can't change the message past the rules", async () => {
  await using cluster = new ScriptedCluster();
  const before = ({ messages }: SendContext) => {
    (messages[0]!.properties as Record<string, string>).DELAY = "3";
  };
  const producer = cluster.producer({ sendHooks: { before } });
  await producer.start();
  await producer.send(message());

  assertEquals(cluster.broker.messages[0]!.properties.DELAY, undefined);
  assertEquals(cluster.logger.matching("sendHooks.before failed").length, 1);
});

Deno.test("sendHooks - options that are none are refused", () => {
  const cluster = new ScriptedCluster();
  for (const sendHooks of [null, 7, { before: "later" }, [{}, { forbid: 1 }]]) {
    assertThrows(
      () => cluster.producer({ sendHooks: sendHooks as SendHooks }),
      InvalidArgumentError,
      "Cannot use option sendHooks: ",
    );
  }
});
