import { assertEquals, assertRejects } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message } from "./support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2;

Deno.test("stats() - a producer counts what it has sent, tried again and failed to send", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const producer = cluster.producer();
  await producer.start();
  await producer.send(message());
  await producer.sendOneway(message());
  for (const broker of cluster.brokers) broker.on(SEND, () => ({ code: 1, remark: "failed" }));
  await assertRejects(() => producer.send(message()));
  for (const broker of cluster.brokers) broker.on(SEND, silence);
  const waiting = watch(producer.send(message(), { timeout: 1_000 }));
  await settle();
  const running = producer.stats();
  await cluster.clock.advance(1_000);
  assertEquals(waiting.state, "rejected");
  await producer.shutdown();

  assertEquals(running, {
    sends: 2,
    sendErrors: 1,
    sendRetries: 2,
    sendsInFlight: 1,
    droppedTraces: 0,
    registeredBrokers: ["broker-1", "broker-2"],
    openConnections: 3,
    reconnects: 0,
    droppedEvents: 0,
  });
  const { sendErrors, sendsInFlight, registeredBrokers, openConnections } = producer.stats();
  assertEquals({ sendErrors, sendsInFlight, registeredBrokers, openConnections }, {
    sendErrors: 2,
    sendsInFlight: 0,
    registeredBrokers: [],
    openConnections: 0,
  });
});
