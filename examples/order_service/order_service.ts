import {
  LocalTransactionState,
  recoverTransactions,
  type RecoveryResult,
  stateWithoutRecord,
  type TransactionListener,
  TransactionProducer,
  type TransactionProducerOptions,
} from "@rocketmq-deno/client";
import type { Crash } from "./crash.ts";
import type { Order, ShopDatabase } from "./shop_database.ts";

/** The property by which the messages of a shop are told from those of others. */
export const SHOP_PROPERTY = "SHOP";

/** Orders above it are turned down, in cents. */
const CREDIT_LIMIT = 100_000;

/** Milliseconds that a send may take. */
const SEND_TIMEOUT = 3_000;

/** Milliseconds that a local transaction takes at most, and by which clocks may differ. */
const ALLOWANCE = 5_000;

/** Where the messages go. */
export interface OrderServiceOptions {
  nameServers: string;
  topic: string;
  database: ShopDatabase;
  crash: Crash;
}

/** Takes orders: each one is written to the database and made known by a message, or neither. */
export class OrderService implements AsyncDisposable {
  readonly #options: OrderServiceOptions;
  readonly #producer: TransactionProducer<Order>;

  constructor(options: OrderServiceOptions) {
    this.#options = options;
    this.#producer = new TransactionProducer<Order>({
      ...commonOptions(options),
      transactionListener: new OrderListener(options),
    });
  }

  /** Connects. */
  start(signal: AbortSignal): Promise<void> {
    return this.#producer.start({ signal });
  }

  /**
   * Places an order, or turns it down. False when the broker has not confirmed the verdict: the
   * order stands as the database says, and a check-back tells the broker.
   */
  async place(order: Order, signal: AbortSignal): Promise<boolean> {
    const { topic, database } = this.#options;
    const message = {
      topic,
      keys: order.id,
      body: JSON.stringify(order),
      properties: { [SHOP_PROPERTY]: database.shopId },
    };
    const result = await this.#producer.sendMessageInTransaction(message, order, { signal });
    return result.endTransaction === "confirmed";
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#producer.shutdown();
  }
}

/** Both halves of a transaction, over one table. */
class OrderListener implements TransactionListener<Order> {
  readonly checkLocalTransaction: CheckLocalTransaction;
  readonly #database: ShopDatabase;
  readonly #crash: Crash;

  constructor({ database, crash }: OrderServiceOptions) {
    this.checkLocalTransaction = checkerOf(database);
    this.#database = database;
    this.#crash = crash;
  }

  async executeLocalTransaction(
    _message: unknown,
    order: Order,
    { transactionId }: { transactionId: string },
  ): Promise<LocalTransactionState> {
    this.#crash.at("half");
    const decision = order.amount > CREDIT_LIMIT
      ? await this.#database.turnDown(transactionId, order.id)
      : await this.#database.place(transactionId, order);
    this.#crash.at("local");
    return decision;
  }
}

type CheckLocalTransaction = NonNullable<TransactionListener<Order>["checkLocalTransaction"]>;

/** Answers from the table, and therefore also for a process that is gone. */
function checkerOf(database: ShopDatabase): CheckLocalTransaction {
  return async (message, context) => {
    const decision = await database.decisionOn(context.transactionId);
    if (decision) return decision;
    const state = stateWithoutRecord(message, context, { deadline: SEND_TIMEOUT + ALLOWANCE });
    // Whoever is later than that finds the row, so the answer stays true whatever clocks say.
    return state === LocalTransactionState.Rollback
      ? database.turnDown(context.transactionId, message.keys[0] ?? "")
      : state;
  };
}

/** Settles what a run that crashed has left open, once the broker asks about it. */
export function settle(
  options: OrderServiceOptions,
  { idleTimeout, signal }: { idleTimeout: number; signal: AbortSignal },
): Promise<RecoveryResult> {
  return recoverTransactions({
    ...commonOptions(options),
    checkLocalTransaction: checkerOf(options.database),
    idleTimeout,
    signal,
  });
}

function commonOptions({ nameServers, topic, database, crash }: OrderServiceOptions) {
  return {
    nameServers,
    dialer: crash.dialer,
    // All that answer for a group have to know its transactions: a group for each database.
    producerGroup: `order_service_${database.shopId}`,
    topics: [topic],
    sendTimeout: SEND_TIMEOUT,
  } satisfies Partial<TransactionProducerOptions>;
}
