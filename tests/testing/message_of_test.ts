import { assertEquals } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

Deno.test("EmbeddedBroker - the message of a transaction is found as the transaction goes on", async () => {
  await using broker = await EmbeddedBroker.start({
    transactionCheckInterval: Infinity,
    transactionCheckMax: 1,
  });
  let state: LocalTransactionState = Unknown;
  await using producer = new TransactionProducer({
    nameServers: broker.nameServer,
    producerGroup: "orders",
    topics: ["orders"],
    transactionListener: {
      executeLocalTransaction: () => Unknown,
      checkLocalTransaction: () => state,
    },
  });
  await producer.start();
  const find = async (transactionId: string) => {
    const message = await broker.messageOf(transactionId, "orders");
    return message && [message.topic, new TextDecoder().decode(message.body)];
  };

  const ends: [verdict: LocalTransactionState, found: string[] | undefined][] = [
    [Commit, ["orders", "an order"]],
    [Rollback, undefined],
    [Unknown, ["TRANS_CHECK_MAX_TIME_TOPIC", "an order"]],
  ];
  for (const [verdict, expected] of ends) {
    state = verdict;
    const message = { topic: "orders", body: "an order" };
    const { transactionId } = await producer.sendMessageInTransaction(message);
    assertEquals(await find(transactionId), ["orders", "an order"], "its half message");
    broker.checkNow();
    if (verdict === Unknown) broker.checkNow(); // one more than it checks back
    await broker.settled();
    assertEquals(await find(transactionId), expected, verdict);
  }
  assertEquals(await find("another"), undefined);
});
