import { assertEquals, assertFalse, assertInstanceOf } from "@std/assert";
import { BrokerResponseError, ConnectionError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import type { ScriptedBroker } from "../support/scripted_broker.ts";
import { type Reaction, silence } from "../support/scripted_peer.ts";
import { assertSendFailed, message, PatientListener, saying } from "./support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2;

/** Asserts that a later check-back of the only half message tells that its local transaction did not run. */
async function assertFenced(listener: PatientListener, broker: ScriptedBroker): Promise<void> {
  broker.checkBack(broker.halves[0]!);
  await settle();
  const { context } = listener.checks[0]!;
  assertEquals([context.localTransactionRan, context.known], [false, true]);
  assertEquals(context.transactionId, broker.halves[0]!.transactionId);
  listener.checks[0]!.answer("ROLLBACK");
  await settle();
  assertEquals(broker.states(), ["ROLLBACK"]);
}

/** What leaves open whether the half message was stored. The broker has stored it. */
const OPEN: Record<string, { after: Reaction; code: string }> = {
  "no answer comes": { after: silence, code: "TIMEOUT" },
  "the connection breaks": { after: (_c, from) => from.reset(), code: "CONNECTION_LOST" },
  "the connection ends": { after: (_c, from) => from.end(), code: "CONNECTION_LOST" },
  "garbage comes": {
    after: (_c, from) => from.send(Uint8Array.of(0, 0, 0, 5, 0x7f, 0, 0, 1, 9)),
    code: "CONNECTION_LOST",
  },
};

for (const [title, { after, code }] of Object.entries(OPEN)) {
  Deno.test(`half message - when ${title}, it is never sent again: indeterminate`, async () => {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    const [a, b] = cluster.brokers;
    a!.on(SEND, (command, from) => {
      a!.store(command, from);
      return after(command, from);
    });
    const listener = new PatientListener();
    const producer = await cluster.started(listener);
    const send = watch(producer.sendMessageInTransaction(message()));
    await cluster.clock.advance(3_000);

    const error = assertSendFailed(send.error, "indeterminate", TOPIC, "ROLLBACK");
    assertInstanceOf(error.cause, ConnectionError);
    assertEquals([error.cause.code, error.cause.written, error.isRetriable], [code, true, true]);
    assertEquals([error.address, error.brokerName, error.transactionId], [
      "10.0.1.1:10911",
      "broker-1",
      a!.halves[0]!.transactionId,
    ]);
    assertEquals([a!.halves.length, b!.halves.length, listener.executions.length], [1, 0, 0]);
    assertEquals(producer.stats().indeterminateSends, 1);
    await cluster.clock.advance(3_000);
    await assertFenced(listener, a!);
  });
}

for (const code of [1, 13, 16, 17, 29, 9999]) {
  Deno.test(`half message - refused with ${code} it failed, nothing was stored`, async () => {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    for (const broker of cluster.brokers) broker.on(SEND, () => ({ code, remark: "no" }));
    const listener = new PatientListener();
    const producer = await cluster.started(listener);
    const send = watch(producer.sendMessageInTransaction(message()));
    await settle();

    const error = assertSendFailed(send.error, "failed", "Nothing was stored", '"no"');
    assertInstanceOf(error.cause, BrokerResponseError);
    assertEquals([error.responseCode, error.topic], [code, TOPIC]);
    assertEquals(cluster.brokers.flatMap((broker) => broker.requests(SEND)).length, 1);
    assertEquals([listener.executions.length, producer.stats().failedSends], [0, 1]);
  });
}

Deno.test("half message - a broker that can't be reached is passed over", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [a, b] = cluster.brokers;
  const producer = await cluster.started(saying("COMMIT"));
  cluster.network.fail(a!.address);
  a!.cut();
  await settle();
  const send = watch(producer.sendMessageInTransaction(message()));
  await cluster.clock.advance(2_000);

  assertEquals(send.value?.messageQueue.brokerName, "broker-2");
  assertEquals([a!.halves.length, b!.states()], [0, ["COMMIT"]]);
});

Deno.test("half message - when no broker can be reached it failed within its deadline", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const producer = await cluster.started(saying("COMMIT"));
  for (const broker of cluster.brokers) {
    cluster.network.fail(broker.address);
    broker.cut();
  }
  await settle();
  const send = watch(producer.sendMessageInTransaction(message(), undefined, { timeout: 2_000 }));
  await cluster.clock.advance(2_050);

  const error = assertSendFailed(send.error, "failed", "connection refused");
  assertEquals((error.cause as ConnectionError).code, "CONNECT_FAILED");
  assertEquals(error.isRetriable, true);
});

