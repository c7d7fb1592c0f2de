import type { RemotingRequest } from "../remoting/mod.ts";
import { createGetRouteInfoRequest, createHeartbeatRequest } from "../requests/mod.ts";
import type { ServerRequestHandler } from "../transport/mod.ts";
import { ConnectionPool, type ConnectionPoolOptions } from "./connection_pool.ts";
import type { ClientSettings } from "./options.ts";
import { DEFAULT_TOPIC } from "./route_table.ts";

/** The connections of a client. */
export class ConnectionPools {
  /** To name servers. */
  readonly nameServers: ConnectionPool;
  /** To brokers, on their own ports: heartbeats, check-backs, verdicts. */
  readonly brokers: ConnectionPool;
  /** To the VIP ports of brokers. */
  readonly vip: ConnectionPool;

  constructor(
    settings: ClientSettings,
    handlers: ReadonlyMap<number, ServerRequestHandler>,
    clientId: () => string,
  ) {
    // Servers that live answer these in some way, and nothing changes there: a heartbeat without
    // groups registers none.
    const askNameServer = () => createGetRouteInfoRequest(DEFAULT_TOPIC);
    const askBroker = () => createHeartbeatRequest({ clientId: clientId(), producerGroups: [] });
    this.nameServers = new ConnectionPool(poolOptions(settings, new Map(), askNameServer));
    this.brokers = new ConnectionPool(poolOptions(settings, handlers, askBroker));
    this.vip = new ConnectionPool(poolOptions(settings, new Map(), askBroker));
  }

  /** Connections that are open. */
  get size(): number {
    return this.nameServers.size + this.brokers.size + this.vip.size;
  }

  /** Ends all of them. */
  close(reason: string): void {
    for (const pool of [this.brokers, this.vip, this.nameServers]) pool.close(reason);
  }
}

function poolOptions(
  settings: ClientSettings,
  handlers: ReadonlyMap<number, ServerRequestHandler>,
  probe: () => RemotingRequest,
): ConnectionPoolOptions {
  return {
    dialer: settings.dialer,
    clock: settings.clock,
    logger: settings.logger,
    connectTimeout: settings.connectTimeout,
    maxInFlight: settings.maxRequestsInFlight,
    maxPendingBytes: settings.maxPendingBytes,
    handlers,
    probe: { request: probe, timeout: settings.requestTimeout },
  };
}
