import type { Database, Sql } from "./sql.ts";

/** An order as a customer gives it. */
export interface Order {
  id: string;
  customer: string;
  /** In cents. */
  amount: number;
}

/** What was decided about a transaction, once and for all. */
export type Decision = "COMMIT" | "ROLLBACK";

/** What the database says of a request of a customer. */
export interface OrderRow {
  /** Number of the request, by which customers and messages name it. */
  orderId: string;
  /** Whether there is an order. */
  isPlaced: boolean;
  /** Empty as long as nothing is decided. */
  decision: Decision | "";
}

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS requests (
    number   INTEGER PRIMARY KEY,
    customer TEXT NOT NULL,
    amount   INTEGER NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS orders (
    order_id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    amount   INTEGER NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS transactions (
    transaction_id TEXT PRIMARY KEY,
    order_id       TEXT NOT NULL,
    decision       TEXT NOT NULL CHECK (decision IN ('COMMIT', 'ROLLBACK'))
  )`,
  "CREATE TABLE IF NOT EXISTS shop (id TEXT PRIMARY KEY, is_running INTEGER NOT NULL)",
];

/**
 * The tables of the shop. The truth about a transaction is its row in `transactions`: who writes it
 * first decides, and the primary key sees to it that there is no second one.
 */
export class ShopDatabase {
  readonly #database: Database;
  /** Tells the shops apart that use one cluster. */
  readonly shopId: string;
  /** Whether the last run ended without saying so. */
  readonly hasCrashed: boolean;

  private constructor(database: Database, shopId: string, hasCrashed: boolean) {
    this.#database = database;
    this.shopId = shopId;
    this.hasCrashed = hasCrashed;
  }

  /** Makes the tables where they are missing, and takes note that this run begins. */
  static async open(database: Database): Promise<ShopDatabase> {
    for (const table of SCHEMA) await database.run(table);
    return await database.transaction(async (tx) => {
      const [shop] = await tx.rows("SELECT id, is_running FROM shop");
      const shopId = String(shop?.id ?? crypto.randomUUID().slice(0, 8));
      await tx.run(
        "INSERT INTO shop (id, is_running) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET is_running = 1",
        shopId,
      );
      return new ShopDatabase(database, shopId, shop?.is_running === 1);
    });
  }

  /** Takes note of what a customer wants, and gives it a number. */
  async request(customer: string, amount: number): Promise<Order> {
    const [row] = await this.#database.rows(
      `INSERT INTO requests (number, customer, amount)
       SELECT coalesce(max(number), 0) + 1, $1, $2 FROM requests RETURNING number`,
      customer,
      amount,
    );
    return { id: `order-${row!.number}`, customer, amount };
  }

  /** Writes the order and records its transaction, both or neither; gives what is decided now. */
  place(transactionId: string, order: Order): Promise<Decision> {
    return this.#database.transaction(async (tx) => {
      const decision = await decide(tx, transactionId, order.id, "COMMIT");
      if (decision === "COMMIT") {
        await tx.run(
          "INSERT INTO orders (order_id, customer, amount) VALUES ($1, $2, $3)",
          order.id,
          order.customer,
          order.amount,
        );
      }
      return decision;
    });
  }

  /**
   * Records that there will be no order, unless one was placed meanwhile; gives what is decided now.
   * A sender that comes later finds the row, and does not place the order any more.
   */
  turnDown(transactionId: string, orderId: string): Promise<Decision> {
    return this.#database.transaction((tx) => decide(tx, transactionId, orderId, "ROLLBACK"));
  }

  /** What was decided about a transaction, if anything was. */
  decisionOn(transactionId: string): Promise<Decision | undefined> {
    return decisionOn(this.#database, transactionId);
  }

  /** Every request of a customer, and what became of it. */
  async rows(): Promise<OrderRow[]> {
    const rows = await this.#database.rows(`
      SELECT requests.number, orders.order_id, transactions.decision
        FROM requests
        LEFT JOIN orders ON orders.order_id = 'order-' || requests.number
        LEFT JOIN transactions ON transactions.order_id = 'order-' || requests.number
       ORDER BY requests.number`);
    return rows.map(({ number, order_id: placed, decision }) => ({
      orderId: `order-${number}`,
      isPlaced: placed !== null,
      decision: (decision ?? "") as OrderRow["decision"],
    }));
  }

  /** Takes note that this run ends in good order, with nothing left to be settled. */
  async markClean(): Promise<void> {
    await this.#database.run("UPDATE shop SET is_running = 0");
  }
}

/** The first decision counts. */
async function decide(
  tx: Sql,
  transactionId: string,
  orderId: string,
  decision: Decision,
): Promise<Decision> {
  await tx.run(
    `INSERT INTO transactions (transaction_id, order_id, decision) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING`,
    transactionId,
    orderId,
    decision,
  );
  return (await decisionOn(tx, transactionId))!;
}

async function decisionOn(sql: Sql, transactionId: string): Promise<Decision | undefined> {
  const [row] = await sql.rows(
    "SELECT decision FROM transactions WHERE transaction_id = $1",
    transactionId,
  );
  return row?.decision as Decision | undefined;
}
