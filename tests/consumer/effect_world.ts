import { MessageTables } from "../../examples/order_service/message_tables.ts";
import type { Database, Sql } from "../../examples/order_service/sql.ts";
import type {
  ConsumedMessage,
  ConsumerOptions,
  Effect,
  EffectMessage,
  ForwardDatabase,
  ForwardResult,
  OffsetDatabase,
} from "../../src/consumer/mod.ts";
import { type Consumer, MessageForwarder } from "../../src/consumer/mod.ts";
import {
  createUpdateConsumerOffsetRequest,
  readUpdateConsumerOffsetResponse,
} from "../../src/requests/mod.ts";
import type { EmbeddedBroker } from "../../src/testing/mod.ts";
import { TransactionProducer } from "../../src/transaction/mod.ts";
import { Member } from "../testing/member.ts";
import { GROUP, Shop, TOPIC } from "./support.ts";
import type { MortalProcess } from "./mortal_process.ts";

/** Where forwarded messages go. */
export const OUTPUT_TOPIC = "bills";

/** Name of a member. One that is started again after its death has its locks at once. */
const MEMBER = "member";

/** Name of a member that gets the only queue: it is the first one by name. */
export const SUCCESSOR = "another";

/** A broker with messages in one queue, and a database in which each effect leaves a row. */
export class EffectWorld implements AsyncDisposable {
  readonly shop: Shop;
  readonly database: Database;
  readonly #lives: AsyncDisposable[] = [];

  private constructor(shop: Shop, database: Database) {
    this.shop = shop;
    this.database = database;
  }

  static async open(database: Database, bodies: readonly string[]): Promise<EffectWorld> {
    const shop = await Shop.open({
      topics: [{ topic: TOPIC, queues: 1 }, { topic: OUTPUT_TOPIC, queues: 1 }],
      transactionTimeout: 200,
      transactionCheckInterval: 200,
    });
    await new MessageTables(database).create();
    await database.run("CREATE TABLE effects (body TEXT NOT NULL)");
    await shop.send(bodies);
    return new EffectWorld(shop, database);
  }

  get broker(): EmbeddedBroker {
    return this.shop.broker;
  }

  /** The tables as a process sees them. */
  tables(process: MortalProcess): MessageTables {
    return new MessageTables(process.database(this.database));
  }

  /** Starts a consumer in a process. It is closed at the end. */
  async consume(
    process: MortalProcess,
    handler: (message: ConsumedMessage) => void | Promise<void>,
    options: Partial<ConsumerOptions> = {},
  ): Promise<Consumer> {
    const consumer = this.shop.consumer({
      instanceName: MEMBER,
      handOverTimeout: 300,
      dialer: process.dialer(this.broker.dialer),
      requestTimeout: 500,
      retry: { delay: 0 },
      shutdownTimeout: 100,
      ...options,
    });
    this.#lives.push(consumer);
    await consumer.start();
    consumer.run(handler);
    return consumer;
  }

  /** Starts a producer of a group that forwards. It is shut down at the end. */
  async produce(
    process: MortalProcess,
    forwarder: MessageForwarder<Sql>,
  ): Promise<TransactionProducer> {
    const producer = new TransactionProducer({
      nameServers: this.broker.nameServer,
      dialer: process.dialer(this.broker.dialer),
      logger: this.shop.logger,
      producerGroup: "billing",
      topics: [OUTPUT_TOPIC],
      sendTimeout: 500,
      endTransactionTimeout: 500,
      shutdownTimeout: 100,
      transactionListener: forwarder.listener(),
    });
    this.#lives.push(producer);
    await producer.start();
    return producer;
  }

  /** Starts a consumer in a process whose messages are forwarded. */
  async forward(
    process: MortalProcess,
    {
      database = this.tables(process),
      effect = writeEffect,
      onResult = () => {},
      instanceName = MEMBER,
    }: {
      database?: ForwardDatabase<Sql>;
      effect?: Effect<Sql>;
      onResult?: (result: ForwardResult) => void;
      instanceName?: string;
    } = {},
  ): Promise<Consumer> {
    const forwarder = new MessageForwarder(database);
    const producer = await this.produce(process, forwarder);
    return await this.consume(process, async (message) => {
      const output = { topic: OUTPUT_TOPIC, body: message.body };
      onResult(await forwarder.forward(message, producer, output, effect));
    }, { instanceName });
  }

  /** Has the broker forget where the group is: everything is delivered again. */
  async forgetOffsets(): Promise<void> {
    const { address } = this.broker.brokers[0]!;
    using member = await Member.join(this.broker, "raw");
    const request = createUpdateConsumerOffsetRequest({
      ...{ consumerGroup: GROUP, topic: TOPIC, queueId: 0, commitOffset: 0n },
    });
    readUpdateConsumerOffsetResponse(await member.ask(request), { address });
  }

  /** The effects, each as often as it happened. */
  async effects(): Promise<string[]> {
    const rows = await this.database.rows("SELECT body FROM effects ORDER BY body");
    return rows.map(({ body }) => String(body));
  }

  /** The forwarded messages that are visible. */
  async outputs(): Promise<string[]> {
    const messages = await this.broker.messages(OUTPUT_TOPIC);
    return messages.map(({ body }) => new TextDecoder().decode(body)).sort();
  }

  /** Waits until messages have at least one effect each. */
  async untilEffects(bodies: readonly string[], timeout = 20_000): Promise<void> {
    await this.#until("all effects are there", timeout, async () => {
      const effects = await this.effects();
      return bodies.every((body) => effects.includes(body));
    });
  }

  /** Waits until messages are visible and no half message is undecided. */
  async untilForwarded(bodies: readonly string[]): Promise<void> {
    await this.#until("all outputs are there", 20_000, async () => {
      const outputs = await this.outputs();
      return bodies.every((body) => outputs.includes(body)) &&
        (await this.broker.halfMessages()).length === 0;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lives.map((life) => life[Symbol.asyncDispose]()));
    await this.shop[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }

  async #until(what: string, timeout: number, isSo: () => Promise<boolean>): Promise<void> {
    let result = false;
    const end = performance.now() + timeout;
    while (!result) {
      result = await isSo();
      if (!result && performance.now() > end) throw new Error(`Waited in vain until ${what}`);
      if (!result) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** The same tables, with transactions that a test runs. */
export function withTransaction(
  tables: MessageTables,
  transaction: MessageTables["transaction"],
): OffsetDatabase<Sql> & ForwardDatabase<Sql> {
  return {
    transaction,
    readOffset: tables.readOffset.bind(tables),
    advanceOffset: tables.advanceOffset.bind(tables),
    insertEntry: tables.insertEntry.bind(tables),
    findEntry: tables.findEntry.bind(tables),
  };
}

/** The effect of a message: a row. */
export async function writeEffect({ body }: EffectMessage, tx: Sql): Promise<void> {
  await tx.run("INSERT INTO effects (body) VALUES ($1)", new TextDecoder().decode(body));
}

/**
 * Tries something once for each step at which fate may strike, several at a time, until a try ends
 * before its step. Returns the steps of that one.
 */
export async function forEveryStep(
  attempt: (step: number) => Promise<MortalProcess>,
): Promise<string[]> {
  const AT_ONCE = 6, MOST = 200;
  for (let first = 1; first < MOST; first += AT_ONCE) {
    const steps = Array.from({ length: AT_ONCE }, (_, at) => first + at);
    const processes = await Promise.all(steps.map(attempt));
    const untouched = processes.find(({ hasMetFate }) => !hasMetFate);
    if (untouched) return untouched.steps;
  }
  throw new Error(`There is no end of steps after ${MOST}`);
}
