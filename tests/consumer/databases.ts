import type { Database } from "../../examples/order_service/sql.ts";
import { SqliteDatabase } from "../../examples/order_service/sqlite_database.ts";

/** Opens an empty database. */
export type OpenDatabase = () => Promise<Database>;

/** Registers a test once for each kind of database. */
export function databaseTest(name: string, fn: (open: OpenDatabase) => Promise<void>): void {
  Deno.test(`${name} (SQLite)`, () => fn(() => Promise.resolve(new SqliteDatabase(":memory:"))));
}
