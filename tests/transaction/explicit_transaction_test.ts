import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  ConnectionError,
  InvalidStateError,
  LocalTransactionError,
  LocalTransactionState,
  type Message,
  type Transaction,
  TransactionProducer,
  TransactionSendError,
} from "../../mod.ts";
import { RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../src/testing/mod.ts";
import { ScriptedCluster, TOPIC as SCRIPTED_TOPIC, watch } from "../support/scripted_cluster.ts";

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

Deno.test("transaction() - rejects when its work throws, after the broker was told UNKNOWN", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer, asked } = await startedProducer(stack);
  const failure = new Error("the database went away");
  const error = await assertRejects(
    () => producer.transaction(message, () => Promise.reject(failure)),
    LocalTransactionError,
    'the database went away. Broker "broker-a" was told UNKNOWN and checks back',
  );
  assertStrictEquals(error.cause, failure);
  assertEquals([error.code, error.endTransaction, error.topic, error.isRetriable], [
    "LOCAL_TRANSACTION_FAILED",
    "sent",
    TOPIC,
    false,
  ]);
  assertEquals(await broker.messages(TOPIC), []);
  broker.checkNow();
  await broker.settled();
  assertEquals(asked, [error.transactionId]);
  assertEquals(broker.stats().unknowns, 1);
  assertEquals((await broker.messages(TOPIC)).length, 1);
});

Deno.test("transaction() - what is no state is no commit: null, true, a misspelt word", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer } = await startedProducer(stack);
  for (const [answer, shown] of [[null, "null"], [true, "true"], ["commit", '"commit"']]) {
    await assertRejects(
      () => producer.transaction(message, () => answer as never),
      LocalTransactionError,
      `it is ${shown}, one of "COMMIT", "ROLLBACK" and "UNKNOWN" is needed`,
    );
  }
  assertEquals(await broker.messages(TOPIC), []);
  assertEquals(producer.stats().localUnknowns, 3);
  await producer.transaction(message, () => undefined);
  assertEquals((await broker.messages(TOPIC)).length, 1);
});

Deno.test("transaction() - rejects when UNKNOWN could not be sent, too", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started({ executeLocalTransaction: () => "UNKNOWN" });
  const send = watch(producer.transaction({ topic: SCRIPTED_TOPIC, body: "x" }, () => {
    cluster.broker.cut();
    cluster.network.fail(cluster.broker.address);
    throw new Error("no");
  }));
  await cluster.clock.advance(10_000);
  assertInstanceOf(send.error, LocalTransactionError);
  assertEquals(send.error.endTransaction, "failed");
  assertInstanceOf(send.error.endTransactionError, ConnectionError);
  assertMatch(send.error.message, /could not be told UNKNOWN \(.+\), it checks back all the same/);
});

Deno.test("transaction() - rejects when its work was not run, because the half message was not safe", async () => {
  for (const isConfirmed of [true, false]) {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster;
    broker.on(RequestCode.SEND_MESSAGE_V2, (request, connection) => ({
      ...broker.store(request, connection),
      code: ResponseCode.FLUSH_DISK_TIMEOUT,
    }));
    if (!isConfirmed) broker.on(RequestCode.END_TRANSACTION, () => ({ code: 1, remark: "no" }));
    const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
    let ran = 0;
    const error = await assertRejects(
      () => producer.transaction({ topic: SCRIPTED_TOPIC, body: "x" }, () => void ran++),
      TransactionSendError,
      "with status FLUSH_DISK_TIMEOUT",
    );
    assertEquals([error.outcome, ran], [isConfirmed ? "failed" : "indeterminate", 0]);
  }
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
