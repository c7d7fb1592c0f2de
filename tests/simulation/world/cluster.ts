import type { TopicRouteData } from "../../../src/requests/mod.ts";
import type { Network } from "../network/network.ts";
import type { Plan } from "../plan.ts";
import { Broker } from "./broker.ts";
import { checkAgain } from "./check_round.ts";
import { TOPIC, type World } from "./context.ts";
import { NameServer } from "./name_server.ts";
import { OldMaster } from "./old_master.ts";

/** Queues of the topic on each broker. */
const QUEUES = 2;

/** How name servers tell less than they should. */
export type RouteShape = "stale" | "empty" | "unknown" | "slaveOnly" | "flapping";

/** All servers, and what happens to them. */
export class Cluster {
  readonly brokers: readonly Broker[];
  readonly nameServers: readonly NameServer[];
  readonly #world: World;
  readonly #network: Network;
  readonly #shapes: { shape: RouteShape; before: TopicRouteData }[] = [];
  readonly #oldMasters = new Map<Broker, OldMaster>();
  #queries = 0;

  constructor(plan: Plan, world: World, network: Network) {
    this.#world = world;
    this.#network = network;
    this.brokers = Array.from(
      { length: plan.brokers },
      (_, index) => new Broker(`b${index}`, `10.0.1.${index + 1}:10911`, world),
    );
    this.nameServers = Array.from(
      { length: plan.nameServers },
      (_, index) => new NameServer(`10.0.0.${index + 10}:9876`, world, () => this.#tellRoute()),
    );
    for (const server of [...this.brokers, ...this.nameServers]) network.listen(server);
  }

  /** Address of a server by its name in a plan; a broker's where it is now. */
  addressOf(server: string): string {
    const index = Number(server.slice(1));
    return server.startsWith("n") ? this.nameServers[index]!.address : this.brokers[index]!.address;
  }

  /** Name of the broker at an address, if it is one. */
  brokerAt(address: string): string | undefined {
    const index = /^10\.0\.[12]\.(\d+):/.exec(address)?.[1];
    return index === undefined ? undefined : `b${Number(index) - 1}`;
  }

  /** Kills a broker; with `window`, as a power loss that takes the end of its log with it. */
  kill(broker: Broker, window?: number): void {
    broker.kill();
    if (window !== undefined) broker.loseTail(window);
    this.#network.unlisten(broker);
  }

  /** Starts a broker that was killed. */
  start(broker: Broker): void {
    broker.start();
    this.#network.listen(broker);
  }

  /** Lets the slave of a broker take its place; it lacks the last `lag` milliseconds. */
  promote(broker: Broker, lag: number): void {
    this.kill(broker, lag);
    broker.store.progress = broker.store.savedProgress;
    const slave = this.#oldMasters.get(broker);
    if (slave) this.#network.unlisten(slave);
    const old = broker.address;
    const index = Number(broker.name.slice(1)) + 1;
    broker.address = old.startsWith("10.0.1.") ? `10.0.2.${index}:10911` : `10.0.1.${index}:10911`;
    this.#oldMasters.set(broker, new OldMaster(old));
    this.start(broker);
  }

  /** The old master comes back, as a slave. */
  returnOldMaster(broker: Broker): void {
    const old = this.#oldMasters.get(broker);
    if (old && old.address !== broker.address) this.#network.listen(old);
  }

  /**
   * A slave acts for its dead master: it has no queue of half messages to write to, and writes those
   * that are open to another broker, which asks about them.
   */
  escapeHalves(broker: Broker): void {
    const other = this.brokers.find((candidate) => candidate !== broker && candidate.isUp);
    if (!other) return;
    const { halves, marks, progress } = broker.store;
    for (const half of halves.slice(progress)) {
      if (!marks.has(half.queueOffset)) checkAgain(other, half.content, half.checks + 1);
    }
  }

  /** Bends the answers of the name servers; gives what ends it. */
  bendRoute(shape: RouteShape): () => void {
    const bend = { shape, before: this.#trueRoute() };
    this.#shapes.push(bend);
    return () => {
      this.#shapes.splice(this.#shapes.indexOf(bend), 1);
    };
  }

  #tellRoute(): TopicRouteData | undefined {
    const bend = this.#shapes.at(-1);
    const route = this.#trueRoute();
    switch (bend?.shape) {
      case undefined:
        return route;
      case "stale":
        return bend.before;
      case "unknown":
        return undefined;
      case "empty":
        return { queueDatas: [], brokerDatas: [] };
      case "flapping":
        return this.#queries++ % 2 === 0 ? { queueDatas: [], brokerDatas: [] } : route;
      case "slaveOnly":
        return {
          ...route,
          brokerDatas: route.brokerDatas.map((data) => ({
            ...data,
            brokerAddrs: new Map([[1, slaveOf(data.brokerName)]]),
          })),
        };
    }
  }

  #trueRoute(): TopicRouteData {
    return {
      queueDatas: this.brokers.map(({ name }) => ({
        brokerName: name,
        readQueueNums: QUEUES,
        writeQueueNums: QUEUES,
        perm: 6,
        topicSysFlag: 0,
      })),
      brokerDatas: this.brokers.map(({ name, address, isUp }) => ({
        cluster: TOPIC,
        brokerName: name,
        brokerAddrs: new Map(isUp ? [[0, address]] : [[1, slaveOf(name)]]),
      })),
    };
  }
}

/** Where the slave of a broker would be; nothing listens there. */
function slaveOf(name: string): string {
  return `10.0.3.${Number(name.slice(1)) + 1}:10911`;
}
