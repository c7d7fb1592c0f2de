import type {
  ForwardDatabase,
  GroupQueue,
  InboxEntry,
  OffsetDatabase,
} from "@rocketmq-deno/client/consumer";
import type { Database, Sql } from "./sql.ts";

/** The offsets of groups, and the messages that had their effect. */
const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS consumer_offsets (
    consumer_group TEXT NOT NULL,
    topic          TEXT NOT NULL,
    broker         TEXT NOT NULL,
    queue          INTEGER NOT NULL,
    next_offset    BIGINT NOT NULL,
    PRIMARY KEY (consumer_group, topic, broker, queue)
  )`,
  "CREATE TABLE IF NOT EXISTS inbox (key TEXT PRIMARY KEY, output TEXT)",
];

const READ_OFFSET = `
  SELECT CAST(next_offset AS TEXT) AS next_offset FROM consumer_offsets
   WHERE consumer_group = $1 AND topic = $2 AND broker = $3 AND queue = $4`;

/** The compare-and-set: it changes one row, or none if the offset is there already. */
const ADVANCE_OFFSET = `
  INSERT INTO consumer_offsets (consumer_group, topic, broker, queue, next_offset)
  VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (consumer_group, topic, broker, queue) DO UPDATE
  SET next_offset = excluded.next_offset
  WHERE consumer_offsets.next_offset < excluded.next_offset`;

/** What a consumer keeps in the database of an application, beside the effects of its messages. */
export class MessageTables implements OffsetDatabase<Sql>, ForwardDatabase<Sql> {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes the tables where they are missing. */
  async create(): Promise<void> {
    for (const table of SCHEMA) await this.#database.run(table);
  }

  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    return this.#database.transaction(work);
  }

  async readOffset(queue: GroupQueue): Promise<bigint | undefined> {
    const [row] = await this.#database.rows(READ_OFFSET, ...primaryKeyOf(queue));
    return row && BigInt(row.next_offset as string);
  }

  async advanceOffset(tx: Sql, queue: GroupQueue, offset: bigint): Promise<boolean> {
    return await tx.run(ADVANCE_OFFSET, ...primaryKeyOf(queue), offset) === 1;
  }

  async insertEntry(tx: Sql, { key, output }: InboxEntry): Promise<boolean> {
    const insert = "INSERT INTO inbox (key, output) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    return await tx.run(insert, key, output) === 1;
  }

  async findEntry(key: string): Promise<InboxEntry | undefined> {
    const [row] = await this.#database.rows("SELECT output FROM inbox WHERE key = $1", key);
    return row && { key, output: row.output as string | null };
  }
}

function primaryKeyOf({ group, topic, brokerName, queueId }: GroupQueue) {
  return [group, topic, brokerName, queueId] as const;
}
