import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { type ClusterOptions, RocketMQCluster } from "../support/cluster.ts";
import { createTopic } from "../support/create_topic.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import { RustCluster } from "../support/rocketmq_rust.ts";
import type { ServerConfig } from "../support/server_config.ts";
import type { ClusterKind } from "./arguments.ts";
import { Replicas } from "./replicas.ts";

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
  /** Whether slaves may lag behind: masters don't wait for them then. */
  mayLag: boolean;
  /** Whether a bad network can be put in front of each server. */
  hasFaultProxies: boolean;
  /** Milliseconds between two check rounds, and until a broker checks back first. */
  interval: number;
  /** Milliseconds for which op messages may be kept back. */
  opBatch: number;
}

const DEFAULTS: TestbedOptions = {
  ...{ kind: "real", brokers: 2, proxies: 1, hasFaultProxies: false, mayLag: false },
  ...{ interval: 3_000, opBatch: 200 },
};

/** How often a broker checks back before it discards. */
const CHECK_MAX = 15;

const TRANSACTION = { "message.type": "TRANSACTION" };

/** A cluster, and if need be a bad network in front of each of its servers. */
export class Testbed implements AsyncDisposable {
  readonly topic: string;
  readonly brokers: readonly Server[];
  readonly nameServers: readonly Server[];
  /** What clients see in place of brokers; none where they see the brokers. */
  readonly proxies: readonly Server[];
  /** The brokers that have slaves which can replace them; none in most kinds of clusters. */
  readonly replicas: Replicas | undefined;
  /** Where clients find the name servers. */
  readonly clientAddress: string;
  /** One for each broker, in their order, and one for each name server; none without network faults. */
  readonly brokerProxies: readonly FaultProxy[];
  readonly nameServerProxies: readonly FaultProxy[];
  readonly #cluster: AsyncDisposable;

  private constructor(
    cluster: AsyncDisposable,
    parts: Omit<Testbed, "addressMap" | "masters" | typeof Symbol.asyncDispose>,
  ) {
    this.#cluster = cluster;
    this.topic = parts.topic;
    this.brokers = parts.brokers;
    this.nameServers = parts.nameServers;
    this.proxies = parts.proxies;
    this.replicas = parts.replicas;
    this.clientAddress = parts.clientAddress;
    this.brokerProxies = parts.brokerProxies;
    this.nameServerProxies = parts.nameServerProxies;
  }

  /** Starts a cluster: a real one has two name servers. */
  static async start(options: Partial<TestbedOptions> = {}): Promise<Testbed> {
    const all = { ...DEFAULTS, ...options };
    if (all.kind === "embedded") return await Testbed.#embedded(all);
    if (all.kind === "rust") return await Testbed.#rust(all);
    const cluster = await RocketMQCluster.start(clusterOf(all));
    return await Testbed.on(cluster, all);
  }

  /** On a real cluster that runs already, and that is ended with it. */
  static async on(
    cluster: RocketMQCluster,
    options: Partial<TestbedOptions> = {},
  ): Promise<Testbed> {
    const { kind, proxies: count, interval, hasFaultProxies } = { ...DEFAULTS, ...options };
    const topic = "Chaos";
    const { nameServerProcesses } = cluster;
    const names = [...new Set(cluster.brokers.map(({ name }) => name))];
    const brokers = names.map((name) => cluster.brokers.find((it) => it.name === name)!);
    await createTopic(topic, cluster.brokers, TRANSACTION);
    const hasSlave = (name: string) => cluster.brokers.filter((it) => it.name === name).length > 1;
    const replicas = kind === "controller" || kind === "acting"
      ? new Replicas(cluster, names.filter(hasSlave), kind === "controller")
      : undefined;
    for (const name of replicas?.names ?? []) await replicas!.inSync(name);
    // As often for each check round as by default: brokers know a proxy's groups by its heartbeats.
    const transactionHeartbeatPeriodSecond = String(Math.max(1, Math.round(interval / 1_500)));
    for (let i = 0; kind === "proxy" && i < count; i++) {
      await cluster.addProxy({ transactionHeartbeatPeriodSecond });
    }
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
      ...{ brokerProxies, nameServerProxies, replicas },
    });
  }

  static async #rust({ brokers: count, interval, opBatch }: TestbedOptions): Promise<Testbed> {
    const topic = "Chaos";
    const cluster = await RustCluster.start({
      ...{ brokers: count, timeout: interval, interval, checkMax: CHECK_MAX, opBatch },
    });
    const { brokers, nameServer } = cluster;
    await createTopic(topic, brokers, TRANSACTION);
    return new Testbed(cluster, {
      ...{ topic, brokers, nameServers: [nameServer], proxies: [] },
      clientAddress: nameServer.address,
      ...{ brokerProxies: [], nameServerProxies: [], replicas: undefined },
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
      ...{ brokerProxies: [], nameServerProxies: [], replicas: undefined },
    });
  }

  /** Where clients dial in place of the brokers' addresses. */
  get addressMap(): Record<string, string> {
    return Object.fromEntries(
      this.brokerProxies.map(({ address }, i) => [this.brokers[i]!.address, address]),
    );
  }

  /** The brokers that are masters now: those that may be promoted are asked for. */
  async masters(): Promise<readonly Server[]> {
    const { replicas } = this;
    if (!replicas?.promotes) return this.brokers;
    return await Promise.all(
      replicas.names.map(async (name) => (await replicas.pairOf(name)).master),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of [...this.brokerProxies, ...this.nameServerProxies]) {
      await proxy[Symbol.asyncDispose]();
    }
    await this.#cluster[Symbol.asyncDispose]();
  }
}

/** How the cluster of a kind is made. */
function clusterOf(options: TestbedOptions): ClusterOptions {
  const { kind, brokers: count, mayLag } = options;
  const names = Array.from({ length: count }, (_, i) => `broker-${String.fromCharCode(97 + i)}`);
  const common = { nameServers: 2, brokers: count, brokerConfig: configOf(options) };
  switch (kind) {
    case "local-proxy":
      return { ...common, brokers: names.map(() => ({ localProxy: {} })) };
    case "controller":
      return {
        ...common,
        brokers: names.flatMap((slaveOf) => [{}, { slaveOf }]),
        controller: { enableElectUncleanMaster: String(mayLag) },
        brokerConfig: { ...common.brokerConfig, ...mayLag && { allAckInSyncStateSet: "false" } },
      };
    case "acting":
      return {
        ...common,
        brokers: [...names.map(() => ({})), { slaveOf: names[0]! }],
        nameServerConfig: { supportActingMaster: "true" },
        brokerConfig: {
          ...common.brokerConfig,
          ...{ enableSlaveActingMaster: "true", enableRemoteEscape: "true" },
        },
      };
    default:
      return common;
  }
}

/** How the brokers of a chaos run are set up. */
export function configOf({ interval, opBatch }: Partial<TestbedOptions> = {}): ServerConfig {
  return {
    // As brokers have it by default.
    brokerFastFailureEnable: "true",
    transactionTimeOut: String(interval ?? DEFAULTS.interval),
    transactionCheckInterval: String(interval ?? DEFAULTS.interval),
    transactionCheckMax: String(CHECK_MAX),
    transactionOpBatchInterval: String(opBatch ?? DEFAULTS.opBatch),
  };
}
