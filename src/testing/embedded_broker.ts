import { InvalidArgumentError, InvalidStateError, printable } from "../errors.ts";
import type { MessageExt } from "../message/mod.ts";
import type { Dialer } from "../transport/mod.ts";
import { Activity } from "./activity.ts";
import { BrokerNode } from "./broker/broker_node.ts";
import type { EmbeddedBrokerEvent } from "./events.ts";
import { type Faults, FaultTable } from "./faults/faults.ts";
import { NAME_SERVER, NameServerNode } from "./name_server/name_server_node.ts";
import { MemoryNetwork } from "./net/memory_network.ts";
import type { Node } from "./node.ts";
import {
  type EmbeddedBrokerOptions,
  type EmbeddedBrokerSettings,
  resolveOptions,
} from "./options.ts";
import { Settling } from "./settling.ts";
import type { EmbeddedBrokerStats } from "./stats.ts";

/** What the servers of an embedded cluster share. */
interface ClusterParts {
  settings: EmbeddedBrokerSettings;
  network: MemoryNetwork;
  faults: FaultTable;
  activity: Activity;
}

/**
 * A name server and one or more brokers within this process, for tests: they speak the remoting
 * protocol over loopback TCP and over streams in memory, keep half messages, ask back about them
 * and deliver what was committed, as RocketMQ 5.5.0 does.
 *
 * It differs from a real cluster in this:
 * - Everything is in memory and ends with the process, unless there is a `folder`.
 * - There are no slaves, no access control and no TLS.
 * - The name server knows at once what a broker knows.
 * - Requests of consumers that pop, filter with SQL or give messages back are not known.
 * - Queues are never trimmed: they begin at 0.
 * - A pull that waits is answered when its time is up, not up to five seconds later.
 * - A scan for half messages does not pause when it finds op messages of decided ones.
 * - A half message is discarded at the scan after the last check-back. A real broker may do so right
 *   behind it.
 * - Remarks that come from a Java exception have other words.
 *
 * @example
 * ```ts
 * import { LocalTransactionState, TransactionProducer } from "@rocketmq-deno/client";
 * import { EmbeddedBroker } from "@rocketmq-deno/client/testing";
 *
 * Deno.test("an order becomes visible when it was paid", async () => {
 *   await using broker = await EmbeddedBroker.start();
 *   await using producer = new TransactionProducer({
 *     nameServers: broker.nameServer,
 *     producerGroup: "orders",
 *     topics: ["orders"],
 *     transactionListener: {
 *       executeLocalTransaction: () => LocalTransactionState.Unknown,
 *       checkLocalTransaction: () => LocalTransactionState.Commit,
 *     },
 *   });
 *   await producer.start();
 *   await producer.sendMessageInTransaction({ topic: "orders", body: "paid" });
 *   broker.checkNow();
 *   await broker.settled();
 *   console.assert((await broker.messages("orders")).length === 1);
 * });
 * ```
 */
export class EmbeddedBroker implements AsyncDisposable {
  /** What goes wrong, by rule. */
  readonly faults: Faults;
  /**
   * Connects to the name server and the brokers in memory, without a socket and without any
   * permission: the option `dialer` of a client.
   */
  readonly dialer: Dialer;
  readonly #activity: Activity;
  readonly #settling = new Settling(() => this.#undecided());
  readonly #brokers: BrokerNode[] = [];
  readonly #nameServer: NameServerNode;
  #isDisposed = false;

