import { PostgresDatabase } from "../../examples/order_service/postgres_database.ts";
import type { Database } from "../../examples/order_service/sql.ts";
import { SqliteDatabase } from "../../examples/order_service/sqlite_database.ts";
import {
  isPostgresAvailable,
  type PostgresServer,
  startPostgres,
} from "../support/postgres_server.ts";

/** Opens an empty database. */
export type OpenDatabase = () => Promise<Database>;

/** Whether there is a PostgreSQL server. */
export const HAS_POSTGRES = await isPostgresAvailable();

let server: PostgresServer | undefined;

if (HAS_POSTGRES) {
  Deno.test.beforeAll(async () => {
    server = await startPostgres();
  });
  Deno.test.afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });
}

/** Registers a test once for each kind of database. */
export function databaseTest(name: string, fn: (open: OpenDatabase) => Promise<void>): void {
  Deno.test(`${name} (SQLite)`, () => fn(() => Promise.resolve(new SqliteDatabase(":memory:"))));
  if (!HAS_POSTGRES) return;
  const open = async () => await PostgresDatabase.open(await makeSchema());
  Deno.test(`${name} (PostgreSQL)`, () => fn(open));
}

/** Makes a schema of its own, whose tables hide those of others, and returns where to connect. */
export async function makeSchema(): Promise<string> {
  const { url } = server!, schema = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await using database = await PostgresDatabase.open(url);
  await database.run(`CREATE SCHEMA ${schema}`);
  return `${url}?options=-c%20search_path%3D${schema}`;
}
