import {
  LocalTransactionState,
  type MessageExt,
  TransactionProducer,
  TransactionSendError,
} from "../../mod.ts";
import type { EmbeddedBroker } from "../../src/testing/mod.ts";

/** The topic of the demo. */
export const DEMO_TOPIC = "orders";

/** Settings of the embedded broker that show much in little time. */
export const DEMO_BROKER = {
  topics: [DEMO_TOPIC],
  transactionTimeout: 900,
  transactionCheckInterval: 1_000,
  transactionCheckMax: 4,
} as const;

/** What becomes of an order: most are paid, some are not, and some are only known later or never. */
type Fate = "paid" | "declined" | "late" | "lost";

/** How long the payment takes, in milliseconds, and what becomes of it: one order after the other. */
const ORDERS: readonly (readonly [fate: Fate, duration: number])[] = [
  ["paid", 4],
  ["paid", 18],
  ["late", 7],
  ["declined", 31],
  ["paid", 3],
  ["paid", 62],
  ["lost", 5],
  ["paid", 9],
  ["paid", 140],
  ["declined", 12],
  ["paid", 380],
  ["late", 2],
  ["paid", 26],
];

/** Orders that are sent as transactions, one after another. */
export class DemoLoad implements AsyncDisposable {
  /** The producer that sends them. */
  readonly producer: TransactionProducer<readonly [Fate, number]>;
  readonly #fates = new Map<string, Fate>();
  #count = 0;

  /** @param broker Where they are sent to. */
  constructor(broker: EmbeddedBroker) {
    this.producer = new TransactionProducer({
      nameServers: broker.nameServer,
      producerGroup: "order_service",
      topics: [DEMO_TOPIC],
      transactionCheckMax: DEMO_BROKER.transactionCheckMax,
      transactionListener: {
        executeLocalTransaction: async (message, [fate, duration]) => {
          this.#fates.set(String(message.keys), fate);
          await new Promise((resolve) => setTimeout(resolve, duration));
          if (fate === "paid") return LocalTransactionState.Commit;
          if (fate === "declined") return LocalTransactionState.Rollback;
          return LocalTransactionState.Unknown;
        },
        checkLocalTransaction: (message) => this.#check(message),
      },
    });
  }

  /** Sends the next order. It resolves when its local transaction has ended. */
  async next(): Promise<void> {
    const [fate, duration] = ORDERS[this.#count % ORDERS.length]!;
    const key = `order-${1041 + this.#count++}`;
    const order = { order: key, customer: "Ada", total: 19.5 + this.#count, currency: "EUR" };
    const message = {
      topic: DEMO_TOPIC,
      keys: key,
      tags: "placed",
      body: JSON.stringify(order, null, 2),
    };
    await this.producer.sendMessageInTransaction(message, [fate, duration]);
  }

  /** Sends an order now and then, until the signal ends it. */
  async run(interval: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.next();
      } catch (error) {
        if (!signal.aborted && !(error instanceof TransactionSendError)) throw error;
      }
      await pause(interval, signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.producer.shutdown({ timeout: 1_000 });
  }

  #check({ keys: [key = ""] }: MessageExt): LocalTransactionState {
    const isPaid = this.#fates.get(key) === "late";
    return isPaid ? LocalTransactionState.Commit : LocalTransactionState.Unknown;
  }
}

/** Waits, or until the signal. */
export function pause(duration: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, duration);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
