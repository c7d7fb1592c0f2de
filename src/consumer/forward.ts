import { checkMethods } from "../checks.ts";
import { InvalidStateError } from "../errors.ts";
import type { Message, MessageExt } from "../message/mod.ts";
import type {
  CheckContext,
  LocalTransactionState,
  TransactionListener,
  TransactionProducer,
} from "../transaction/mod.ts";
import { type Effect, type EffectRun, runEffect } from "./effects.ts";
import type { ConsumedMessage } from "./incoming_message.ts";
import { type InboxDatabase, type InboxEntry, inboxKey } from "./message_inbox.ts";

/** The property of a forwarded message that names what it was made of: the key of an inbox. */
export const FORWARDED_FROM = "FORWARDED_FROM";

/**
 * A table of messages that were forwarded, in the database of the application: that of an inbox.
 *
 * | method | in SQL |
 * | --- | --- |
 * | the table | `CREATE TABLE inbox (key TEXT PRIMARY KEY, output TEXT)` |
 * | `insertEntry` | `INSERT INTO inbox VALUES (…) ON CONFLICT DO NOTHING` |
 * | `findEntry` | `SELECT output FROM inbox WHERE key = …` |
 *
 * @typeParam Tx What an effect writes with.
 */
export interface ForwardDatabase<Tx> extends InboxDatabase<Tx> {
  /** Returns what is committed under a key, `undefined` if nothing is. It must not read a lagging copy. */
  findEntry(key: string): InboxEntry | undefined | Promise<InboxEntry | undefined>;
}

/** What became of a message that was to be forwarded. */
export interface ForwardResult {
  /**
   * - `forwarded`: this call had the effect, and its message becomes visible.
   * - `repeated`: an earlier delivery had them.
   * - `dead-lettered`: the effect put the message aside.
   */
  readonly outcome: "forwarded" | "repeated" | "dead-lettered";
  /** Id of the transaction whose message becomes visible, if one does. */
  readonly transactionId?: string;
}

/**
 * Makes of consumed messages transactional ones, with an effect in the database of the application
 * between them. A consumed message has one effect and one visible output, whichever process dies where,
 * and however often it is delivered.
 *
 * The database binds a consumed message to the first half message whose effect was committed. Any other
 * half message for it is rolled back: by the delivery that made it, or at a check-back. The listener of
 * the producer has to be that of {@linkcode MessageForwarder.listener}.
 *
 * @typeParam Tx What an effect writes with.
 *
 * @example
 * ```ts
 * import { TransactionProducer } from "@rocketmq-deno/client";
 * import { Consumer, type ForwardDatabase, MessageForwarder } from "@rocketmq-deno/client/consumer";
 *
 * interface Sql {
 *   execute(sql: string, values: readonly unknown[]): Promise<void>;
 * }
 *
 * async function bill(
 *   nameServers: string,
 *   database: ForwardDatabase<Sql>,
 *   signal: AbortSignal,
 * ): Promise<void> {
 *   const forwarder = new MessageForwarder(database);
 *   await using producer = new TransactionProducer({
 *     nameServers,
 *     producerGroup: "billing",
 *     topics: ["bills"],
 *     transactionListener: forwarder.listener(),
 *   });
 *   await producer.start({ signal });
 *   const subscriptions = { orders: "*" };
 *   await using consumer = new Consumer({ nameServers, group: "billing", subscriptions });
 *   await consumer.start({ signal });
 *   await consumer.run(async (order) => {
 *     const output = { topic: "bills", body: order.body };
 *     await forwarder.forward(order, producer, output, async (_order, tx) => {
 *       await tx.execute("INSERT INTO bills VALUES ($1)", [order.uniqueKey]);
 *     });
 *   }, { signal });
 * }
 * ```
 */
export class MessageForwarder<Tx> {
  readonly #database: ForwardDatabase<Tx>;

