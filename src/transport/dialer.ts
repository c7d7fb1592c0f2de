import { isDeno } from "../runtime.ts";
import * as deno from "./deno_dialer.ts";
import * as node from "./node_dialer.ts";
import { checkTlsOptions, type TlsOptions } from "./tls_options.ts";
import type { Dialer, DialOptions, Transport, Wire } from "./transport.ts";

/** The sockets of the runtime: those of Deno, or of `node:net` and `node:tls`. */
const runtime = isDeno ? deno : node;

/**
 * Opens a plain TCP connection with the sockets of the runtime: those of Deno, or of `node:net`. In Deno
 * it needs `--allow-net` for the address.
 */
export function dialTcp(host: string, port: number, options: DialOptions): Promise<Transport> {
  return runtime.dialTcp(host, port, options);
}

/** Opens a plain TCP connection like {@linkcode dialTcp}, but reads and writes it without streams. */
export function dialWire(host: string, port: number, options: DialOptions): Promise<Wire> {
  return runtime.dialWire(host, port, options);
}

/**
 * Makes a dialer for connections over TLS. It verifies every server: a trusted authority has to have
 * issued its certificate for the host that is dialled, and it has to be valid now. A server that speaks
 * plain text is refused. In Deno it needs `--allow-net` for the addresses, and nothing else.
 *
 * The dialer rejects with a {@linkcode ConnectionError} that says what is wrong and what to do.
 *
 * @example
 * ```ts
 * import { createTlsDialer, Producer } from "@rocketmq-deno/client";
 *
 * async function createProducer(): Promise<Producer> {
 *   const ca = await Deno.readTextFile("ca.pem");
 *   return new Producer({
 *     nameServers: "mq.example.com:9876",
 *     producerGroup: "order_service",
 *     dialer: createTlsDialer({ caCerts: [ca] }),
 *   });
 * }
 * ```
 *
 * @throws {InvalidArgumentError} when an option can't be used.
 */
export function createTlsDialer(options: TlsOptions = {}): Dialer {
  const settings = checkTlsOptions(options);
  return (host, port, { signal }) => runtime.dialTls(host, port, settings, signal);
}
