import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { RocketMQCluster } from "../support/cluster.ts";
import { createTopic } from "../support/create_topic.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import type { ServerConfig } from "../support/server_config.ts";
import type { ClusterKind } from "./arguments.ts";

/** A broker or a name server that can go wrong. */
export interface Server {
  readonly name: string;
  readonly address: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  suspend?(): void;
  resume?(): void;
}

/** How a testbed is made. */
export interface TestbedOptions {
  kind: ClusterKind;
  brokers: number;
  /** Number of proxies, where clients see those. */
  proxies: number;
  /** Whether a bad network can be put in front of each server. */
  hasFaultProxies: boolean;
  /** Milliseconds between two check rounds, and until a broker checks back first. */
  interval: number;
  /** Milliseconds for which op messages may be kept back. */
  opBatch: number;
}

const DEFAULTS: TestbedOptions = {
  ...{ kind: "real", brokers: 2, proxies: 1, hasFaultProxies: false },
  ...{ interval: 3_000, opBatch: 200 },
};

/** A cluster, and if need be a bad network in front of each of its servers. */
export class Testbed implements AsyncDisposable {
  readonly topic: string;
  readonly brokers: readonly Server[];
  readonly nameServers: readonly Server[];
  /** What clients see in place of brokers; none where they see the brokers. */
  readonly proxies: readonly Server[];
  /** Where clients find the name servers. */
  readonly clientAddress: string;
  /** One for each broker, in their order, and one for each name server; none without network faults. */
  readonly brokerProxies: readonly FaultProxy[];
  readonly nameServerProxies: readonly FaultProxy[];
  readonly #cluster: AsyncDisposable;

  private constructor(
    cluster: AsyncDisposable,
    parts: Omit<Testbed, "addressMap" | typeof Symbol.asyncDispose>,
  ) {
    this.#cluster = cluster;
    this.topic = parts.topic;
    this.brokers = parts.brokers;
    this.nameServers = parts.nameServers;
    this.proxies = parts.proxies;
    this.clientAddress = parts.clientAddress;
    this.brokerProxies = parts.brokerProxies;
    this.nameServerProxies = parts.nameServerProxies;
  }

  /** Starts a cluster: a real one has two name servers. */
  static async start(options: Partial<TestbedOptions> = {}): Promise<Testbed> {
    const all = { ...DEFAULTS, ...options };
    if (all.kind === "embedded") return await Testbed.#embedded(all);
    const cluster = await RocketMQCluster.start({
      nameServers: 2,
      brokers: all.kind === "local-proxy"
        ? Array.from({ length: all.brokers }, () => ({ localProxy: {} }))
        : all.brokers,
      brokerConfig: configOf(all),
    });
    return await Testbed.on(cluster, all);
  }

  /** On a real cluster that runs already, and that is ended with it. */
  static async on(
    cluster: RocketMQCluster,
    options: Partial<TestbedOptions> = {},
  ): Promise<Testbed> {
    const { kind, proxies: count, hasFaultProxies } = { ...DEFAULTS, ...options };
    const topic = "Chaos";
    const { brokers, nameServerProcesses } = cluster;
    await createTopic(topic, brokers, { "message.type": "TRANSACTION" });
    for (let i = 0; kind === "proxy" && i < count; i++) await cluster.addProxy();
    const { proxies } = cluster;
    const startProxies = (servers: readonly { address: string }[]) =>
      Promise.all(
        hasFaultProxies ? servers.map(({ address }) => FaultProxy.start({ target: address })) : [],
      );
    const brokerProxies = await startProxies(brokers);
    const nameServerProxies = await startProxies(nameServerProcesses);
    const clientAddress = proxies.length > 0
      ? proxies.map(({ address }) => address).join(";")
      : hasFaultProxies
      ? nameServerProxies.map(({ address }) => address).join(";")
      : cluster.nameServers;
    return new Testbed(cluster, {
      ...{ topic, brokers, nameServers: nameServerProcesses, proxies, clientAddress },
      ...{ brokerProxies, nameServerProxies },
    });
  }

  static async #embedded({ brokers: count, interval, opBatch }: TestbedOptions): Promise<Testbed> {
    const topic = "Chaos";
    const broker = await EmbeddedBroker.start({
      ...{ brokers: count, topics: [topic], queues: 4, opBatchInterval: opBatch },
      ...{ transactionTimeout: interval, transactionCheckInterval: interval },
    });
    const brokers = broker.brokers.map(({ name, address }) => ({
      ...{ name, address },
      kill: () => broker.kill(name),
      start: () => broker.start(name),
    }));
    return new Testbed(broker, {
      ...{ topic, brokers, nameServers: [], proxies: [], clientAddress: broker.nameServer },
      ...{ brokerProxies: [], nameServerProxies: [] },
    });
  }

  /** Where clients dial in place of the brokers' addresses. */
  get addressMap(): Record<string, string> {
    return Object.fromEntries(
      this.brokerProxies.map(({ address }, i) => [this.brokers[i]!.address, address]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of [...this.brokerProxies, ...this.nameServerProxies]) {
      await proxy[Symbol.asyncDispose]();
    }
    await this.#cluster[Symbol.asyncDispose]();
  }
}

/** How the brokers of a chaos run are set up. */
export function configOf({ interval, opBatch }: Partial<TestbedOptions> = {}): ServerConfig {
  return {
    // As brokers have it by default.
    brokerFastFailureEnable: "true",
    transactionTimeOut: String(interval ?? DEFAULTS.interval),
    transactionCheckInterval: String(interval ?? DEFAULTS.interval),
    transactionCheckMax: "15",
    transactionOpBatchInterval: String(opBatch ?? DEFAULTS.opBatch),
  };
}
