import type { Database, Row, Sql, SqlValue } from "./sql.ts";

/** The driver. It is loaded only where it is needed, since SQLite needs none. */
const DRIVER = "npm:pg@^8.13.0";

/** What is used of the driver. */
interface Driver {
  default: { Pool: new (options: { connectionString: string; max: number }) => Pool };
}

interface Queries {
  query(sql: string, values?: readonly SqlValue[]): Promise<{
    rows: Row[];
    rowCount: number | null;
    command: string;
  }>;
}

interface Pool extends Queries {
  connect(): Promise<Client>;
  on(event: "error", take: (error: Error) => void): void;
  end(): Promise<void>;
}

interface Client extends Queries {
  /** Gives it back to the pool, or closes it. */
  release(isBroken?: boolean): void;
}

/** A database of a PostgreSQL server. */
export class PostgresDatabase implements Database {
  readonly #pool: Pool;

  private constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Loads the driver. The first statement connects. */
  static async open(connectionString: string): Promise<PostgresDatabase> {
    const { default: { Pool } } = await import(DRIVER) as Driver;
    const pool = new Pool({ connectionString, max: 8 });
    // A connection that ends while nobody uses it; the next statement makes another.
    pool.on("error", () => {});
    return new PostgresDatabase(pool);
  }

  rows(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    return new PostgresStatements(this.#pool).rows(sql, ...values);
  }

  run(sql: string, ...values: SqlValue[]): Promise<number> {
    return new PostgresStatements(this.#pool).run(sql, ...values);
  }

  async transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      await client.query("BEGIN");
      const value = await work(new PostgresStatements(client));
      const { command } = await client.query("COMMIT");
      // That is the answer to a COMMIT after a statement that failed, also if its error was caught.
      if (command !== "COMMIT") throw new Error(`The database answered COMMIT with ${command}`);
      client.release();
      return value;
    } catch (error) {
      const isBroken = await client.query("ROLLBACK").then(() => false, () => true);
      client.release(isBroken);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }
}

class PostgresStatements implements Sql {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  async rows(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    return (await this.#queries.query(sql, values)).rows;
  }

  async run(sql: string, ...values: SqlValue[]): Promise<number> {
    return (await this.#queries.query(sql, values)).rowCount ?? 0;
  }
}
