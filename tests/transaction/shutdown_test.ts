import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { InvalidStateError, RocketMQError, TransactionSendError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { recordEvents, ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { assertNothingLeft, begin, message, PatientListener, saying } from "./support.ts";

Deno.test("shutdown - local transactions are waited for, their verdicts sent, then it unregisters", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const { producer, listener, send } = await begin(cluster);
  const shutdown = watch(producer.shutdown());
  await cluster.clock.advance(5_000);
  assertEquals([shutdown.state, listener.executions[0]!.context.signal.aborted], [
    "pending",
    false,
  ]);
  await assertRejects(
    () => producer.sendMessageInTransaction(message()),
    InvalidStateError,
    "closing",
  );
  await assertRejects(() => producer.send(message()), InvalidStateError, "closing");
  listener.executions[0]!.answer("COMMIT");
  await settle();

  assertEquals([shutdown.state, send.value?.endTransaction], ["resolved", "confirmed"]);
  const codes = broker.connections[0]!.requests.map(({ code }) => code);
  assertEquals(codes.slice(-2), [RequestCode.END_TRANSACTION, RequestCode.UNREGISTER_CLIENT]);
  await producer.closed;
  await assertNothingLeft(cluster);
});

Deno.test("shutdown - check-backs that came are answered, later ones are not taken", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener, { checkConcurrency: 1 });
  for (const transactionId of ["A", "B"]) broker.checkBack(broker.strangeHalf({ transactionId }));
  await settle();
  const shutdown = watch(producer.shutdown());
  await settle();
  broker.checkBack(broker.strangeHalf({ transactionId: "too late" }));
  await settle();
  listener.checks[0]!.answer("COMMIT");
  await settle();
  assertEquals(shutdown.state, "pending");
  listener.checks[1]!.answer("ROLLBACK");
  await settle();

  assertEquals(shutdown.state, "resolved");
  assertEquals(broker.verdicts().map(({ transactionId, state }) => [transactionId, state]), [
    ["A", "COMMIT"],
    ["B", "ROLLBACK"],
  ]);
  assertEquals([producer.stats().droppedChecks, producer.stats().confirmedVerdicts], [1, 2]);
});

Deno.test("shutdown - a check-back that nobody had taken is forgotten, and the next one joins nothing", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const local = Promise.withResolvers<"COMMIT">();
  const producer = await cluster.started({ executeLocalTransaction: () => local.promise });
  const events = recordEvents(producer);
  const send = producer.sendMessageInTransaction(message());
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await settle();
  const shutdown = producer.shutdown();
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await settle();
  local.resolve("COMMIT");
  await Promise.all([send, shutdown]);

  const handlings = events.flatMap((event) => event.type === "checkBack" ? [event.handling] : []);
  assertEquals(handlings, ["asked", "dropped"]);
  assertEquals(broker.verdicts().map(({ state }) => state), ["COMMIT"], "the other is left open");
});

Deno.test("shutdown - waits until the answer to a check-back is confirmed", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { promise: allowed, resolve: allow } = Promise.withResolvers<void>();
  broker.on(RequestCode.END_TRANSACTION, async () => {
    await allowed;
    return {};
  });
  const producer = await cluster.started(saying("UNKNOWN", "COMMIT"));
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await settle();
  const shutdown = watch(producer.shutdown());
  await clock.advance(1_000);
  assertEquals([shutdown.state, broker.requests(RequestCode.UNREGISTER_CLIENT)], ["pending", []]);
  allow();
  await settle();

  assertEquals([shutdown.state, producer.stats().confirmedVerdicts], ["resolved", 1]);
});

Deno.test("shutdown - a local transaction that never ends settles as unknown when the producer is closed", async () => {
  await using cluster = new ScriptedCluster();
  const { clock } = cluster;
  const { producer, send } = await begin(cluster);
  const shutdown = watch(producer.shutdown({ timeout: 2_000 }));
  await clock.advance(2_000);

  assertEquals([shutdown.state, send.state], ["resolved", "resolved"]);
  const { localTransactionState, localTransactionError } = send.value!;
  assertEquals(localTransactionState, "UNKNOWN");
  assertInstanceOf(localTransactionError, InvalidStateError);
  assertEquals(producer.stats().transactionsInFlight, 0);
});

Deno.test("shutdown - before its deadline signals are aborted, and it ends at the deadline", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const { producer, listener, send } = await begin(cluster);
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  broker.checkBack(broker.strangeHalf({ transactionId: "B" }));
  await settle();
  const shutdown = watch(producer.shutdown({ timeout: 2_000 }));
  await clock.advance(1_000);
  const signals = [listener.executions[0]!, ...listener.checks].map(({ context }) =>
    context.signal
  );
  assertEquals([shutdown.state, ...signals.map(({ aborted }) => aborted)], [
    "pending",
    false,
    false,
    false,
  ]);
  await clock.advance(1_000);
  for (const { reason } of signals) assertInstanceOf(reason, InvalidStateError);
  assertEquals(shutdown.state, "resolved");
  assertEquals(broker.states(), ["UNKNOWN", "UNKNOWN"], "the check-backs are answered");

  listener.executions[0]!.answer("COMMIT");
  for (const { answer } of listener.checks) answer("COMMIT");
  await clock.advance(10);
  assertEquals(send.value?.endTransaction, "failed");
  assertEquals(broker.states().includes("COMMIT"), false);
  await assertNothingLeft(cluster);
});

