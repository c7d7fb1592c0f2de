import { assertEquals, assertInstanceOf } from "@std/assert";
import { ConnectionError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { assertSendFailed, message, saying } from "./support.ts";

Deno.test("half message - a broker that is back in time gets it", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  const { address } = cluster.broker;
  cluster.network.fail(address);
  cluster.broker.cut();
  await settle();
  const send = watch(producer.sendMessageInTransaction(message()));
  await cluster.clock.advance(1_000);
  cluster.network.mend(address);
  await cluster.clock.advance(1_900);

  assertEquals([send.state, cluster.broker.halves.length], ["resolved", 1]);
});

Deno.test("half message - when its time is almost over it does not leave: failed, not indeterminate", async () => {
  await using cluster = new ScriptedCluster();
  let accept = () => {};
  const accepted = new Promise<void>((resolve) => accept = resolve);
  const producer = await cluster.started(saying("COMMIT"));
  cluster.broker.cut();
  cluster.broker.once(RequestCode.HEART_BEAT, async () => {
    await accepted;
    return {};
  });
  await settle();
  const send = watch(producer.sendMessageInTransaction(message()));
  await cluster.clock.advance(2_850);
  accept();
  await cluster.clock.advance(150);

  const error = assertSendFailed(send.error, "failed", "Nothing was stored", "of 3000 ms for");
  assertInstanceOf(error.cause, ConnectionError);
  assertEquals(
    [error.cause.code, error.cause.written, error.brokerName, error.isRetriable],
    ["TIMEOUT", false, "broker-1", true],
  );
  assertEquals(cluster.broker.halves.length, 0);
});

Deno.test("half message - a short timeout of the caller leaves it its share", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  const { endTransaction } = await producer.sendMessageInTransaction(message(), undefined, {
    timeout: 20,
  });

  assertEquals(endTransaction, "confirmed");
});
