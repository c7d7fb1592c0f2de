import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type ConnectionError,
  InvalidArgumentError,
  type RequestFacts,
  type RequestHook,
  type RequestOutcome,
  TransactionSendError,
} from "../../mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { message, saying } from "../transaction/support.ts";
import { CREDENTIALS } from "./access_support.ts";

Deno.test("requestHooks - see requests before they are signed, how they ended, and check-backs", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const before: RequestFacts[] = [], received: RequestFacts[] = [];
  const after: [RequestFacts, RequestOutcome, string][] = [];
  const hook: RequestHook = {
    before: (request) => void before.push(request),
    after: (request, outcome, address) => void after.push([request, outcome, address]),
    received: (request) => void received.push(request),
  };
  const producer = await cluster.started(saying("COMMIT"), {
    credentials: CREDENTIALS,
    requestHooks: [{ before: () => ({ one: "1" }) }, hook, { before: () => ({ two: "2" }) }],
  });
  await producer.sendOneway(message());
  broker.on(RequestCode.SEND_MESSAGE_V2, (_command, on) => on.reset());
  await assertRejects(() => producer.sendMessageInTransaction(message()), TransactionSendError);
  broker.on(RequestCode.SEND_MESSAGE_V2, (command, on) => broker.store(command, on));
  await cluster.clock.advance(5_000);
  broker.checkBack(broker.strangeHalf({ transactionId: "0".repeat(32) }));
  await settle();

  const names = before.map(({ code }) => code);
  assertEquals(names.slice(0, 2), [RequestCode.GET_ROUTEINFO_BY_TOPIC, RequestCode.HEART_BEAT]);
  for (const { fields } of before) {
    assertEquals([fields.one, fields.two, fields.AccessKey], ["1", undefined, undefined]);
    assert(Object.isFrozen(fields));
  }
  const ends = after.map(([{ code, oneway }, { type }]) => [code, oneway, type]);
  assertEquals(ends.slice(0, 4), [
    [RequestCode.GET_ROUTEINFO_BY_TOPIC, false, "answered"],
    [RequestCode.HEART_BEAT, false, "answered"],
    [RequestCode.SEND_MESSAGE_V2, true, "sent"],
    [RequestCode.SEND_MESSAGE_V2, false, "failed"],
  ]);
  const [route, outcome, address] = after[0]!;
  assertEquals([route.fields.topic, route.fields.two, address], [TOPIC, "2", "10.0.0.1:9876"]);
  assertEquals(outcome.type === "answered" && outcome.code, 0);
  const [, failure] = after[3]!;
  assertEquals(failure.type === "failed" && (failure.error as ConnectionError).written, true);
  assertEquals(received.map(({ code, oneway }) => [code, oneway]), [
    [RequestCode.CHECK_TRANSACTION_STATE, true],
  ]);
  const shown = Deno.inspect([before, after, received], { depth: 9 });
  for (const secret of Object.values(CREDENTIALS).slice(1)) assert(!shown.includes(secret));
});

Deno.test("requestHooks - one that throws before a request stops it, and nothing is sent", async () => {
  await using cluster = new ScriptedCluster();
  let veto: unknown;
  const thrown = new Error("not today");
  const producer = await cluster.started(saying("COMMIT"), {
    requestHooks: [{
      before(request) {
        if (veto === undefined || request.code !== RequestCode.SEND_MESSAGE_V2) return;
        if (veto === thrown) throw thrown;
        return veto as Record<string, string>;
      },
    }],
  });
  for (
    const [given, said] of [
      [thrown, "a request hook threw: not today"],
      [{ b: "other" }, 'header field "b", which is taken'],
      [{ Signature: "x" }, 'header field "Signature", which is taken'],
      [{ x: 1 }, 'header field "x", whose value is no well-formed text'],
      [Promise.resolve({}), "something else than header fields"],
      [null, "something else than header fields"],
    ] as const
  ) {
    veto = given;
    const error = await assertRejects(
      () => producer.send(message()),
      InvalidArgumentError,
      `Cannot send SEND_MESSAGE_V2 to 10.0.1.1:10911: `,
    );
    assert(error.message.includes(said), error.message);
    assertEquals(error.cause, given === thrown ? thrown : undefined);
    const failed = await assertRejects(
      () => producer.sendMessageInTransaction(message()),
      TransactionSendError,
    );
    assertEquals(failed.outcome, "failed");
  }
  assertEquals(cluster.broker.messages, []);
});

Deno.test("requestHooks - one that throws afterwards is told of once and disturbs nobody", async () => {
  await using cluster = new ScriptedCluster();
  const fail = () => {
    throw new Error("hook is broken");
  };
  const producer = await cluster.started(saying("COMMIT", "COMMIT"), {
    requestHooks: [{ after: fail, received: fail }],
  });
  const { endTransaction } = await producer.sendMessageInTransaction(message());
  assertEquals(endTransaction, "confirmed");
  const { broker } = cluster;
  broker.checkBack(broker.strangeHalf({ transactionId: "0".repeat(32) }));
  await settle();
  assertEquals(broker.states(), ["COMMIT", "COMMIT"]);
  assertEquals(cluster.logger.matching("hook is broken", "warn").length, 2);
});

Deno.test("requestHooks - after is called for a request that another hook, or the encoder, refuses", async () => {
  await using cluster = new ScriptedCluster();
  const ended: string[] = [];
  let veto = false;
  const producer = cluster.producer({
    requestHooks: [{
      before: () => ({ "__proto__x": "1", ["__proto__"]: "kept" }),
      after({ code }, outcome) {
        if (code === RequestCode.SEND_MESSAGE_V2) ended.push(outcome.type);
      },
    }, {
      before({ code }) {
        if (veto && code === RequestCode.SEND_MESSAGE_V2) throw new Error("not today");
      },
    }],
  });
  await producer.start();
  await producer.send(message());
  const { extFields } = cluster.broker.requests(RequestCode.SEND_MESSAGE_V2)[0]!;
  assertEquals(Object.getOwnPropertyDescriptor(extFields, "__proto__")?.value, "kept");
  veto = true;
  await assertRejects(() => producer.send(message()), InvalidArgumentError);
  assertEquals(ended, ["answered", "failed"]);
});
