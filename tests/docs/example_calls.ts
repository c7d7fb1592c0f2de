import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import {
  AccessDeniedError,
  LocalTransactionState,
  type Message,
  Producer,
  RocketMQError,
  TransactionProducer,
} from "../../mod.ts";
import { Consumer, type ForwardDatabase, type InboxEntry } from "../../src/consumer/mod.ts";
import { encodeCommand } from "../../src/remoting/mod.ts";
import type { EmbeddedBroker } from "../../src/testing/mod.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { eventually } from "../support/progress.ts";
import { answerRequests, askOnce } from "./answer_requests.ts";

/** What the functions of the examples are called with. */
export interface ExampleWorld {
  /** The broker that the examples talk to. */
  broker: EmbeddedBroker;
  /** A producer that has started. */
  producer: TransactionProducer;
}

/** Calls the function of an example and looks at what it did. */
// deno-lint-ignore no-explicit-any
export type ExampleCall = (fn: (...args: any[]) => any, world: ExampleWorld) => Promise<void>;

/** Starts a producer that decides nothing by itself, nor when it is asked. */
export async function startProducer(nameServers: string): Promise<TransactionProducer> {
  const producer = new TransactionProducer({
    nameServers,
    producerGroup: "order_service",
    topics: ["orders"],
    endTransactionTimeout: 300,
    transactionListener: { executeLocalTransaction: () => LocalTransactionState.Unknown },
  });
  await producer.start();
  return producer;
}

