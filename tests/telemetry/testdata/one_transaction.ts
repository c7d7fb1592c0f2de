/**
 * Sends a transaction whose verdict a check-back has to give, and prints the `traceparent` that its
 * message carries.
 */
import { LocalTransactionState, TransactionProducer } from "../../../mod.ts";
import { EmbeddedBroker } from "../../../src/testing/mod.ts";

await using broker = await EmbeddedBroker.start({
  listen: false,
  transactionTimeout: 200,
  transactionCheckInterval: 200,
});
const answered = Promise.withResolvers<void>();
await using producer = new TransactionProducer({
  nameServers: broker.nameServer,
  dialer: broker.dialer,
  producerGroup: "order_service",
  namespace: "shop",
  topics: ["orders"],
  transactionListener: {
    async executeLocalTransaction() {
      await Promise.resolve();
      // The application's own work, which makes a span by itself.
      await fetch("data:text/plain,row");
      return LocalTransactionState.Unknown;
    },
    checkLocalTransaction: () => LocalTransactionState.Commit,
  },
});
await producer.start();
(async () => {
  for await (const event of producer.events()) {
    if (event.type === "endTransaction" && event.outcome === "confirmed") answered.resolve();
  }
})();
await producer.sendMessageInTransaction({
  topic: "orders",
  body: "order 1",
  keys: ["order-1", "customer-7"],
});
await answered.promise;
// What is measured is read while the producer runs.
await new Promise((resolve) => setTimeout(resolve, 500));
const [message] = await broker.messages("shop%orders");
await Deno.stdout.write(new TextEncoder().encode(message?.properties.traceparent));
