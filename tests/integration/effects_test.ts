import { assertEquals } from "@std/assert";
import { MessageTables } from "../../examples/order_service/message_tables.ts";
import type { Sql } from "../../examples/order_service/sql.ts";
import { SqliteDatabase } from "../../examples/order_service/sqlite_database.ts";
import { Consumer, MessageForwarder, StoredOffsets } from "../../src/consumer/mod.ts";
import { TransactionProducer } from "../../src/transaction/mod.ts";
import { withTransaction, writeEffect } from "../consumer/effect_world.ts";
import { bodies, pause, until } from "../consumer/support.ts";
import { brokerTest } from "../support/real_broker.ts";
import { TestClient } from "../support/test_client.ts";

/** Tables in memory whose commits fail now and then, some of them after they have happened. */
async function openMoodyTables() {
  const database = new SqliteDatabase(":memory:"), tables = new MessageTables(database);
  await tables.create();
  await database.run("CREATE TABLE effects (body TEXT NOT NULL)");
  let count = 0;
  const transaction = async <T>(work: (tx: Sql) => Promise<T>): Promise<T> => {
    const number = ++count;
    const result = await tables.transaction(async (tx) => {
      const result = await work(tx);
      if (number % 7 === 0) throw new Error("the database failed before its commit");
      return result;
    });
    if (number % 5 === 0) throw new Error("the answer to the commit got lost");
    return result;
  };
  const effects = async () => {
    const rows = await database.rows("SELECT body FROM effects");
    return rows.map(({ body }) => String(body));
  };
  return { database, tables: withTransaction(tables, transaction), effects };
}

brokerTest(
  "MessageForwarder - each message has one effect and one visible output, whichever commits fail",
  async ({ nameServers, uniqueName }) => {
    const topic = uniqueName("Orders"), output = uniqueName("Bills"), sent = bodies(30);
    const { database, tables, effects } = await openMoodyTables();
    await using _database = database;
    const forwarder = new MessageForwarder(tables);
    await using producer = new TransactionProducer({
      nameServers,
      producerGroup: uniqueName("billing"),
      topics: [topic, output],
      transactionListener: forwarder.listener(),
    });
    await producer.start();
    await producer.createTopic({ topic, queues: 4 });
    await producer.createTopic({ topic: output, queues: 4 });
    for (const body of sent) await producer.send({ topic, body });
    await using consumer = new Consumer({
      nameServers,
      group: uniqueName("billing"),
      subscriptions: { [topic]: "*" },
      retry: { delay: 1_000 },
    });
    await consumer.start();
    const settlements: string[] = [];
    consumer.run(async (message) => {
      message.settled.then((settlement) => settlements.push(settlement));
      const { body } = message;
      await forwarder.forward(message, producer, { topic: output, body }, writeEffect);
    });
    const isCommitted = (settlement: string) => settlement === "committed";
    const count = () => settlements.filter(isCommitted).length;
    await until("all are settled", () => count() >= sent.length, 60_000);
    await using reader = new TestClient(nameServers);
    const visible = async () =>
      (await reader.visibleMessages(output)).map(({ body }) => new TextDecoder().decode(body));
    for (const end = Date.now() + 30_000; Date.now() < end;) {
      if ((await visible()).length >= sent.length) break;
      await pause(200);
    }
    await pause(3_000); // a surplus one would be committed at a check round
    assertEquals((await effects()).sort(), sent.toSorted());
    assertEquals((await visible()).sort(), sent.toSorted());
  },
);

brokerTest(
  "StoredOffsets - a group whose offsets the database has begins there, and a failed commit repeats nothing",
  async ({ nameServers, uniqueName }) => {
    const topic = uniqueName("Orders"), sent = bodies(40), group = uniqueName("warehouse");
    const { database, tables, effects } = await openMoodyTables();
    await using _database = database;
    const offsets = new StoredOffsets(tables);
    await using producer = new TransactionProducer({
      nameServers,
      producerGroup: uniqueName("shop"),
      topics: [topic],
      transactionListener: { executeLocalTransaction: () => "UNKNOWN" },
    });
    await producer.start();
    await producer.createTopic({ topic, queues: 4 });
    const seen: string[] = [];
    const start = async () => {
      const consumer = new Consumer({
        ...{ nameServers, group, offsets, subscriptions: { [topic]: "*" } },
        retry: { delay: 100 },
      });
      await consumer.start();
      consumer.run(offsets.handler((message, tx) => {
        seen.push(new TextDecoder().decode(message.body));
        return writeEffect(message, tx);
      }));
      return consumer;
    };
    for (const body of sent) await producer.send({ topic, body });
    const first = await start();
    await until("all were seen", () => new Set(seen).size === sent.length, 30_000);
    await pause(500);
    assertEquals((await first.close()).isClean, true);
    const before = seen.length;
    await producer.send({ topic, body: "later" });
    await using _second = await start();
    await until("the later one was seen", () => seen.length > before, 30_000);
    await pause(500);
    assertEquals(new Set(seen.slice(before)), new Set(["later"]));
    assertEquals((await effects()).sort(), [...sent, "later"].sort());
  },
);
