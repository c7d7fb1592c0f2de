import { assertEquals, assertLess } from "@std/assert";
import { Producer } from "../../mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";

Deno.test("Producer - sends pass over a broker that is known to be dead without a wait", async () => {
  await using broker = await EmbeddedBroker.start({ brokers: 2, topics: ["orders"] });
  await using producer = new Producer({
    nameServers: broker.nameServer,
    producerGroup: "order_service",
    topics: ["orders"],
    sendTimeout: 20_000,
  });
  await producer.start();
  await broker.refuseConnections("broker-b");
  await broker.disconnect("broker-b");
  const send = () => producer.send({ topic: "orders", body: "o" });
  for (let index = 0; index < 4; index++) await send();
  const began = performance.now();
  for (let index = 0; index < 16; index++) {
    assertEquals((await send()).messageQueue.brokerName, "broker-a");
  }
  assertLess(performance.now() - began, 10_000, "every other send waited for the dead broker");
});
