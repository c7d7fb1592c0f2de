import { assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import { BrokerResponseError, TransactionSendError } from "../../mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message } from "./support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2;

/** What brokers answer when they have stored nothing, and may store the same message a moment later. */
const TRANSIENT: [code: number, remark: string][] = [
  [2, "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 206ms"],
  [2, "[REJECTREQUEST]system busy, start flow control for a while"],
  [14, "service not available now. It may be caused by one of the following reasons: …"],
  [215, "flow control"],
  [1500, "please go away"],
  [1, "in-sync replicas not enough"],
  [1, "[PC_SYNCHRONIZED]broker busy, start flow control for a while"],
  [1, "create mapped file failed, server is busy or broken."],
  [1, "broker unable to service, until 2026-11-30 20:00:00"],
];

for (const [code, remark] of TRANSIENT) {
  Deno.test(`half message - refused with ${code} "${remark}" it is sent again after pauses that grow`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker, clock } = cluster;
    clock.chance = () => 0.5;
    let ran = 0;
    const producer = await cluster.started({
      executeLocalTransaction: () => (ran++, "COMMIT"),
    });
    const attempts: number[] = [], began = clock.monotonic();
    broker.on(SEND, (command, from) => {
      attempts.push(Math.round(clock.monotonic() - began));
      return attempts.length < 5 ? { code, remark } : broker.store(command, from);
    });
    const send = watch(producer.sendMessageInTransaction(message()));
    await clock.advance(1_200);

    assertEquals(send.value?.endTransaction, "confirmed");
    assertEquals(attempts, [0, 75, 225, 525, 900]);
    assertEquals([broker.states(), ran], [["COMMIT"], 1]);
  });

  Deno.test(`send() - refused with ${code} "${remark}" it is sent again after a pause`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker, clock } = cluster;
    const producer = cluster.producer();
    await producer.start();
    broker.once(SEND, () => ({ code, remark }));
    const send = watch(producer.send(message()));
    await settle();
    assertEquals(broker.requests(SEND).length, 1);
    await clock.advance(100);

    assertEquals([send.state, broker.messages.length], ["resolved", 1]);
  });
}

Deno.test("half message - one that stays refused fails with what the broker said, never in the last moment", async () => {
  for (const timeout of [undefined, 1_300, 1_000, 150]) {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
    const { clock } = cluster, began = clock.monotonic(), limit = timeout ?? 3_000;
    let last = 0;
    for (const broker of cluster.brokers) {
      broker.on(SEND, () => {
        last = clock.monotonic() - began;
        return { code: 2, remark: "[TIMEOUT_CLEAN_QUEUE]broker busy" };
      });
    }
    const options = timeout === undefined ? {} : { timeout };
    let ended = 0;
    const send = watch(
      producer.sendMessageInTransaction(message(), undefined, options)
        .finally(() => ended = clock.monotonic() - began),
    );
    await clock.advance(limit);

    assertInstanceOf(send.error, TransactionSendError);
    const { outcome, responseCode, isRetriable, cause } = send.error;
    assertEquals([outcome, responseCode, isRetriable], ["failed", 2, true]);
    assertInstanceOf(cause, BrokerResponseError);
    assertLess(last, limit - Math.min(200, limit / 10) + 0.01);
    assertEquals(ended, last, "it did not wait for an attempt that could not be made");
    const count = cluster.brokers.flatMap((broker) => broker.requests(SEND)).length;
    if (limit === 3_000) assertLess(5, count, "it was tried on and on");
  }
});

Deno.test("half message - after a refusal, one whose answer gets lost is not sent a third time", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [a, b] = cluster.brokers;
  a!.on(SEND, () => ({ code: 2 }));
  b!.on(SEND, silence);
  const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
  const send = watch(producer.sendMessageInTransaction(message()));
  await cluster.clock.advance(3_000);

  assertEquals((send.error as TransactionSendError).outcome, "indeterminate");
  assertEquals([a!.requests(SEND).length, b!.requests(SEND).length], [1, 1]);
});

Deno.test("half message - a refusal for good is final, whatever else has its code", async () => {
  for (const remark of ["UNKNOWN_ERROR", "accurate timer message is not enabled", ""]) {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    for (const broker of cluster.brokers) broker.on(SEND, () => ({ code: 1, remark }));
    const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
    const send = watch(producer.sendMessageInTransaction(message()));
    await settle();

    const { outcome, isRetriable } = send.error as TransactionSendError;
    assertEquals([outcome, isRetriable], ["failed", false]);
    assertEquals(cluster.brokers.flatMap((broker) => broker.requests(SEND)).length, 1);
  }
});

Deno.test("send() - of three brokers those that are busy are passed over, whatever other sends do meanwhile", async () => {
  await using cluster = new ScriptedCluster({ brokers: 3 });
  const [a, b, c] = cluster.brokers;
  const refuse: (() => void)[] = [];
  for (const broker of [a!, b!]) {
    broker.on(SEND, async () => {
      await new Promise<void>((resolve) => refuse.push(resolve));
      return { code: 2 };
    });
  }
  const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
  const topic = "narrow";
  const queues = 1;
  cluster.nameServer.route(
    topic,
    cluster.brokers.map(({ name, address }) => ({ name, address, queues })),
  );
  const send = watch(producer.sendMessageInTransaction(message({ topic })));
  await settle();
  refuse.shift()!();
  await settle();
  assertEquals(cluster.brokers.map((broker) => broker.requests(SEND).length), [1, 1, 0]);
  // Another send takes the turn of the third broker: the next one is that of the first.
  await producer.send(message({ topic }));
  refuse.shift()!();
  await settle();

  assertEquals(send.value?.messageQueue.brokerName, c!.name, "it did not wait for a busy one");
  assertEquals(a!.requests(SEND).length, 1);
});