Deno.test("shutdown - a listener that heeds its signal still gets its verdict through", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  broker.on(RequestCode.END_TRANSACTION, async () => {
    await new Promise<void>((resolve) => clock.setTimer(resolve, 200));
    return {};
  });
  const producer = await cluster.started({
    executeLocalTransaction: (_message, _arg, { signal }) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve("ROLLBACK"))),
  });
  const send = watch(producer.sendMessageInTransaction(message()));
  await settle();
  const shutdown = watch(producer.shutdown({ timeout: 2_000 }));
  await clock.advance(2_000);

  assertEquals([shutdown.state, send.value?.endTransaction], ["resolved", "confirmed"]);
  assertEquals(broker.states(), ["ROLLBACK"]);
});

Deno.test("shutdown - a half message that is on its way at the deadline is not followed by a local transaction", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  broker.on(RequestCode.SEND_MESSAGE_V2, silence);
  const listener = new PatientListener();
  const producer = await cluster.started(listener, { sendTimeout: 60_000 });
  const send = watch(producer.sendMessageInTransaction(message()));
  await settle();
  const shutdown = watch(producer.shutdown({ timeout: 1_000 }));
  await clock.advance(2_500);

  assertEquals(shutdown.state, "resolved");
  assertInstanceOf(send.error, TransactionSendError);
  assertEquals([send.error.outcome, listener.executions.length], ["indeterminate", 0]);
  await assertNothingLeft(cluster);
});

Deno.test("shutdown - a half message that is stored right after the deadline is not followed by one either", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  broker.on(RequestCode.SEND_MESSAGE_V2, async (command, from) => {
    await new Promise<void>((resolve) => clock.setTimer(resolve, 1_100));
    return broker.store(command, from);
  });
  const listener = new PatientListener();
  const producer = await cluster.started(listener, { sendTimeout: 60_000 });
  const send = watch(producer.sendMessageInTransaction(message()));
  await settle();
  const shutdown = watch(producer.shutdown({ timeout: 1_000 }));
  await clock.advance(2_500);

  assertEquals([shutdown.state, listener.executions.length], ["resolved", 0]);
  assertInstanceOf(send.error, TransactionSendError);
  assertEquals([send.error.outcome, broker.halves.length], ["indeterminate", 1]);
});

Deno.test("shutdown - a send that waits for a broker ends with it, without spinning", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock, network } = cluster;
  const producer = await cluster.started(saying("COMMIT"), { sendTimeout: 60_000 });
  network.fail(broker.address);
  broker.cut();
  await settle();
  const send = watch(producer.sendMessageInTransaction(message()));
  const shutdown = watch(producer.shutdown({ timeout: 500 }));
  await clock.advance(2_000);

  assertEquals(shutdown.state, "resolved");
  assertInstanceOf(send.error, TransactionSendError);
  assertEquals(send.error.outcome, "failed");
  await assertNothingLeft(cluster);
});

Deno.test("shutdown - from inside a listener it ends at its deadline, or at once if nobody waits for it", async () => {
  await using cluster = new ScriptedCluster();
  const waiting = await cluster.started({
    async executeLocalTransaction() {
      await waiting.shutdown({ timeout: 1_000 });
      return "COMMIT" as const;
    },
  });
  const send = watch(waiting.sendMessageInTransaction(message()));
  await cluster.clock.advance(2_000);
  await waiting.closed;
  assertEquals(send.value?.endTransaction, "failed");

  const telling = await cluster.started({
    executeLocalTransaction() {
      telling.shutdown();
      return "COMMIT";
    },
  });
  const result = await telling.sendMessageInTransaction(message());
  await telling.closed;
  assertEquals(result.endTransaction, "confirmed");
});

Deno.test("shutdown - twice, at once or later, is once; options that make no sense are refused", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  await assertRejects(() => producer.shutdown({ timeout: -1 }), RocketMQError, "option timeout");
  await Promise.all([producer.shutdown(), producer.shutdown(), producer[Symbol.asyncDispose]()]);
  await producer.shutdown();

  assertEquals(cluster.broker.requests(RequestCode.UNREGISTER_CLIENT).length, 1);
  await assertRejects(() => producer.start(), InvalidStateError, "closed already");
});

Deno.test("shutdown - await using ends a producer also when the block throws", async () => {
  await using cluster = new ScriptedCluster();
  await assertRejects(
    async () => {
      await using producer = await cluster.started(saying("COMMIT"));
      await producer.sendMessageInTransaction(message());
      throw new Error("the application failed");
    },
    Error,
    "the application failed",
  );

  assertEquals(cluster.broker.requests(RequestCode.UNREGISTER_CLIENT).length, 1);
  await assertNothingLeft(cluster);
});

Deno.test("shutdown - of one that was never started closes it", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.transactionProducer(saying("COMMIT"));
  await producer.shutdown();
  await producer.closed;
  await assertRejects(() => producer.start(), InvalidStateError, "closed already");

  assertEquals(cluster.network.dials, []);
});
