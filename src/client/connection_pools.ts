import type { ThrottledLogger } from "../logger.ts";
import type { RemotingRequest } from "../remoting/mod.ts";
import { createGetRouteInfoRequest, createHeartbeatRequest } from "../requests/mod.ts";
import type { ServerRequestHandler } from "../transport/mod.ts";
import { ConnectionPool } from "./connection_pool.ts";
import type { ClientSettings } from "./options.ts";
import { requestPath } from "./request_path.ts";
import { DEFAULT_TOPIC } from "./route_table.ts";

type Handlers = ReadonlyMap<number, ServerRequestHandler>;

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
    handlers: Handlers,
    clientId: () => string,
    warnings: ThrottledLogger,
  ) {
    // Servers that live answer these in some way, and nothing changes there: a heartbeat without
    // groups registers none.
    const askNameServer = () => createGetRouteInfoRequest(DEFAULT_TOPIC);
    const askBroker = () => createHeartbeatRequest({ clientId: clientId(), producerGroups: [] });
    const path = requestPath(settings, warnings);
    const pool = (probe: () => RemotingRequest, served: Handlers = new Map()) =>
      new ConnectionPool({
        dialer: path.dialer,
        outgoing: path.outgoing,
        clock: settings.clock,
        warnings,
        connectTimeout: settings.connectTimeout,
        dials: settings.dials,
        maxInFlight: settings.maxRequestsInFlight,
        maxPendingBytes: settings.maxPendingBytes,
        handlers: path.watch(served),
        probe: { request: probe, timeout: settings.requestTimeout },
      });
    this.nameServers = pool(askNameServer);
    this.brokers = pool(askBroker, handlers);
    this.vip = pool(askBroker);
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
