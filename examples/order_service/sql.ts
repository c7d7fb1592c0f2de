/** A value of a statement. */
export type SqlValue = string | number | bigint | null;

/** A row of an answer. A number of 64 bits comes as a text if the statement casts it to one. */
export type Row = Record<string, unknown>;

/** Runs statements, with `$1`, `$2` … for values. The SQL is what SQLite and PostgreSQL share. */
export interface Sql {
  /** Returns the rows of an answer. */
  rows(sql: string, ...values: SqlValue[]): Promise<Row[]>;
  /** Returns the number of rows that were changed. */
  run(sql: string, ...values: SqlValue[]): Promise<number>;
}

/** A database. Statements beside a transaction are transactions of their own. */
export interface Database extends Sql, AsyncDisposable {
  /** Commits what `work` does, or rolls it back and rejects if `work` rejects. */
  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T>;
}
