import { assertEquals, assertLessOrEqual } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { watch } from "../support/scripted_cluster.ts";

Deno.test("start() - one dead broker of two holds it up no longer than a request may take", async () => {
  const clock = new FakeClock();
  await using broker = await EmbeddedBroker.start({
    ...{ clock, listen: false, brokers: 2, topics: ["orders"] },
  });
  await broker.refuseConnections("broker-b");
  await using producer = new TransactionProducer({
    ...{ clock, dialer: broker.dialer },
    nameServers: broker.nameServer,
    producerGroup: "order_service",
    topics: ["orders"],
    transactionListener: {
      executeLocalTransaction: () => LocalTransactionState.Commit,
      checkLocalTransaction: () => LocalTransactionState.Unknown,
    },
    requestTimeout: 3_000,
    startTimeout: 60_000,
  });
  const start = watch(producer.start());
  while (start.state === "pending" && clock.monotonic() < 60_000) await clock.advance(100);
  assertEquals(start.state, "resolved");
  assertLessOrEqual(clock.monotonic(), 3_000);
  assertEquals(producer.stats().registeredBrokers, ["broker-a"]);

  await broker.acceptConnections("broker-b");
  await clock.advance(20_000);
  assertEquals(producer.stats().registeredBrokers, ["broker-a", "broker-b"]);
});
