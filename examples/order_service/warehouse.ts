import {
  Consumer,
  type EffectMessage,
  MessageInbox,
  StoredOffsets,
} from "@rocketmq-deno/client/consumer";
import { MessageTables } from "./message_tables.ts";
import { SHOP_PROPERTY } from "./order_service.ts";
import type { Database, Sql } from "./sql.ts";

/** What the warehouse has of an order. */
export interface Shipment {
  orderId: string;
  /** How often its message is in the topic; all but the first are passed over. */
  copies: number;
}

/** Where the messages are. */
export interface WarehouseOptions {
  nameServers: string;
  topic: string;
  shopId: string;
}

const SCHEMA = `CREATE TABLE IF NOT EXISTS shipments (
  order_id TEXT PRIMARY KEY,
  copies   INTEGER NOT NULL
)`;

/**
 * Ships what was ordered, with a database of its own. A message, where the group goes on in its queue,
 * and that its order was shipped are one database transaction: nothing is shipped twice, whatever comes
 * again, and from whichever broker or producer.
 */
export class Warehouse implements AsyncDisposable {
  readonly #database: Database;
  readonly #consumer: Consumer;

  private constructor(database: Database, consumer: Consumer) {
    this.#database = database;
    this.#consumer = consumer;
  }

  /** Makes the tables where they are missing, and begins to read. */
  static async start(
    database: Database,
    { nameServers, topic, shopId }: WarehouseOptions,
    signal: AbortSignal,
  ): Promise<Warehouse> {
    await database.run(SCHEMA);
    const tables = new MessageTables(database);
    await tables.create();
    const offsets = new StoredOffsets(tables), inbox = new MessageInbox(tables);
    const consumer = new Consumer({
      nameServers,
      group: `warehouse_${shopId}`,
      subscriptions: { [topic]: "*" },
      offsets,
    });
    await consumer.start({ signal });
    consumer.run(offsets.handler(async (message, tx) => {
      if (message.properties[SHOP_PROPERTY] !== shopId) return;
      if (await inbox.add(tx, message)) await ship(message, tx);
      else await countCopy(message, tx);
    }));
    return new Warehouse(database, consumer);
  }

  /** Everything that it has. */
  async shipments(): Promise<Shipment[]> {
    const rows = await this.#database.rows("SELECT order_id, copies FROM shipments");
    return rows.map(({ order_id, copies }) => ({
      orderId: String(order_id),
      copies: Number(copies),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.close();
  }
}

async function ship({ keys, deadLetter }: EffectMessage, tx: Sql): Promise<void> {
  const [orderId] = keys;
  if (orderId === undefined) deadLetter("it names no order");
  await tx.run("INSERT INTO shipments (order_id, copies) VALUES ($1, 1)", orderId!);
}

async function countCopy({ keys: [orderId] }: EffectMessage, tx: Sql): Promise<void> {
  await tx.run("UPDATE shipments SET copies = copies + 1 WHERE order_id = $1", orderId!);
}