Deno.test("half message - a topic without a route failed", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  const send = watch(producer.sendMessageInTransaction(message({ topic: "Missing" })));
  await settle();

  const error = assertSendFailed(send.error, "failed", "create the topic");
  assertEquals(error.topic, "Missing");
});

Deno.test("half message - a signal that aborts around its answer: the listener never begins after it", async () => {
  for (let turns = 0; turns < 40; turns++) {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster;
    const controller = new AbortController(), { signal } = controller;
    broker.on(SEND, async (command, from) => {
      from.respond(command, broker.store(command, from));
      for (let i = 0; i < turns; i++) await Promise.resolve();
      controller.abort();
    });
    let begun = 0;
    const producer = await cluster.started({
      executeLocalTransaction() {
        assertFalse(signal.aborted, `it began ${turns} turns after the answer`);
        begun++;
        return "COMMIT";
      },
    });
    const send = watch(producer.sendMessageInTransaction(message(), undefined, { signal }));
    await settle();

    if (begun > 0) {
      assertEquals([send.value?.endTransaction, broker.states()], ["confirmed", ["COMMIT"]]);
    } else if (broker.states().length > 0) {
      assertSendFailed(send.error, "failed", "It was rolled back");
      assertEquals(broker.states(), ["ROLLBACK"]);
    } else assertSendFailed(send.error, "indeterminate");
  }
});

Deno.test("half message - when the event loop was blocked beyond the deadline, its answer is too late", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  broker.on(SEND, (command, from) => {
    from.respond(command, broker.store(command, from));
    clock.block(10_000);
  });
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  const send = watch(producer.sendMessageInTransaction(message()));
  await settle();

  assertSendFailed(send.error, "failed", "its 3000 ms were over", "It was rolled back");
  assertEquals([listener.executions.length, broker.states()], [0, ["ROLLBACK"]]);
});

Deno.test("half message - stored for a caller who has given up, it is rolled back, and again at a check-back", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  broker.on(SEND, (command, from) => {
    from.respond(command, broker.store(command, from));
    clock.block(10_000);
  });
  broker.once(RequestCode.END_TRANSACTION, silence);
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  const send = watch(producer.sendMessageInTransaction(message()));
  await settle();
  await clock.advance(100);
  assertSendFailed(send.error, "indeterminate", "rollback is not confirmed");
  await clock.advance(3_000);
  broker.checkBack(broker.halves[0]!);
  await settle();

  assertEquals(broker.states(), ["ROLLBACK", "ROLLBACK"]);
  assertEquals([listener.executions.length, listener.checks.length], [0, 0]);
});

Deno.test("half message - an answer at the deadline is too late for the local transaction", async () => {
  for (const delay of [999, 1_000]) {
    await using cluster = new ScriptedCluster();
    const { broker, clock } = cluster;
    const producer = await cluster.started(saying("COMMIT"));
    broker.on(SEND, async (command, from) => {
      const reply = broker.store(command, from);
      await new Promise<void>((resolve) => clock.setTimer(resolve, delay));
      return reply;
    });
    const send = watch(producer.sendMessageInTransaction(message(), undefined, { timeout: 1_000 }));
    await clock.advance(1_000);
    if (delay === 999) assertEquals(send.value?.endTransaction, "confirmed");
    else assertSendFailed(send.error, "indeterminate");
    assertEquals(broker.states(), delay === 999 ? ["COMMIT"] : []);
  }
});

Deno.test("half message - too many at once are refused, none is lost", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"), { maxRequestsInFlight: 10 });
  const sends = Array.from(
    { length: 30 },
    () => watch(producer.sendMessageInTransaction(message())),
  );
  await cluster.clock.advance(1_000);

  const refused = sends.filter(({ error }) => error !== undefined);
  for (const { error } of refused) {
    assertEquals((assertSendFailed(error, "failed").cause as ConnectionError).code, "OVERLOADED");
  }
  assertEquals(sends.filter(({ value }) => value?.endTransaction === "confirmed").length, 10);
  assertEquals([refused.length, cluster.broker.halves.length], [20, 10]);
});