/** How each example that is a function is called: by its name, where two have it after its file. */
export const EXAMPLE_CALLS: Readonly<Record<string, ExampleCall>> = {
  async answerCheckBacks(answerCheckBacks, { broker, producer }) {
    const open = [await leaveOpen(producer), await leaveOpen(producer)];
    const asked = new Set<string>();
    const answering: Promise<void> = answerCheckBacks(producer, (transactionId: string) => {
      asked.add(transactionId);
      // The loop of this example has no end of its own.
      return asked.size === 1 ? Promise.resolve(true) : Promise.reject(new Error("enough"));
    });
    const ended = assertRejects(() => answering, Error, "enough");
    await askUntil(broker, () => asked.size === 2);
    await ended;
    assertEquals([...asked].sort(), open.sort());
    assertEquals((await bodies(broker, "orders")).length, 1);
  },

  async answerOrder(answerOrder, { producer }) {
    assertEquals(await answerOrder(producer, () => Promise.resolve()), 201);
    assertEquals(await answerOrder(producer, () => Promise.reject(new Error("no database"))), 500);
  },

  async bringBack(bringBack, { broker, producer }) {
    const id = await leaveDiscarded(broker, producer);
    await bringBack(producer, id);
    assertEquals((await producer.inspect(id, { topic: "orders" })).state, "pending");
  },

  async bringBackOrders(bringBackOrders, { broker, producer }) {
    const id = await leaveDiscarded(broker, producer);
    assertEquals(await bringBackOrders(producer, [id, await leaveOpen(producer)]), 1);
    assertEquals((await producer.inspect(id, { topic: "orders" })).state, "pending");
  },

  async serveHealth(serveHealth, { producer }) {
    await using server: Deno.HttpServer<Deno.NetAddr> = serveHealth(producer, 0);
    const statusOf = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${server.addr.port}${path}`);
      await response.body?.cancel();
      return response.status;
    };
    assertEquals([await statusOf("/live"), await statusOf("/ready")], [200, 200]);
    await producer.shutdown();
    assertEquals([await statusOf("/live"), await statusOf("/ready")], [200, 503]);
  },

  async consume(consume, { broker, producer }) {
    await producer.shutdown();
    await sendOrder(broker);
    using commits = broker.faults.add({
      on: "UPDATE_CONSUMER_OFFSET",
      fields: { commitOffset: "1" },
      action: "delay",
      ms: 1,
    });
    const stop = new AbortController();
    const ended = consume(broker.nameServer, stop.signal);
    assert(await eventually(() => commits.hits > 0, 10_000));
    stop.abort();
    await ended;
  },

  async shipInOrder(shipInOrder, { broker, producer }) {
    await producer.shutdown();
    await sendOrder(broker);
    const path = await Deno.makeTempFile({ suffix: ".db" });
    const stop = new AbortController();
    const ended = shipInOrder(broker.nameServer, path, stop.signal);
    using db = new DatabaseSync(path, { readOnly: true });
    const shipped = () => {
      try {
        return db.prepare("SELECT body FROM shipments").all();
      } catch {
        return []; // the table is not there yet
      }
    };
    assert(await eventually(() => shipped().length > 0, 10_000));
    stop.abort();
    await ended;
    assertEquals(shipped().map(({ body }) => body), ["order 1"]);
    assertEquals(db.prepare("SELECT next_offset FROM offsets").all().length, 1);
    await Deno.remove(path);
  },

  async payOut(payOut, { broker, producer }) {
    await producer.shutdown();
    await sendOrder(broker);
    const statements: string[] = [];
    await using consumer = new Consumer({
      nameServers: broker.nameServer,
      group: "pay",
      subscriptions: { orders: "*" },
    });
    await consumer.start();
    const tx = {
      execute(sql: string) {
        statements.push(sql.split(" ", 3).join(" "));
        return Promise.resolve({ changedRows: 1 });
      },
    };
    const stop = new AbortController();
    const transaction = async (work: (on: typeof tx) => Promise<void>) => {
      await work(tx);
      stop.abort();
    };
    await payOut(consumer, transaction, stop.signal);
    assertEquals(statements, ["INSERT INTO inbox", "UPDATE accounts SET"]);
  },

  async bill(bill, { broker, producer }) {
    await producer.shutdown();
    await sendOrder(broker);
    const statements: string[] = [], entries = new Map<string, InboxEntry>();
    const tx = { execute: (sql: string) => Promise.resolve(void statements.push(sql)) };
    const database: ForwardDatabase<typeof tx> = {
      transaction: (work) => work(tx),
      findEntry: (key) => entries.get(key),
      insertEntry(_tx, entry) {
        const isNew = !entries.has(entry.key);
        if (isNew) entries.set(entry.key, entry);
        return isNew;
      },
    };
    const stop = new AbortController();
    const ended = bill(broker.nameServer, database, stop.signal);
    const isVisible = async () => (await bodies(broker, "bills")).length > 0;
    assert(await eventually(isVisible, 10_000));
    stop.abort();
    await ended;
    assertEquals(await bodies(broker, "bills"), ["order 1"]);
    assertEquals([statements, entries.size], [["INSERT INTO bills VALUES ($1)"], 1]);
  },

  async pay(pay, { broker, producer }) {
    await pay(producer, () => Promise.resolve(true));
    await pay(producer, () => Promise.resolve(false));
    await broker.settled();
    assertEquals(await bodies(broker, "payments"), ["100 EUR"]);
  },

  async ship(ship, { broker, producer }) {
    const saved: string[] = [];
    const save = (id: string) => Promise.resolve(void saved.push(id));
    const { transactionId } = await ship(producer, save);
    await broker.settled();
    assertEquals(saved, [transactionId]);
    assertEquals(await bodies(broker, "shipments"), ["o-1"]);
  },

  async tour(tour, { broker, producer }) {
    const orders = [{ topic: "orders", body: "o-2" }, { topic: "orders", body: "o-3" }];
    await askOnce(broker, producer, async (request) => {
      await using _answers = await answerRequests(broker, "questions");
      await tour(orders, request);
    });
    await eventually(async () => (await bodies(broker, "orders")).length === 4, 5_000);
    assertEquals(await bodies(broker, "orders"), ["may get lost", "o-1", "o-2", "o-3"]);
    assertEquals(await bodies(broker, "reminders"), []);
  },

  async connect(connect) {
    const { cert } = await CertificateAuthority.create();
    await assertRejects(() => connect(cert, "secret key"), RocketMQError, "TLS");
  },

  async createProducer(createProducer) {
    const { cert } = await CertificateAuthority.create();
    const folder = await Deno.makeTempDir();
    const before = Deno.cwd();
    try {
      await Deno.writeTextFile(`${folder}/ca.pem`, cert);
      Deno.chdir(folder);
      assert(await createProducer() instanceof Producer);
    } finally {
      Deno.chdir(before);
      await Deno.remove(folder, { recursive: true });
    }
  },

  async countHeartbeats(countHeartbeats) {
    assertEquals(await countHeartbeats(capture(34, 34, 105)), 2);
  },

  async count(count) {
    assertEquals(await count(capture(34, 105)), 0);
  },

  async send(send, { broker, producer }) {
    await send(producer, { id: "order 1", customer: "c-7" });
    assertEquals(await bodies(broker, "orders"), ["order 1"]);
  },

  async "reply_message.ts answer"(answer, { broker, producer }) {
    assertEquals(await askOnce(broker, producer, (request) => answer(producer, request)), "pong");
  },

  async "check_back.ts answer"(answer, { broker, producer }) {
    const committed = new Set([await leaveOpen(producer)]);
    const checks = producer.checkBacks();
    broker.checkNow();
    const { value } = await checks.next();
    await answer(value, committed);
    await broker.settled();
    assertEquals((await bodies(broker, "orders")).length, 1);
  },

  async sendAll(sendAll, { broker, producer }) {
    const messages: Message[] = ["1", "2", "3"].map((body) => ({ topic: "orders", body }));
    await sendAll(producer, messages);
    assertEquals(await bodies(broker, "orders"), ["1", "2", "3"]);
  },

  async greet(greet, { broker }) {
    await greet(broker.nameServer);
    assertEquals(await bodies(broker, "TopicTest"), ["Hello RocketMQ"]);
  },

  async prepare(prepare, { broker, producer }) {
    await prepare(producer);
    await producer.send({ topic: "orders", body: "1" });
    assertEquals(await bodies(broker, "orders"), ["1"]);
  },

  explain(explain) {
    const remark = "User:a has no permission to access Topic:b";
    const error = new AccessDeniedError(remark, { responseCode: 16, reason: "authorization" });
    assertStringIncludes(explain(error), remark);
    assertEquals(explain(new Error("other")), undefined);
    return Promise.resolve();
  },

  async loseTheNextVerdict(loseTheNextVerdict, { broker, producer }) {
    const losing: Promise<void> = loseTheNextVerdict(broker);
    const tx = await producer.begin({ topic: "orders", body: "1" });
    const committing = tx.commit();
    await losing;
    await committing;
  },

  async transfer(transfer, { broker, producer }) {
    await transfer(producer, () => Promise.resolve(true));
    await transfer(producer, () => Promise.resolve(false));
    await broker.settled();
    assertEquals(await bodies(broker, "transfers"), ["100 EUR"]);
  },

  async placeOrder(placeOrder, { broker }) {
    await placeOrder(broker.nameServer, { id: "o-1" });
    await broker.settled();
    assertEquals(await bodies(broker, "orders"), ["o-1"]);
  },

  shouldTryAgain(shouldTryAgain) {
    assertEquals(shouldTryAgain(new Error("other")), false);
    return Promise.resolve();
  },
};

/** Leaves a transaction undecided and gives its id. */
async function leaveOpen(producer: TransactionProducer): Promise<string> {
  return (await producer.sendMessageInTransaction({ topic: "orders", body: "o" })).transactionId;
}

/** Leaves a transaction undecided until its broker has discarded it, and gives its id. */
async function leaveDiscarded(
  broker: EmbeddedBroker,
  producer: TransactionProducer,
): Promise<string> {
  const id = await leaveOpen(producer);
  const isDiscarded = async () => {
    broker.checkNow();
    return (await producer.inspect(id, { topic: "orders" })).state === "givenUp";
  };
  assert(await eventually(isDiscarded, 20_000), "the transaction was not discarded");
  return id;
}

/** Has the broker ask about what is undecided, again and again. */
async function askUntil(
  broker: EmbeddedBroker,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const holds = await eventually(async () => (broker.checkNow(), await condition()), 10_000);
  assert(holds, "nobody answered the check-backs");
}

async function bodies(broker: EmbeddedBroker, topic: string): Promise<string[]> {
  const messages = await broker.messages(topic);
  return messages.map(({ body }) => new TextDecoder().decode(body)).sort();
}

/** Requests with these codes, as a capture has them. */
function capture(...codes: number[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(codes.map((code, opaque) =>
    encodeCommand({
      code,
      language: 7,
      version: 475,
      opaque,
      flag: 0,
      extFields: {},
      body: new Uint8Array(),
      serializeType: "JSON",
    })
  ));
}

/** Sends the message that the examples of consumers wait for. */
async function sendOrder({ nameServer }: EmbeddedBroker): Promise<void> {
  await using sender = new Producer({
    nameServers: nameServer,
    producerGroup: "shop",
    topics: ["orders"],
  });
  await sender.start();
  await sender.send({ topic: "orders", body: "order 1" });
}
