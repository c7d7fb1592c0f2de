import { DatabaseSync } from "node:sqlite";
import type { Database, Row, Sql, SqlValue } from "./sql.ts";

/** What SQLite says when another connection writes. */
const BUSY = 5;

/** Milliseconds between two looks whether another connection still writes, and how many looks. */
const LOOK_INTERVAL = 20, LOOKS = 500;

const SETTINGS = `
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 0;
`;

/** A file of SQLite. It has one connection, so transactions wait for each other. */
export class SqliteDatabase implements Database {
  readonly #db: DatabaseSync;
  readonly #statements: Sql;
  #turn: Promise<unknown> = Promise.resolve();

  /** Opens the file, or makes it. */
  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(SETTINGS);
    this.#statements = new SqliteStatements(this.#db);
  }

  rows(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    return this.transaction((tx) => tx.rows(sql, ...values));
  }

  run(sql: string, ...values: SqlValue[]): Promise<number> {
    return this.transaction((tx) => tx.run(sql, ...values));
  }

  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      await this.#begin();
      try {
        const value = await work(this.#statements);
        this.#db.exec("COMMIT");
        return value;
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
        throw error;
      }
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    this.#db.close();
  }

  /** `IMMEDIATE` takes the lock for writing before anything is read. */
  async #begin(): Promise<void> {
    for (let look = 1;; look++) {
      try {
        return this.#db.exec("BEGIN IMMEDIATE");
      } catch (error) {
        if ((error as { errcode?: number }).errcode !== BUSY || look === LOOKS) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
    }
  }
}

class SqliteStatements implements Sql {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  rows(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    return Promise.try(() => this.#db.prepare(sql).all(named(values)));
  }

  run(sql: string, ...values: SqlValue[]): Promise<number> {
    return Promise.try(() => Number(this.#db.prepare(sql).run(named(values)).changes));
  }
}

function named(values: readonly SqlValue[]): Record<string, SqlValue> {
  return Object.fromEntries(values.map((value, at) => [`$${at + 1}`, value]));
}
