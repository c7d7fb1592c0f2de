import type { Activity } from "../activity.ts";
import type { FaultTable } from "../faults/faults.ts";
import { Endpoint } from "../net/endpoint.ts";
import type { MemoryNetwork } from "../net/memory_network.ts";
import { Server } from "../net/server.ts";
import type { Node } from "../node.ts";
import type { EmbeddedBrokerSettings } from "../options.ts";
import { nameServerHandlers, type RegisteredBroker } from "./name_server_handlers.ts";

/** The name by which faults mean the name server. */
export const NAME_SERVER = "nameServer";

/** What a {@linkcode NameServerNode} is made of. */
export interface NameServerOptions {
  /** The settings of the cluster. */
  settings: EmbeddedBrokerSettings;
  /** Connections in memory. */
  network: MemoryNetwork;
  /** The faults of the cluster. */
  faults: FaultTable;
  /** The counters of the cluster. */
  activity: Activity;
  /** The brokers that are running. */
  brokers(): readonly RegisteredBroker[];
}

/** The name server of an embedded cluster. */
export class NameServerNode implements Node {
  readonly name = NAME_SERVER;
  readonly #server: Server;
  readonly #endpoint: Endpoint;

  constructor({ settings, network, faults, activity, brokers }: NameServerOptions) {
    const { clock, serializeType, hostname, port, listen } = settings;
    this.#server = new Server({
      ...{ name: NAME_SERVER, clock, faults, serializeType, counters: activity.counters },
      handlers: nameServerHandlers(brokers),
    });
    this.#endpoint = new Endpoint({
      ...{ hostname, port, listen, network },
      accept: (transport, remote) => this.#server.accept(transport, remote),
    });
  }

  get address(): string {
    return this.#endpoint.address;
  }

  get connectionCount(): number {
    return this.#server.connections.size;
  }

  start(): Promise<void> {
    return this.#endpoint.open();
  }

  async stop(): Promise<void> {
    await this.refuseConnections();
    await this.disconnect();
  }

  kill(): Promise<void> {
    return this.stop();
  }

  acceptConnections(): Promise<void> {
    return this.#endpoint.open();
  }

  refuseConnections(): Promise<void> {
    return this.#endpoint.close();
  }

  disconnect(): Promise<void> {
    return this.#server.disconnect();
  }
}
