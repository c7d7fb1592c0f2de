import { assertEquals } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message } from "./support.ts";

/** A producer with a send that nobody answers, on a broker that answers no unregistering either. */
async function stuck(cluster: ScriptedCluster, shutdownTimeout?: number) {
  for (const broker of cluster.brokers) {
    broker.on(RequestCode.SEND_MESSAGE_V2, silence);
    broker.on(RequestCode.UNREGISTER_CLIENT, silence);
  }
  const options = shutdownTimeout === undefined ? {} : { shutdownTimeout };
  const producer = cluster.producer({ sendTimeout: 60_000, ...options });
  await producer.start();
  const send = watch(producer.send(message()));
  await settle();
  return { producer, send };
}

Deno.test("shutdownTimeout - bounds a shutdown that is told no time", async () => {
  for (const shutdownTimeout of [700, 4_000, undefined]) {
    await using cluster = new ScriptedCluster();
    const { producer, send } = await stuck(cluster, shutdownTimeout);
    const limit = shutdownTimeout ?? 10_000;
    const closing = watch(producer.shutdown());
    await cluster.clock.advance(limit / 2);
    assertEquals([send.state, closing.state], ["pending", "pending"], "the send has its time");
    await cluster.clock.advance(limit / 2);
    assertEquals([send.state, closing.state], ["rejected", "resolved"]);
  }
});

Deno.test("shutdown - ends within its timeout, though a broker answers neither a send nor the unregistering", async () => {
  for (const timeout of [1, 50, 1_000, 20_000]) {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    const { producer, send } = await stuck(cluster);
    const closing = watch(producer.shutdown({ timeout }));
    await cluster.clock.advance(timeout);

    assertEquals([send.state, closing.state], ["rejected", "resolved"]);
    assertEquals(cluster.broker.requests(RequestCode.UNREGISTER_CLIENT).length, 1);
  }
});

Deno.test("shutdown - a transaction whose listener goes on does not hold it up beyond its timeout", async () => {
  await using cluster = new ScriptedCluster();
  cluster.broker.on(RequestCode.UNREGISTER_CLIENT, silence);
  const producer = await cluster.started({ executeLocalTransaction: () => new Promise(() => {}) });
  watch(producer.sendMessageInTransaction(message()));
  await settle();
  const closing = watch(producer.shutdown({ timeout: 2_000 }));
  await cluster.clock.advance(1_000);
  assertEquals(closing.state, "pending");
  await cluster.clock.advance(1_000);
  assertEquals(closing.state, "resolved");
});
