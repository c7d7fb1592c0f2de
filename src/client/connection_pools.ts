import { identifyRequests, showReceived } from "../access/mod.ts";
import { describe } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import { isOneway, type RemotingRequest } from "../remoting/mod.ts";
import { createGetRouteInfoRequest, createHeartbeatRequest } from "../requests/mod.ts";
import type { ConnectionOptions, ServerRequestHandler, WireDialer } from "../transport/mod.ts";
import { ConnectionPool } from "./connection_pool.ts";
import type { ClientSettings } from "./options.ts";
import { DEFAULT_TOPIC } from "./route_table.ts";

type Handlers = ReadonlyMap<number, ServerRequestHandler>;

/** The settings of {@linkcode ConnectionPools} that are no options of users. */
interface ConnectionPoolsOptions {
  /** Handlers of what brokers send, by request code. */
  handlers: Handlers;
  /** Returns the id of the client, which the first contact fixes. */
  clientId: () => string;
  warnings: ThrottledLogger;
}

/** The connections of a client. */
export class ConnectionPools {
  /** To name servers. */
  readonly nameServers: ConnectionPool;
  /** To brokers, on their own ports: heartbeats, check-backs, END_TRANSACTION. */
  readonly brokers: ConnectionPool;
  /** To the VIP ports of brokers. */
  readonly vip: ConnectionPool;

  constructor(settings: ClientSettings, { handlers, clientId, warnings }: ConnectionPoolsOptions) {
    // A server that lives answers these, and they change nothing there: a heartbeat without groups
    // registers none.
    const probeNameServer = () => createGetRouteInfoRequest(DEFAULT_TOPIC);
    const probeBroker = () => createHeartbeatRequest({ clientId: clientId(), producerGroups: [] });
    const path = requestPath(settings, warnings);
    const pool = (probe: () => RemotingRequest, served: Handlers = new Map()) =>
      new ConnectionPool({
        dialer: path.dialer,
        prepare: path.prepare,
        clock: settings.clock,
        warnings,
        connectTimeout: settings.connectTimeout,
        dials: settings.dials,
        maxInFlight: settings.maxRequestsInFlight,
        maxPendingBytes: settings.maxPendingBytes,
        handlers: path.watch(served),
        probe: { request: probe, timeout: settings.requestTimeout },
      });
    this.nameServers = pool(probeNameServer);
    this.brokers = pool(probeBroker, handlers);
    this.vip = pool(probeBroker);
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

/** What all connections of a client share. */
interface RequestPath extends Pick<ConnectionOptions, "prepare"> {
  /** Opens transports. Warns if signed requests would cross the network in plain text. */
  readonly dialer: WireDialer;
  /** Shows what servers send to the hooks. */
  watch(handlers: ReadonlyMap<number, ServerRequestHandler>): typeof handlers;
}

/** Makes the path of a client's requests: every one of them gets its identity. */
function requestPath(settings: ClientSettings, warnings: ThrottledLogger): RequestPath {
  const warn = (reason: string, error: unknown) =>
    warnings.warn(reason, `${reason}: ${describe(error)}`);
  const show = showReceived(settings.requestHooks, warn);
  return {
    prepare: identifyRequests(settings, warn),
    dialer: settings.credentials ? warningDialer(settings) : settings.dialer,
    watch: (handlers) =>
      show === undefined ? handlers : new Map(
        Array.from(handlers, ([code, handle]) => [code, (command, connection) => {
          show(command, connection.address, isOneway(command));
          return handle(command, connection);
        }]),
      ),
  };
}

/** Warns once when a connection to another machine is not encrypted. */
function warningDialer({ dialer, logger }: ClientSettings): WireDialer {
  let warned = false;
  return async (host, port, options) => {
    const transport = await dialer(host, port, options);
    if (!warned && transport.encrypted === false && !isLoopback(host)) {
      warned = true;
      logger.warn(
        `Credentials are used over a connection to ${host} that is not encrypted: signatures do not ` +
          "hide messages, and a security token can be read and used by others. Use TLS",
      );
    }
    return transport;
  };
}

function isLoopback(host: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127\.[\d.]+|(?:.+\.)?localhost\.?)$/i.test(host);
}
