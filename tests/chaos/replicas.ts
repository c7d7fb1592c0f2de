import type { BrokerProcess, RocketMQCluster } from "../support/cluster.ts";
import { eventually } from "../support/progress.ts";

/** A master and its slave. */
export interface Pair {
  master: BrokerProcess;
  slave: BrokerProcess;
}

/** The brokers of a cluster that have a slave each, and who is the master of each name at a time. */
export class Replicas {
  /** Names that a master and a slave have in common. */
  readonly names: readonly string[];
  /** Whether a slave becomes the master of its name when the master is gone. */
  readonly promotes: boolean;
  readonly #cluster: RocketMQCluster;

  constructor(cluster: RocketMQCluster, names: readonly string[], promotes: boolean) {
    this.#cluster = cluster;
    this.names = names;
    this.promotes = promotes;
  }

  /** The two brokers of a name. */
  async pairOf(name: string): Promise<Pair> {
    const master = await this.#cluster.masterOf(name);
    const slave = this.#cluster.brokers.find((it) => it.name === name && it !== master);
    if (master && slave) return { master, slave };
    throw new Error(`Cannot find a master and a slave of ${name}`);
  }

  /** Waits until a broker is the master of its name. */
  async promoted(broker: BrokerProcess): Promise<void> {
    const isMaster = async () => await this.#cluster.masterOf(broker.name) === broker;
    if (await eventually(isMaster, 60_000, 50)) return;
    throw new Error(`Cannot see ${broker.name} at ${broker.address} become master in 60 s`);
  }

  /** Waits until the slave of a name has all that its master has, where a controller knows that. */
  async inSync(name: string): Promise<void> {
    if (this.promotes) await this.#cluster.inSync(name);
  }
}
