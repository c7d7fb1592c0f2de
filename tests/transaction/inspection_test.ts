import { assert, assertEquals, assertExists, assertRejects } from "@std/assert";
import {
  BrokerResponseError,
  InvalidArgumentError,
  LocalTransactionState,
  TransactionProducer,
} from "../../mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { eventually } from "../support/progress.ts";

const TOPIC = "audits";

/** A producer whose transactions end as their argument says, on a broker that asks twice. */
async function start(stack: AsyncDisposableStack) {
  const broker = stack.use(
    await EmbeddedBroker.start({
      topics: [TOPIC],
      transactionTimeout: 1,
      transactionCheckInterval: Infinity,
      transactionCheckMax: 2,
      opBatchInterval: 1,
      brokers: 2,
    }),
  );
  const producer = stack.use(
    new TransactionProducer<LocalTransactionState>({
      nameServers: broker.nameServer,
      producerGroup: "auditors",
      topics: [TOPIC],
      transactionListener: {
        executeLocalTransaction: (_message, state) => state,
        checkLocalTransaction: () => LocalTransactionState.Unknown,
      },
    }),
  );
  await producer.start();
  const send = (state: LocalTransactionState) =>
    producer.sendMessageInTransaction({ topic: TOPIC, body: state }, state);
  return { broker, producer, send };
}

Deno.test("inspect() - tells a committed transaction and how often it is visible", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer, send } = await start(stack);
  const { transactionId, messageQueue } = await send(LocalTransactionState.Commit);
  const inspection = await producer.inspect(transactionId, { topic: TOPIC });
  assertEquals(inspection.state, "committed");
  assertEquals(inspection.copies, 1);
  assertEquals(inspection.brokerName, messageQueue.brokerName);
  assertEquals(inspection.records.map(({ kind }) => kind), ["half", "visible"]);
  for (const { brokerName, storeTimestamp, checkTimes } of inspection.records) {
    assertEquals([brokerName, checkTimes], [messageQueue.brokerName, 0]);
    assert(storeTimestamp > Date.now() - 60_000 && storeTimestamp <= Date.now());
  }
});

Deno.test("inspect() - follows an open transaction until it is given up and resumed", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer, send } = await start(stack);
  const { transactionId } = await send(LocalTransactionState.Unknown);
  const look = () => producer.inspect(transactionId, { topic: TOPIC });
  assertEquals((await look()).state, "pending");
  assertEquals((await look()).checkTimes, 0);
  assert(
    await eventually(async () => broker.checkNow() >= 0 && (await look()).checkTimes === 1, 5_000),
  );
  assertEquals((await look()).state, "pending");
  assert(
    await eventually(
      async () => broker.checkNow() >= 0 && (await look()).state === "givenUp",
      5_000,
    ),
  );
  const found = await look(), { givenUpMessageId } = found;
  assertExists(givenUpMessageId);
  const { records } = await look();
  assertEquals(records.map(({ kind, checkTimes }) => `${kind} ${checkTimes}`), [
    "half 0",
    "half 1",
    "half 2",
    "givenUp 2",
  ]);
  assertEquals(records.at(-1)!.offsetMessageId, givenUpMessageId);
  await producer.resume(found, { topic: TOPIC });
  assertEquals((await look()).state, "pending");
});

Deno.test("inspect() - tells a rolled back transaction once a check round has passed it", async () => {
  await using stack = new AsyncDisposableStack();
  const { broker, producer, send } = await start(stack);
  const { transactionId } = await send(LocalTransactionState.Rollback);
  const look = () => producer.inspect(transactionId, { topic: TOPIC });
  await eventually(
    async () => broker.checkNow() >= 0 && (await look()).state === "rolledBack",
    5_000,
  );
  assertEquals((await look()).copies, 0);
});

Deno.test("inspect() - an id that no broker knows is not found, and can't be resumed", async () => {
  await using stack = new AsyncDisposableStack();
  const { producer } = await start(stack);
  const inspection = await producer.inspect("7F000001".repeat(4), { topic: TOPIC });
  assertEquals(inspection.state, "notFound");
  const id = "7F00000100002A9F00000000000FFFFF";
  const discarded = { brokerName: "broker-a", givenUpMessageId: id };
  await assertRejects(
    () => producer.resume(discarded, { topic: TOPIC }),
    BrokerResponseError,
    "can not find message",
  );
  await assertRejects(
    () => producer.resume(inspection, { topic: TOPIC }),
    InvalidArgumentError,
    "as inspect() returns",
  );
});
