import { DatabaseSync } from "node:sqlite";

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

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS requests (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    customer TEXT NOT NULL,
    amount   INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS orders (
    order_id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    amount   INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS transactions (
    transaction_id TEXT PRIMARY KEY,
    order_id       TEXT NOT NULL,
    decision       TEXT NOT NULL CHECK (decision IN ('COMMIT', 'ROLLBACK'))
  ) STRICT;
  CREATE TABLE IF NOT EXISTS shop (id TEXT PRIMARY KEY, is_running INTEGER NOT NULL) STRICT;
`;

/**
 * The database of the shop. The truth about a transaction is its row in `transactions`: who writes
 * it first decides, and the primary key sees to it that there is no second one.
 */
export class ShopDatabase implements Disposable {
  readonly #db: DatabaseSync;
  /** Tells the shops apart that use one cluster. */
  readonly shopId: string;
  /** Whether the last run ended without saying so. */
  readonly hasCrashed: boolean;

  /** Opens the database, or makes it. */
  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(SCHEMA);
    const shop = this.#db.prepare("SELECT id, is_running FROM shop").get();
    this.shopId = String(shop?.id ?? crypto.randomUUID().slice(0, 8));
    this.hasCrashed = shop?.is_running === 1;
    this.#db.prepare("INSERT OR REPLACE INTO shop (id, is_running) VALUES (?, 1)").run(this.shopId);
  }

  /** Takes note of what a customer wants, and gives it a number. */
  request(customer: string, amount: number): Order {
    const { lastInsertRowid } = this.#db
      .prepare("INSERT INTO requests (customer, amount) VALUES (?, ?)").run(customer, amount);
    return { id: `order-${lastInsertRowid}`, customer, amount };
  }

  /** Writes the order and records its transaction, both or neither; gives what is decided now. */
  place(transactionId: string, order: Order): Decision {
    return this.#atomically(() => {
      const decision = this.#decide(transactionId, order.id, "COMMIT");
      if (decision === "COMMIT") {
        this.#db.prepare("INSERT INTO orders (order_id, customer, amount) VALUES (?, ?, ?)")
          .run(order.id, order.customer, order.amount);
      }
      return decision;
    });
  }

  /**
   * Records that there will be no order, unless one was placed meanwhile; gives what is decided now.
   * A sender that comes later finds the row, and does not place the order any more.
   */
  turnDown(transactionId: string, orderId: string): Decision {
    return this.#atomically(() => this.#decide(transactionId, orderId, "ROLLBACK"));
  }

  /** What was decided about a transaction, if anything was. */
  decisionOn(transactionId: string): Decision | undefined {
    const row = this.#db.prepare("SELECT decision FROM transactions WHERE transaction_id = ?")
      .get(transactionId);
    return row?.decision as Decision | undefined;
  }

  /** Every request of a customer, and what became of it. */
  rows(): OrderRow[] {
    return this.#db.prepare(`
      SELECT 'order-' || number AS orderId, orders.order_id IS NOT NULL AS isPlaced,
             ifnull(decision, '') AS decision
        FROM requests
        LEFT JOIN orders ON orders.order_id = 'order-' || number
        LEFT JOIN transactions ON transactions.order_id = 'order-' || number
       ORDER BY number`).all().map(({ orderId, isPlaced, decision }) => ({
      orderId: String(orderId),
      isPlaced: isPlaced === 1,
      decision: decision as OrderRow["decision"],
    }));
  }

  /** Takes note that this run ends in good order, with nothing left to be settled. */
  markClean(): void {
    this.#db.exec("UPDATE shop SET is_running = 0");
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  /** The first decision counts. */
  #decide(transactionId: string, orderId: string, decision: Decision): Decision {
    this.#db.prepare("INSERT OR IGNORE INTO transactions VALUES (?, ?, ?)")
      .run(transactionId, orderId, decision);
    return this.decisionOn(transactionId)!;
  }

  /** `IMMEDIATE` takes the lock for writing before anything is read. */
  #atomically<T>(work: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}
