import { type BrokerProcess, RocketMQCluster } from "../support/cluster.ts";
import { createTopic } from "../support/create_topic.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import type { ServerConfig } from "../support/server_config.ts";

/** Milliseconds between two rounds of questions of a broker. */
export const CHECK_INTERVAL = 3_000;

/** How the brokers of a chaos run are set up. */
export const BROKER_CONFIG: ServerConfig = {
  // As brokers have it by default.
  brokerFastFailureEnable: "true",
  transactionTimeOut: "3000",
  transactionCheckInterval: String(CHECK_INTERVAL),
  transactionCheckMax: "15",
  transactionOpBatchInterval: "200",
};

/** A cluster, and if need be a bad network in front of each of its servers. */
export class Testbed implements AsyncDisposable {
  readonly cluster: RocketMQCluster;
  readonly topic: string;
  /** One for each broker, in their order, and one for each name server; none without network faults. */
  readonly brokerProxies: readonly FaultProxy[];
  readonly nameServerProxies: readonly FaultProxy[];

  private constructor(
    cluster: RocketMQCluster,
    topic: string,
    brokerProxies: readonly FaultProxy[],
    nameServerProxies: readonly FaultProxy[],
  ) {
    this.cluster = cluster;
    this.topic = topic;
    this.brokerProxies = brokerProxies;
    this.nameServerProxies = nameServerProxies;
  }

  /** Starts a cluster of two name servers. */
  static async start(options: { brokers: number; hasProxies: boolean }): Promise<Testbed> {
    const cluster = await RocketMQCluster.start({
      nameServers: 2,
      brokers: options.brokers,
      brokerConfig: BROKER_CONFIG,
    });
    return await Testbed.on(cluster, options.hasProxies);
  }

  /** On a cluster that runs already, and that is ended with it. */
  static async on(cluster: RocketMQCluster, hasProxies: boolean): Promise<Testbed> {
    const topic = "Chaos";
    await createTopic(topic, cluster.brokers);
    const startProxies = (servers: readonly { address: string }[]) =>
      Promise.all(
        hasProxies ? servers.map(({ address }) => FaultProxy.start({ target: address })) : [],
      );
    return new Testbed(
      cluster,
      topic,
      await startProxies(cluster.brokers),
      await startProxies(cluster.nameServerProcesses),
    );
  }

  /** Where clients find the name servers. */
  get nameServers(): string {
    if (this.nameServerProxies.length === 0) return this.cluster.nameServers;
    return this.nameServerProxies.map(({ address }) => address).join(";");
  }

  /** Where clients dial in place of the brokers' addresses. */
  get addressMap(): Record<string, string> {
    return Object.fromEntries(
      this.brokerProxies.map(({ address }, i) => [this.cluster.brokers[i]!.address, address]),
    );
  }

  /** A broker by its number. */
  broker(index: number): BrokerProcess {
    return this.cluster.brokers[index]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of [...this.brokerProxies, ...this.nameServerProxies]) {
      await proxy[Symbol.asyncDispose]();
    }
    await this.cluster[Symbol.asyncDispose]();
  }
}
