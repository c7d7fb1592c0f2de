import { checkMethods } from "../checks.ts";
import { type Effect, runEffect, type TransactionRunner } from "./effects.ts";
import type { ConsumedMessage } from "./incoming_message.ts";

/** What a database keeps of a message that had its effect. */
export interface InboxEntry {
  /** Names the group and the message: the same in every delivery of it. The primary key. */
  readonly key: string;
  /** Id of the transaction whose message it was forwarded by, `null` if it was not forwarded. */
  readonly output: string | null;
}

/**
 * A table of messages that had their effect, in the database of the application.
 *
 * | method | in SQL |
 * | --- | --- |
 * | the table | `CREATE TABLE inbox (key TEXT PRIMARY KEY, output TEXT)` |
 * | `insertEntry` | `INSERT INTO inbox VALUES (…) ON CONFLICT DO NOTHING` |
 *
 * A row may be deleted when its message can't come again: when brokers have deleted it, after
 * `fileReservedTime` (72 hours by default), and no retry of it is left.
 *
 * @typeParam Tx What an effect writes with.
 */
export interface InboxDatabase<Tx> extends TransactionRunner<Tx> {
  /**
   * Inserts an entry. Returns `false` if its key is there already. When another transaction has inserted
   * it and not ended, this has to wait for the end, or reject.
   */
  insertEntry(tx: Tx, entry: InboxEntry): boolean | Promise<boolean>;
}

/**
 * Remembers in the database of the application which messages had their effect, by their unique keys.
 * The effect and the key are one database transaction. So a message has one effect at most, however
 * often and wherever it is delivered: redelivered, retried, or sent twice under one id, as committed
 * transactional messages are after some faults of a broker.
 *
 * @typeParam Tx What an effect writes with.
 *
 * @example
 * ```ts
 * import { type Consumer, type InboxDatabase, MessageInbox } from "@rocketmq-deno/client/consumer";
 *
 * interface Sql {
 *   execute(sql: string, values: readonly unknown[]): Promise<{ changedRows: number }>;
 * }
 *
 * async function payOut(
 *   consumer: Consumer,
 *   transaction: InboxDatabase<Sql>["transaction"],
 *   signal: AbortSignal,
 * ): Promise<void> {
 *   const inbox = new MessageInbox<Sql>({
 *     transaction,
 *     async insertEntry(tx, { key, output }) {
 *       const insert = "INSERT INTO inbox VALUES ($1, $2) ON CONFLICT DO NOTHING";
 *       return (await tx.execute(insert, [key, output])).changedRows === 1;
 *     },
 *   });
 *   const handler = inbox.handler(async (message, tx) => {
 *     const update = "UPDATE accounts SET balance = balance - 100 WHERE id = $1";
 *     const { changedRows } = await tx.execute(update, [message.keys[0]]);
 *     if (changedRows === 0) message.deadLetter("no such account");
 *   });
 *   await consumer.run(handler, { signal });
 * }
 * ```
 */
export class MessageInbox<Tx> {
  readonly #database: InboxDatabase<Tx>;

  /**
   * Takes the tables of the application.
   *
   * @throws {InvalidArgumentError} when a method is missing.
   */
  constructor(database: InboxDatabase<Tx>) {
    const methods = ["transaction", "insertEntry"] as const;
    this.#database = checkMethods("database of an inbox", database, methods);
  }

  /**
   * Returns a handler for `run()` of a consumer. The message is acknowledged after the commit. It is
   * retried when the effect or the database fails.
   */
  handler(effect: Effect<Tx>): (message: ConsumedMessage) => Promise<void> {
    return async (message) => {
      await runEffect(this.#database, message, { note: (tx) => this.add(tx, message), effect });
    };
  }

  /**
   * Notes a message in a database transaction that is open already. Returns `false` if it was noted
   * before: leave the effect out then.
   */
  async add(tx: Tx, message: Pick<ConsumedMessage, "group" | "uniqueKey">): Promise<boolean> {
    return await this.#database.insertEntry(tx, { key: inboxKey(message), output: null });
  }
}

/** Returns the key of a message: groups have effects of their own. */
export function inboxKey({ group, uniqueKey }: Pick<ConsumedMessage, "group" | "uniqueKey">) {
  return `${group}/${uniqueKey}`;
}
