import { checkMethods } from "../checks.ts";
import { InvalidStateError } from "../errors.ts";
import { type Effect, runEffect, type TransactionRunner } from "./effects.ts";
import type { GroupOffsets, GroupQueue } from "./group_offsets.ts";
import { type ConsumedMessage, readsInOrderOf } from "./incoming_message.ts";

/**
 * A table of offsets in the database of the application, beside the effects of messages.
 *
 * | method | in SQL |
 * | --- | --- |
 * | the table | `CREATE TABLE offsets (consumer_group TEXT, topic TEXT, broker TEXT, queue INTEGER, next_offset BIGINT NOT NULL, PRIMARY KEY (consumer_group, topic, broker, queue))` |
 * | `readOffset` | `SELECT next_offset FROM offsets WHERE …` |
 * | `advanceOffset` | `INSERT INTO offsets VALUES (…) ON CONFLICT (consumer_group, topic, broker, queue) DO UPDATE SET next_offset = excluded.next_offset WHERE offsets.next_offset < excluded.next_offset` |
 *
 * @typeParam Tx What an effect writes with.
 */
export interface OffsetDatabase<Tx> extends TransactionRunner<Tx> {
  /** Returns the stored offset of a queue, `undefined` if there is none. */
  readOffset(queue: GroupQueue): bigint | undefined | Promise<bigint | undefined>;
  /**
   * Stores an offset if a smaller one is stored, or none. Returns `true` if it did: if one row changed.
   * It must be one statement, or lock the row, so that of two members at once one gets `false`.
   */
  advanceOffset(tx: Tx, queue: GroupQueue, offset: bigint): boolean | Promise<boolean>;
}

/**
 * Keeps the offsets of a group in the database of the application. The effect of a message and the new
 * offset are one database transaction. So each message of a queue has one effect: a message behind the
 * stored offset is settled without its effect, and a member that has lost the queue without knowing it
 * can't commit.
 *
 * A consumer with these offsets begins where the database says, whatever its brokers say. It handles one
 * message of a queue at a time, and repeats a failed one in place: later ones wait for it.
 *
 * It does not know a message that its producer sent twice, which is two messages in a queue. A
 * {@linkcode MessageInbox} does, also in the same database transaction.
 *
 * @typeParam Tx What an effect writes with.
 *
 * @example
 * ```ts
 * import { DatabaseSync } from "node:sqlite";
 * import {
 *   Consumer,
 *   type GroupQueue,
 *   type OffsetDatabase,
 *   StoredOffsets,
 * } from "@rocketmq-deno/client/consumer";
 *
 * async function shipInOrder(nameServers: string, path: string, signal: AbortSignal): Promise<void> {
 *   using db = new DatabaseSync(path); // each transaction in its turn, since it has one connection
 *   db.exec("CREATE TABLE IF NOT EXISTS shipments (body TEXT)");
 *   db.exec("CREATE TABLE IF NOT EXISTS offsets (queue TEXT PRIMARY KEY, next_offset INTEGER)");
 *   const advance = db.prepare(
 *     "INSERT INTO offsets VALUES (?, ?) ON CONFLICT (queue) DO UPDATE " +
 *       "SET next_offset = excluded.next_offset WHERE next_offset < excluded.next_offset",
 *   );
 *   const read = db.prepare("SELECT next_offset FROM offsets WHERE queue = ?");
 *   const nameOf = ({ group, topic, brokerName, queueId }: GroupQueue) =>
 *     [group, topic, brokerName, queueId].join("/");
 *   let turn: Promise<unknown> = Promise.resolve();
 *   const database: OffsetDatabase<DatabaseSync> = {
 *     readOffset(queue) {
 *       const row = read.get(nameOf(queue));
 *       return row && BigInt(row.next_offset as number);
 *     },
 *     advanceOffset: (_tx, queue, offset) => advance.run(nameOf(queue), offset).changes === 1,
 *     transaction(work) {
 *       const result = turn.then(async () => {
 *         db.exec("BEGIN IMMEDIATE");
 *         try {
 *           const result = await work(db);
 *           db.exec("COMMIT");
 *           return result;
 *         } catch (error) {
 *           if (db.isTransaction) db.exec("ROLLBACK");
 *           throw error;
 *         }
 *       });
 *       turn = result.catch(() => {});
 *       return result;
 *     },
 *   };
 *   const offsets = new StoredOffsets(database);
 *   const subscriptions = { orders: "*" };
 *   await using consumer = new Consumer({ nameServers, group: "ship", subscriptions, offsets });
 *   await consumer.start({ signal });
 *   const insert = db.prepare("INSERT INTO shipments VALUES (?)");
 *   const handler = offsets.handler(({ body }) => void insert.run(new TextDecoder().decode(body)));
 *   await consumer.run(handler, { signal });
 * }
 * ```
 */
export class StoredOffsets<Tx> implements GroupOffsets {
  readonly #database: OffsetDatabase<Tx>;

  /**
   * Takes the tables of the application.
   *
   * @throws {InvalidArgumentError} when a method is missing.
   */
  constructor(database: OffsetDatabase<Tx>) {
    const methods = ["transaction", "readOffset", "advanceOffset"] as const;
    this.#database = checkMethods("database of offsets", database, methods);
  }

  /**
   * Returns the offset at which the group goes on, `undefined` if none is stored.
   *
   * @throws {InvalidStateError} when `readOffset()` gives something else.
   */
  async read(queue: GroupQueue): Promise<bigint | undefined> {
    const offset: unknown = await this.#database.readOffset(queue);
    if (offset === undefined || typeof offset === "bigint" && offset >= 0n) return offset;
    const { topic, brokerName, queueId } = queue;
    throw new InvalidStateError(
      `Cannot read queue ${queueId} of topic "${topic}" at broker "${brokerName}": readOffset() gave ` +
        `a ${typeof offset}, it has to be a bigint from 0, or undefined if no row is there`,
      { brokerName, topic },
    );
  }

  /** Stores that the group goes on at an offset, without an effect. */
  async passOver(queue: GroupQueue, offset: bigint): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await this.#database.advanceOffset(tx, queue, offset);
    });
  }

  /**
   * Returns a handler for `run()` of a consumer that has these offsets as an option. The message is
   * acknowledged after the commit. It is repeated when the effect or the database fails.
   *
   * @throws {InvalidStateError} from the handler, when its consumer does not read by these offsets.
   */
  handler(effect: Effect<Tx>): (message: ConsumedMessage) => Promise<void> {
    return async (message) => {
      if (!readsInOrderOf(message, this)) {
        throw new InvalidStateError(
          `Cannot handle message "${message.uniqueKey}": its consumer does not read by these stored ` +
            "offsets, pass them to it as option offsets",
        );
      }
      const { group, queue, offset } = message;
      await runEffect(this.#database, message, {
        note: (tx) => this.#database.advanceOffset(tx, { group, ...queue }, offset + 1n),
        effect,
      });
    };
  }
}
