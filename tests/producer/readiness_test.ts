import { assertEquals, assertMatch } from "@std/assert";
import type { ProducerEvent } from "../../src/producer/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { PatientListener, saying } from "../transaction/support.ts";
import { message } from "./support.ts";

Deno.test("isReady - of every kind of producer: from its start until a topic has no broker, and again", async () => {
  for (const kind of ["Producer", "TransactionProducer"]) {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    const [first, second] = cluster.brokers;
    cluster.route(TOPIC, [first!]);
    cluster.route("other", [second!]);
    const topics = [TOPIC, "other"];
    const producer = kind === "Producer"
      ? cluster.producer({ topics })
      : cluster.transactionProducer(saying("COMMIT"), { topics });
    const told: string[] = [];
    (async () => {
      for await (const event of producer.events() as AsyncIterable<ProducerEvent>) {
        if (event.type === "ready") told.push("ready");
        if (event.type === "lost") told.push(`lost: ${event.reason}`);
      }
      told.push("end");
    })();
    assertEquals(producer.isReady, false);
    await producer.start();
    assertEquals(producer.isReady, true);

    cluster.network.fail(second!.address);
    second!.cut();
    await cluster.clock.advance(2_000);
    assertEquals(producer.isReady, false, "one topic has no broker");
    cluster.network.mend(second!.address);
    await cluster.clock.advance(10_000);
    assertEquals([producer.isReady, producer.stats().reconnects], [true, 1]);

    await producer.shutdown();
    await settle();
    assertEquals([producer.isReady, await producer.closed], [false, "drained"]);
    const [ready, lost, again, closing, end, ...more] = told;
    assertEquals([ready, again, closing, end, more], [
      "ready",
      "ready",
      "lost: it is shut down",
      "end",
      [],
    ]);
    assertMatch(lost!, /^lost: broker "broker-2" at 10\.0\.1\.2:10911 was lost: /);
  }
});

Deno.test("isReady - a producer without topics is ready when it has started, and lost with its brokers", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer({ topics: [] });
  await producer.start();
  assertEquals(producer.isReady, true);
  await producer.send(message());
  cluster.network.fail(cluster.broker.address);
  cluster.broker.cut();
  await cluster.clock.advance(1_000);
  assertEquals(producer.isReady, false);
});

Deno.test("closed - tells whether everything had ended", async () => {
  await using cluster = new ScriptedCluster();
  const unstarted = cluster.producer();
  await unstarted.shutdown();
  assertEquals(await unstarted.closed, "notStarted");

  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  watch(producer.sendMessageInTransaction(message()));
  await settle();
  const ended = watch(producer.shutdown({ timeout: 1_000 }));
  await cluster.clock.advance(1_000);
  assertEquals([ended.state, await producer.closed], ["resolved", "timeout"]);
  assertEquals(cluster.logger.matching("Closed producer", "warn"), [
    'Closed producer of group "group": after 1000 ms not everything had ended',
  ]);
});
