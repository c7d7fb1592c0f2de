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
  /** To brokers, on their own ports: heartbeats, check-backs, verdicts. */
  readonly brokers: ConnectionPool;
  /** To the VIP ports of brokers. */
  readonly vip: ConnectionPool;

  constructor(settings: ClientSettings, { handlers, clientId, warnings }: ConnectionPoolsOptions) {
    // Servers that live answer these in some way, and nothing changes there: a heartbeat without
    // groups registers none.
    const askNameServer = () => createGetRouteInfoRequest(DEFAULT_TOPIC);
    const askBroker = () => createHeartbeatRequest({ clientId: clientId(), producerGroups: [] });
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

/** The parts of a client that all of its connections share. */
interface RequestPath extends Pick<ConnectionOptions, "prepare"> {
  /** Opens transports, and warns where signed requests would go over the net in plain text. */
  readonly dialer: WireDialer;
  /** Shows what servers send to the hooks. */
  watch(handlers: ReadonlyMap<number, ServerRequestHandler>): typeof handlers;
}

/** Makes the way of a client's requests: who it is goes on every one of them. */
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
