import { DatabaseSync } from "node:sqlite";
import type { MessageExt } from "@rocketmq-deno/client/message";
import { SHOP_PROPERTY } from "./order_service.ts";
import { type Queue, TopicReader } from "./topic_reader.ts";

/** What the warehouse has of an order. */
export interface Shipment {
  orderId: string;
  /** How often its message was seen; all but the first time it was passed over. */
  copies: number;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS shipments (
    unique_key TEXT PRIMARY KEY,
    order_id   TEXT NOT NULL,
    copies     INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  CREATE TABLE IF NOT EXISTS progress (queue TEXT PRIMARY KEY, next_offset TEXT NOT NULL) STRICT;
`;

/**
 * The side of the consumer, with a database of its own. Delivery is at least once, so it goes by the
 * unique key of messages (`UNIQ_KEY`, the transaction id), and keeps how far it has read in the same
 * transaction as what it has done: what is read again does nothing again.
 */
export class Warehouse implements Disposable {
  readonly #db: DatabaseSync;
  readonly #shopId: string;

  /** Opens the database, or makes it. */
  constructor(path: string, shopId: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(SCHEMA);
    this.#shopId = shopId;
  }

  /** Works on everything of a topic that has become visible since the last time. */
  async readAll(nameServers: string, topic: string): Promise<void> {
    using reader = new TopicReader(nameServers);
    for (const queue of await reader.queues(topic)) {
      for await (const batch of reader.read(topic, queue, this.#offsetOf(queue))) {
        this.#take(queue, batch.messages, batch.nextOffset);
      }
    }
  }

  /** Everything that it has. */
  shipments(): Shipment[] {
    return this.#db.prepare("SELECT order_id AS orderId, copies FROM shipments").all()
      .map(({ orderId, copies }) => ({ orderId: String(orderId), copies: Number(copies) }));
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #offsetOf({ name }: Queue): bigint {
    const row = this.#db.prepare("SELECT next_offset FROM progress WHERE queue = ?").get(name);
    return BigInt(String(row?.next_offset ?? "0"));
  }

  #take({ name }: Queue, messages: MessageExt[], nextOffset: bigint): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const message of messages) {
        if (message.properties[SHOP_PROPERTY] === this.#shopId) this.#ship(message);
      }
      this.#db.prepare("INSERT OR REPLACE INTO progress VALUES (?, ?)")
        .run(name, String(nextOffset));
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Ships an order, once, however often its message comes. */
  #ship({ messageId, keys }: MessageExt): void {
    this.#db.prepare(`
      INSERT INTO shipments (unique_key, order_id) VALUES (?, ?)
      ON CONFLICT (unique_key) DO UPDATE SET copies = copies + 1`).run(messageId, keys[0] ?? "");
  }
}
