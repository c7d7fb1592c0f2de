/**
 * Connections: bytes to and from one server, requests and their answers.
 *
 * @module
 */
export { connect, type ConnectOptions } from "./connect.ts";
export { Connection } from "./connection.ts";
export type {
  ConnectionEnd,
  ConnectionMark,
  ConnectionOptions,
  ConnectionStats,
  PrepareRequest,
  Probe,
  RequestOptions,
  ServerRequestAnswer,
  ServerRequestHandler,
} from "./connection_types.ts";
export { createTlsDialer, dialTcp, dialWire } from "./deno_dialer.ts";
export type { TlsOptions } from "./tls_options.ts";
export type { Dialer, DialOptions, Transport, Wire, WireDialer } from "./transport.ts";