  private constructor({ network, faults, activity, settings }: ClusterParts) {
    this.faults = faults;
    this.dialer = network.dialer;
    this.#activity = activity;
    this.#nameServer = new NameServerNode({
      ...{ settings, network, faults, activity },
      brokers: () => this.#brokers.filter(({ isRunning }) => isRunning),
    });
  }

  /**
   * Makes a name server and its brokers, and starts them.
   *
   * @throws {InvalidArgumentError} when an option is not what it may be, or the port is not free.
   */
  static async start(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
    const settings = resolveOptions(options);
    const activity = new Activity(settings.clock);
    const parts = { settings, network: new MemoryNetwork(), faults: new FaultTable(), activity };
    const broker = new EmbeddedBroker(parts);
    try {
      for (let index = 0; index < settings.brokers; index++) {
        const name = `broker-${String.fromCharCode("a".charCodeAt(0) + index)}`;
        const onDecided = () => broker.#settling.update();
        broker.#brokers.push(await BrokerNode.create({ ...parts, name, onDecided }));
      }
      await broker.start();
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
    return broker;
  }

  /** `host:port` of the name server: the option `nameServers` of a client. */
  get nameServer(): string {
    return this.#nameServer.address;
  }

  /** The brokers, running or not. */
  get brokers(): readonly { name: string; address: string }[] {
    return this.#brokers.map(({ name, address }) => ({ name, address }));
  }

  /**
   * The messages of a topic that consumers get, broker by broker and queue by queue, decoded. The
   * broker's own topics can be named too, `TRANS_CHECK_MAX_TIME_TOPIC` for what was given up.
   */
  async messages(topic: string): Promise<MessageExt[]> {
    const lists = await Promise.all(this.#brokers.map((broker) => broker.messages(topic)));
    return lists.flat();
  }

  /** The half messages that are undecided, with the topic and queue that they are meant for. */
  async halfMessages(): Promise<MessageExt[]> {
    const lists = await Promise.all(this.#brokers.map((broker) => broker.halfMessages()));
    return lists.flat();
  }

  /**
   * Finds the message of a transaction: its half message while that is undecided, else what consumers
   * of `topic` get, else what was discarded. One that was rolled back is gone.
   */
  async messageOf(transactionId: string, topic: string): Promise<MessageExt | undefined> {
    const found = this.#brokers.map((broker) => broker.messageOf(transactionId, topic));
    return (await Promise.all(found)).find((message) => message !== undefined);
  }

  /**
   * Asks back about every undecided half message now, however young it is, and gives their number.
   * It does not wait for the answers: {@linkcode EmbeddedBroker.settled} does.
   */
  checkNow(): number {
    return this.#brokers.reduce((sum, broker) => sum + broker.checkNow(), 0);
  }

  /**
   * Resolves when no half message is undecided: each was committed, rolled back or given up.
   *
   * @throws {InvalidStateError} when the broker is disposed of meanwhile.
   */
  settled(options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#settling.wait(options.signal);
  }

  /** The counters, as they are now. */
  stats(): EmbeddedBrokerStats {
    const nodes = this.#nodes();
    return {
      ...this.#activity.counters,
      undecided: this.#undecided(),
      connections: nodes.reduce((sum, { connectionCount }) => sum + connectionCount, 0),
      storedBytes: this.#brokers.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    };
  }

  /** What happens from now on, until the broker is disposed of. */
  events(): AsyncIterableIterator<EmbeddedBrokerEvent> {
    return this.#activity.events();
  }

  /**
   * Refuses new connections; those that are there live on.
   *
   * @param at The name of a broker, or `"nameServer"`; all of them when it is left out.
   */
  async refuseConnections(at?: string): Promise<void> {
    await Promise.all(this.#nodes(at).map((node) => node.refuseConnections()));
  }

  /** Lets connections come in again. */
  async acceptConnections(at?: string): Promise<void> {
    await Promise.all(this.#nodes(at).map((node) => node.acceptConnections()));
  }

  /** Ends the connections that are there; new ones can be made at once. */
  async disconnect(at?: string): Promise<void> {
    await Promise.all(this.#nodes(at).map((node) => node.disconnect()));
  }

  /**
   * Stops brokers and name server, or one of them, in order. What was stored is kept for
   * `start()`.
   */
  async stop(at?: string): Promise<void> {
    await Promise.all(this.#nodes(at).map((node) => node.stop()));
  }

  /**
   * Stops them as a crash would: stored messages are kept, but the marks of half messages that were
   * decided in the last `opBatchInterval` are lost, so that it asks again about those. So are locks, and
   * how far consumers have read in the last seconds.
   */
  async kill(at?: string): Promise<void> {
    await Promise.all(this.#nodes(at).map((node) => node.kill()));
  }

  /**
   * Starts again what was stopped, on the address that it had and with what it stored.
   *
   * @throws {InvalidStateError} when the broker is disposed of.
   */
  async start(at?: string): Promise<void> {
    if (this.#isDisposed) {
      throw new InvalidStateError("Cannot start the embedded broker: it is disposed of");
    }
    await Promise.all(this.#nodes(at).map((node) => node.start()));
  }

  /** Stops everything and drops what was stored; with the option `folder` it stays there. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.stop();
    for (const broker of this.#brokers) broker.close();
    this.#settling.end();
    this.#activity.end();
  }

  #undecided(): number {
    return this.#brokers.reduce((sum, { undecidedCount }) => sum + undecidedCount, 0);
  }

  #nodes(at?: string): Node[] {
    const nodes: Node[] = [this.#nameServer, ...this.#brokers];
    const chosen = at === undefined ? nodes : nodes.filter(({ name }) => name === at);
    if (chosen.length > 0) return chosen;
    const names = [NAME_SERVER, ...this.#brokers.map(({ name }) => name)].join(", ");
    throw new InvalidArgumentError(
      `Cannot find "${printable(at!, 64)}" in the embedded cluster: it has ${names}`,
    );
  }
}
