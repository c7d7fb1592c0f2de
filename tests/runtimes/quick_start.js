// deno-lint-ignore-file no-console
// The quick start, as a project in any runtime has it: half messages that are committed by their local
// transactions, and one with a compressed body that a check-back commits. An embedded broker stands in for a cluster unless
// `host:port` of name servers is the argument.
import { TransactionProducer } from "@rocketmq-deno/client";
import { EmbeddedBroker } from "@rocketmq-deno/client/testing";

const [nameServers] = globalThis.process.argv.slice(2);
const broker = nameServers ? undefined : await EmbeddedBroker.start({ topics: ["orders"] });
const paid = new Set(), LARGE = "order ".repeat(2_000);
const producer = new TransactionProducer({
  nameServers: nameServers ?? broker.nameServer,
  producerGroup: "order_service",
  topics: ["orders"],
  transactionListener: {
    executeLocalTransaction(_message, order, { transactionId }) {
      paid.add(transactionId);
      return order === "o-3" ? "UNKNOWN" : "COMMIT";
    },
    checkLocalTransaction: ({ body }, { transactionId }) =>
      paid.has(transactionId) && body.length === LARGE.length ? "COMMIT" : "ROLLBACK",
  },
});
await producer.start();
for (const order of ["o-1", "o-2", "o-3"]) {
  const { localTransactionState } = await producer.sendMessageInTransaction(
    { topic: "orders", body: order === "o-3" ? LARGE : order },
    order,
  );
  console.log(`${order}: ${localTransactionState}`);
}
if (broker) {
  broker.checkNow();
  await broker.settled();
  console.log(`visible: ${(await broker.messages("orders")).length}`);
}
await producer.shutdown();
await broker?.[Symbol.asyncDispose]();
