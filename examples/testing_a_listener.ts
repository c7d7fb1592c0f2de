#!/usr/bin/env -S deno test
/**
 * How to test a transaction listener with nothing but `deno test`: an embedded broker in the same
 * process stores the half messages, loses what it is told to lose, and asks back. No permission is
 * needed, as the producer reaches it in memory.
 *
 *     deno test examples/testing_a_listener.ts
 */
import { assertEquals } from "@std/assert";
import {
  LocalTransactionState,
  type TransactionListener,
  TransactionProducer,
  type TransactionProducerOptions,
} from "@rocketmq-deno/client";
import { EmbeddedBroker } from "@rocketmq-deno/client/testing";

/** An order, and the transaction that placed it. A real application keeps it in its database. */
interface Order {
  id: string;
  amount: number;
}

/** What is tested: orders of more than 1000 are turned down. */
class OrderListener implements TransactionListener<Order> {
  readonly #orders: Map<string, Order>;

  constructor(orders: Map<string, Order>) {
    this.#orders = orders;
  }

  executeLocalTransaction(
    _message: unknown,
    order: Order,
    { transactionId }: { transactionId: string },
  ): LocalTransactionState {
    if (order.amount > 1000) return LocalTransactionState.Rollback;
    this.#orders.set(transactionId, order);
    return LocalTransactionState.Commit;
  }

  checkLocalTransaction(
    _message: unknown,
    { transactionId }: { transactionId: string },
  ): LocalTransactionState {
    return this.#orders.has(transactionId)
      ? LocalTransactionState.Commit
      : LocalTransactionState.Rollback;
  }
}

/** A started producer of the application, on the embedded broker. */
async function startProducer(
  broker: EmbeddedBroker,
  orders: Map<string, Order>,
  options: Partial<TransactionProducerOptions<Order>> = {},
): Promise<TransactionProducer<Order>> {
  const producer = new TransactionProducer<Order>({
    nameServers: broker.nameServer,
    dialer: broker.dialer,
    producerGroup: "order_service",
    topics: ["orders"],
    transactionListener: new OrderListener(orders),
    ...options,
  });
  await producer.start();
  return producer;
}

Deno.test("an order becomes visible when it was placed", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  await using producer = await startProducer(broker, new Map());

  await producer.sendMessageInTransaction(
    { topic: "orders", body: "order 1", keys: "1" },
    { id: "1", amount: 10 },
  );

  const messages = await broker.messages("orders");
  assertEquals(messages.map(({ keys }) => keys), [["1"]]);
});

Deno.test("an order that was turned down is never seen", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  await using producer = await startProducer(broker, new Map());

  await producer.sendMessageInTransaction(
    { topic: "orders", body: "order 2", keys: "2" },
    { id: "2", amount: 5000 },
  );

  await broker.settled();
  assertEquals(await broker.messages("orders"), []);
});

Deno.test("an order whose verdict got lost becomes visible by a check-back", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  await using producer = await startProducer(broker, new Map(), { endTransactionTimeout: 100 });
  broker.faults.add({ on: "END_TRANSACTION", action: "drop", carriedOut: false, times: 1 });

  const result = await producer.sendMessageInTransaction(
    { topic: "orders", body: "order 3", keys: "3" },
    { id: "3", amount: 10 },
  );
  assertEquals(result.endTransaction, "failed");
  assertEquals((await broker.halfMessages()).length, 1);

  broker.checkNow();
  await broker.settled();
  assertEquals((await broker.messages("orders")).length, 1);
});

Deno.test("an order is finished by another process when the first one ends too early", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  const orders = new Map<string, Order>(), placed = { id: "4", amount: 10 };
  {
    await using crashing = await startProducer(broker, orders, {
      transactionListener: {
        executeLocalTransaction(_message, order, { transactionId }) {
          orders.set(transactionId, order);
          throw new Error("the power went out behind the last line");
        },
      },
    });
    await crashing.sendMessageInTransaction({ topic: "orders", body: "order 4" }, placed);
  }

  await using _restarted = await startProducer(broker, orders);
  broker.checkNow();
  await broker.settled();
  assertEquals((await broker.messages("orders")).length, 1);
  assertEquals(broker.stats().checks, 1);
});
