import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import {
  InvalidStateError,
  LocalTransactionState,
  type Message,
  type Transaction,
  TransactionProducer,
  TransactionSendError,
} from "../../mod.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../src/testing/mod.ts";

const TOPIC = "transfers";
const message: Message = { topic: TOPIC, body: "100 EUR", keys: "t-1" };

/** A producer on an embedded broker whose listener must not be needed. */
async function startedProducer(
  stack: AsyncDisposableStack,
  options: EmbeddedBrokerOptions = {},
): Promise<{ broker: EmbeddedBroker; producer: TransactionProducer; asked: string[] }> {
  const broker = stack.use(
    await EmbeddedBroker.start({ topics: [TOPIC], transactionCheckInterval: Infinity, ...options }),
  );
  const asked: string[] = [];
  const producer = stack.use(
    new TransactionProducer({
      nameServers: broker.nameServer,
      producerGroup: "transfer_service",
      topics: [TOPIC],
      transactionListener: {
        executeLocalTransaction() {
          throw new Error("the listener was run for an explicit transaction");
        },
        checkLocalTransaction(_message, { transactionId }) {
          asked.push(transactionId);
          return LocalTransactionState.Commit;
        },
      },
    }),
  );
  await producer.start();
  return { broker, producer, asked };
}

Deno.test("transaction() - commits what its work finished", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await startedProducer(stack);
  let seen = "";
  const result = await producer.transaction(message, (tx) => {
    seen = tx.transactionId;
  });
  assertEquals(result.localTransactionState, LocalTransactionState.Commit);
  assertEquals(result.endTransaction, "confirmed");
  assertEquals((await broker.messages(TOPIC)).map((m) => m.transactionId), [seen]);
});

Deno.test("transaction() - the work may decide against it", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await startedProducer(stack);
  const result = await producer.transaction(
    message,
    () => Promise.resolve(LocalTransactionState.Rollback),
  );
  assertEquals(result.endTransaction, "confirmed");
  assertEquals(await broker.messages(TOPIC), []);
  assertEquals(await broker.halfMessages(), []);
});

Deno.test("transaction() - work that throws leaves the decision to the check-back", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer, asked } = await startedProducer(stack);
  const failure = new Error("the database went away");
  const result = await producer.transaction(message, () => Promise.reject(failure));
  assertEquals(result.localTransactionState, LocalTransactionState.Unknown);
  assertEquals(result.localTransactionError, failure);
  assertEquals(await broker.messages(TOPIC), []);
  broker.checkNow();
  await broker.settled();
  assertEquals(asked, [result.transactionId]);
  assertEquals((await broker.messages(TOPIC)).length, 1);
});

Deno.test("begin() - a transaction in the caller's hands is committed once", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await startedProducer(stack);
  const tx = await producer.begin(message);
  assertEquals((await broker.halfMessages()).map((m) => m.transactionId), [tx.transactionId]);
  assertFalse(tx.isEnded);
  const result = await tx.commit();
  assertEquals(result.endTransaction, "confirmed");
  assert(tx.isEnded);
  await assertRejects(
    () => tx.commit(),
    InvalidStateError,
    "it was committed or rolled back already",
  );
  await assertRejects(
    () => tx.rollback(),
    InvalidStateError,
    "it was committed or rolled back already",
  );
  assertEquals((await broker.messages(TOPIC)).length, 1);
});

Deno.test("begin() - a check-back meanwhile is answered unknown by itself", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer, asked } = await startedProducer(stack);
  const events = producer.events();
  const tx = await producer.begin(message);
  broker.checkNow();
  for await (const event of events) {
    if (event.type !== "checkBack") continue;
    assertEquals(event.handling, "stillRunning");
    break;
  }
  await tx.rollback();
  assertEquals(asked, []);
  assertEquals(await broker.messages(TOPIC), []);
  assertEquals(await broker.halfMessages(), []);
});

Deno.test("begin() - leaving it without a verdict rolls nothing back", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer, asked } = await startedProducer(stack);
  let left: Transaction;
  {
    await using tx = await producer.begin(message);
    left = tx;
  }
  assert(left.isEnded);
  assertEquals((await broker.halfMessages()).length, 1);
  broker.checkNow();
  await broker.settled();
  assertEquals(asked, [left.transactionId]);
  assertEquals((await broker.messages(TOPIC)).length, 1);
});

Deno.test("begin() - a half message that the broker refuses can't begin", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await startedProducer(stack);
  broker.faults.add({ on: "SEND_MESSAGE", action: "answer", code: 9999, times: 1 });
  const error = await assertRejects(() => producer.begin(message), TransactionSendError);
  assertEquals(error.outcome, "failed");
  assertEquals(error.responseCode, 9999);
});