  /**
   * Takes the tables of the application.
   *
   * @throws {InvalidArgumentError} when a method is missing.
   */
  constructor(database: ForwardDatabase<Tx>) {
    const methods = ["transaction", "insertEntry", "findEntry"] as const;
    this.#database = checkMethods("database of a forwarder", database, methods);
  }

  /**
   * Sends `output` as a half message, and runs the effect as its local transaction. A message that has
   * an output already, or that another member forwards meanwhile, gets no second one. The message may be
   * acknowledged when this resolves, and has to be handled again when this rejects.
   *
   * @throws {TransactionSendError} when the half message was not stored, or may not be.
   * @throws what the effect or the database threw.
   */
  async forward<Arg>(
    message: ConsumedMessage,
    producer: Pick<TransactionProducer<Arg>, "transaction">,
    output: Message,
    effect: Effect<Tx>,
  ): Promise<ForwardResult> {
    const key = inboxKey(message);
    const found = await this.#database.findEntry(key);
    if (found) return repeated(found);

    const run: EffectRun = { isRepeat: false, mayBeCommitted: false };
    let isPutAside = false, earlier: InboxEntry | undefined;
    let failure: { readonly error: unknown } | undefined;
    const local = async ({ transactionId }: { transactionId: string }) => {
      const note = (tx: Tx) => this.#database.insertEntry(tx, { key, output: transactionId });
      try {
        isPutAside = !await runEffect(this.#database, message, { note, effect, run });
        if (isPutAside) return "ROLLBACK";
        if (!run.isRepeat) return "COMMIT";
        earlier = await this.#database.findEntry(key);
        return earlier ? stateBy(earlier, transactionId) : "UNKNOWN";
      } catch (error) {
        failure = { error };
        // After a commit that may have happened a check-back reads the table.
        return run.mayBeCommitted || run.isRepeat ? "UNKNOWN" : "ROLLBACK";
      }
    };
    const properties = { ...output.properties, [FORWARDED_FROM]: key };
    const { signal } = message;
    const { transactionId } = await producer.transaction({ ...output, properties }, local, {
      signal,
    });
    if (failure) throw failure.error;
    if (isPutAside) return { outcome: "dead-lettered" };
    return run.isRepeat ? repeated(earlier) : { outcome: "forwarded", transactionId };
  }

  /**
   * Says at a check-back what became of a half message, `undefined` if it is not a forwarded one. It
   * stays unknown while the consumed message has no output: it comes again, or is a dead letter.
   */
  async stateOf(
    { properties }: Pick<MessageExt, "properties">,
    { transactionId, localTransactionRan }: Pick<
      CheckContext,
      "transactionId" | "localTransactionRan"
    >,
  ): Promise<LocalTransactionState | undefined> {
    const key = properties[FORWARDED_FROM];
    if (key === undefined) return undefined;
    const found = await this.#database.findEntry(key);
    if (found) return stateBy(found, transactionId);
    return localTransactionRan === false ? "ROLLBACK" : "UNKNOWN";
  }

  /**
   * Returns the listener for a producer that forwards. If it sends other transactional messages too,
   * their own listener takes these.
   *
   * @throws {InvalidStateError} from the listener, for such a message when there is no own one.
   */
  listener<Arg = unknown>(own?: TransactionListener<Arg>): TransactionListener<Arg> {
    return {
      executeLocalTransaction: (message, arg, context) => {
        if (own) return own.executeLocalTransaction(message, arg, context);
        throw new InvalidStateError(
          "Cannot run local transaction: this producer forwards messages, call forward()",
        );
      },
      checkLocalTransaction: async (message, context) =>
        await this.stateOf(message, context) ??
          await own?.checkLocalTransaction?.(message, context) ?? "UNKNOWN",
    };
  }
}

/** Only the half message that the consumed message is bound to becomes visible. */
function stateBy({ output }: InboxEntry, transactionId: string): LocalTransactionState {
  return output === transactionId ? "COMMIT" : "ROLLBACK";
}

function repeated(entry: InboxEntry | undefined): ForwardResult {
  const transactionId = entry?.output;
  return { outcome: "repeated", ...transactionId && { transactionId } };
}
