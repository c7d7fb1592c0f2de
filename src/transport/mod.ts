/**
 * Connections to one server: dialers, requests and their answers.
 *
 * @module
 */
export { connect, type ConnectOptions, lacksPermission } from "./connect.ts";
export { Connection, type ConnectionOptions, type ServerRequestHandler } from "./connection.ts";
export type {
  ConnectionEnd,
  ConnectionStats,
  PrepareRequest,
  Probe,
  RequestOptions,
  ServerRequestAnswer,
} from "./connection_types.ts";
export { createTlsDialer, dialTcp, dialWire } from "./dialer.ts";
export { transportOfSocket } from "./node_dialer.ts";
export type { TlsOptions } from "./tls_options.ts";
export type { Dialer, DialOptions, Transport, Wire, WireDialer } from "./transport.ts";
