import { PostgresDatabase } from "./postgres_database.ts";
import type { Database } from "./sql.ts";
import { SqliteDatabase } from "./sqlite_database.ts";

/** Opens a database: that of a server, `postgres://…`, or a file of SQLite. */
export function openDatabase(where: string): Promise<Database> {
  return /^postgres(?:ql)?:/.test(where)
    ? PostgresDatabase.open(where)
    : Promise.resolve(new SqliteDatabase(where));
}
