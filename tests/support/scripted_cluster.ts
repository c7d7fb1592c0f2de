import {
  type ClientHooks,
  ClientInstance,
  type ClientOptions,
  resolveClientOptions,
} from "../../src/client/mod.ts";
import { Producer, type ProducerOptions } from "../../src/producer/mod.ts";
import {
  type TransactionEvent,
  type TransactionListener,
  TransactionProducer,
  type TransactionProducerOptions,
} from "../../src/transaction/mod.ts";
import { FakeClock, settle } from "./fake_clock.ts";
import { RecordingLogger } from "./recording_logger.ts";
import { ScriptedBroker } from "./scripted_broker.ts";
import { ScriptedNameServer } from "./scripted_name_server.ts";
import { ScriptedNetwork } from "./scripted_network.ts";

/** The topic of most tests. */
export const TOPIC = "TopicTest";

/** The size of a cluster. */
export interface ScriptedClusterOptions {
  /** @default {1} */
  brokers?: number;
  /** @default {1} */
  nameServers?: number;
}

/**
 * Name servers and brokers in memory, on a clock that stands still, each of which misbehaves when a
 * test says so. Disposing of it closes what was made here and asserts that nothing is left.
 */
export class ScriptedCluster implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly network = new ScriptedNetwork(this.clock);
  readonly nameServers: ScriptedNameServer[] = [];
  readonly brokers: ScriptedBroker[] = [];
  readonly #made: { shutdown(): Promise<void> }[] = [];

  constructor({ brokers = 1, nameServers = 1 }: ScriptedClusterOptions = {}) {
    for (let i = 1; i <= brokers; i++) {
      const broker = new ScriptedBroker(`broker-${i}`, `10.0.1.${i}:10911`);
      this.brokers.push(broker);
      this.network.listen(broker.address, broker);
    }
    for (let i = 1; i <= nameServers; i++) {
      const nameServer = new ScriptedNameServer(`10.0.0.${i}:9876`);
      this.nameServers.push(nameServer);
      this.network.listen(nameServer.address, nameServer);
    }
    this.route(TOPIC);
  }

  /** The first broker. */
  get broker(): ScriptedBroker {
    return this.brokers[0]!;
  }

  /** The first name server. */
  get nameServer(): ScriptedNameServer {
    return this.nameServers[0]!;
  }

  /** Makes all name servers name `brokers` for a topic; all there are, if none are given. */
  route(topic: string, brokers: readonly ScriptedBroker[] = this.brokers): void {
    for (const nameServer of this.nameServers) nameServer.route(topic, brokers);
  }

  /** What every client of this cluster is told. */
  get options(): ClientOptions {
    return {
      nameServers: this.nameServers.map(({ address }) => address),
      instanceName: "test",
      clock: this.clock,
      logger: this.logger,
      dialer: this.network.dialer,
    };
  }

  /** A member of the cluster, without a producer. */
  client(
    options: Partial<ClientOptions> = {},
    hooks: Partial<ClientHooks> = {},
  ): ClientInstance {
    const client = new ClientInstance(resolveClientOptions({ ...this.options, ...options }), {
      onRegistered: () => {},
      onLost: () => {},
      onRouteChanged: () => {},
      ...hooks,
    });
    this.#made.push({ shutdown: () => client.close(1) });
    return client;
  }

  /** A producer of ordinary messages. */
  producer(options: Partial<ProducerOptions> = {}): Producer {
    const producer = new Producer({
      ...this.options,
      producerGroup: "group",
      topics: [TOPIC],
      ...options,
    });
    this.#made.push(producer);
    return producer;
  }

  /** A transaction producer. */
  transactionProducer<Arg = unknown>(
    listener: TransactionListener<Arg>,
    options: Partial<TransactionProducerOptions<Arg>> = {},
  ): TransactionProducer<Arg> {
    const producer = new TransactionProducer<Arg>({
      ...this.options,
      producerGroup: "group",
      topics: [TOPIC],
      transactionListener: listener,
      ...options,
    });
    this.#made.push(producer);
    return producer;
  }

  /** A transaction producer that is started. */
  async started<Arg = unknown>(
    listener: TransactionListener<Arg>,
    options: Partial<TransactionProducerOptions<Arg>> = {},
  ): Promise<TransactionProducer<Arg>> {
    const producer = this.transactionProducer(listener, options);
    await producer.start();
    return producer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.#made.map((made) => made.shutdown());
    await this.clock.advance(15_000);
    await Promise.all(closing);
    await settle();
    const left = {
      connections: this.network.openConnections,
      dials: this.network.dialling,
      timers: this.clock.pendingTimers,
    };
    if (left.connections || left.dials || left.timers) {
      throw new Error(`Something was left when all was closed: ${JSON.stringify(left)}`);
    }
  }
}

/** Keeps the events of a producer. */
export function recordEvents(producer: TransactionProducer<never>): TransactionEvent[] {
  const events: TransactionEvent[] = [];
  (async () => {
    for await (const event of producer.events()) events.push(event);
  })();
  return events;
}

/** Watches how a promise ends, without waiting for it. */
export function watch<T>(promise: Promise<T>): { value?: T; error?: unknown; state: string } {
  const watched: { value?: T; error?: unknown; state: string } = { state: "pending" };
  promise.then(
    (value) => Object.assign(watched, { value, state: "resolved" }),
    (error) => Object.assign(watched, { error, state: "rejected" }),
  );
  return watched;
}
