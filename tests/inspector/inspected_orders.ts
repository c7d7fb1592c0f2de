import { LocalTransactionState, type Message, TransactionProducer } from "../../mod.ts";
import { EmbeddedBroker, type Inspector, serveInspector } from "../../src/testing/mod.ts";

/** An embedded broker that asks when it is told to, a producer, and an inspector of both. */
export class InspectedOrders implements AsyncDisposable {
  /** The broker. */
  readonly broker: EmbeddedBroker;
  /** The inspector of both. */
  readonly inspector: Inspector;
  /** What the local transactions and check-backs answer. */
  answer: LocalTransactionState = LocalTransactionState.Commit;
  readonly #producer: TransactionProducer;

  private constructor(broker: EmbeddedBroker, producer: TransactionProducer, inspector: Inspector) {
    this.broker = broker;
    this.#producer = producer;
    this.inspector = inspector;
  }

  /** Starts all of them. */
  static async start(): Promise<InspectedOrders> {
    const broker = await EmbeddedBroker.start({
      listen: false,
      topics: ["orders"],
      transactionCheckInterval: Infinity,
      transactionCheckMax: 2,
    });
    const answer = (): LocalTransactionState => orders.answer;
    const producer = new TransactionProducer({
      nameServers: broker.nameServer,
      producerGroup: "order_service",
      topics: ["orders"],
      dialer: broker.dialer,
      transactionListener: { executeLocalTransaction: answer, checkLocalTransaction: answer },
    });
    const inspector = await serveInspector({ broker, producer });
    const orders: InspectedOrders = new InspectedOrders(broker, producer, inspector);
    await producer.start();
    return orders;
  }

  /** Sends an order whose local transaction ends like this, and gives its transaction id. */
  async send(answer: LocalTransactionState, message: Partial<Message> = {}): Promise<string> {
    this.answer = answer;
    const { transactionId } = await this.#producer.sendMessageInTransaction({
      ...{ topic: "orders", body: "an order" },
      ...message,
    });
    return transactionId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inspector.shutdown();
    await this.#producer.shutdown({ timeout: 1_000 });
    await this.broker[Symbol.asyncDispose]();
  }
}
