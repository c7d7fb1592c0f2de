import { assertEquals, assertLess } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { eventually } from "../support/progress.ts";

Deno.test("start() - one dead broker of two holds it up no longer than a request may take", async () => {
  await using broker = await EmbeddedBroker.start({ brokers: 2, topics: ["orders"] });
  await broker.refuseConnections("broker-b");
  await using producer = new TransactionProducer({
    nameServers: broker.nameServer,
    producerGroup: "order_service",
    topics: ["orders"],
    transactionListener: {
      executeLocalTransaction: () => LocalTransactionState.Commit,
      checkLocalTransaction: () => LocalTransactionState.Unknown,
    },
    requestTimeout: 300,
    startTimeout: 60_000,
  });
  const began = performance.now();
  await producer.start();
  assertLess(performance.now() - began, 20_000);
  assertEquals(producer.stats().registeredBrokers, ["broker-a"]);
  broker.acceptConnections("broker-b");
  assertEquals(
    await eventually(() => producer.stats().registeredBrokers.length === 2, 20_000),
    true,
  );
});
