/**
 * A producer as a process of its own, which may be stopped: `undecided_orders.ts NAMESERVER COUNT`.
 * It sends transactions, says when all their local transactions run, and commits them a second later.
 */
import { LocalTransactionState, TransactionProducer } from "../../../mod.ts";
import { delay } from "../../support/delay.ts";
import { print } from "../../support/progress.ts";

const [nameServers, count] = Deno.args;
const committed = new Set<string>();
let running = 0;

const producer = new TransactionProducer({
  nameServers: nameServers!,
  producerGroup: "orders",
  topics: ["orders"],
  transactionListener: {
    async executeLocalTransaction(_message, _arg, { transactionId }) {
      if (++running === Number(count)) print("running");
      await delay(1_000);
      committed.add(transactionId);
      return LocalTransactionState.Commit;
    },
    checkLocalTransaction: (_message, { transactionId }) =>
      committed.has(transactionId) ? LocalTransactionState.Commit : LocalTransactionState.Unknown,
  },
});
await producer.start();
for (let index = 0; index < Number(count); index++) {
  void producer.sendMessageInTransaction({ topic: "orders", body: `order ${index}` });
}
