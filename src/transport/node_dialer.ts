import type { Socket as NetSocket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { ConnectionError } from "../errors.ts";
import { loadNodeCrypto, loadNodeNet, loadNodeTls } from "../runtime.ts";
import { findCertificateFault, toRuntimeError } from "./node_faults.ts";
import { NodeSocket } from "./node_socket.ts";
import {
  explainAlert,
  explainTlsFailure,
  isLastingTlsFailure,
  type TlsFailureFacts,
} from "./tls_failure.ts";
import type { TlsSettings } from "./tls_options.ts";
import type { DialOptions, Transport, Wire } from "./transport.ts";

/** Opens a plain TCP connection with `node:net`. */
export async function dialTcp(
  host: string,
  port: number,
  { signal }: DialOptions,
): Promise<Transport> {
  return transportOfSocket(await connectTcp(host, port, signal));
}

/** Opens a plain TCP connection as {@linkcode dialTcp} does, and reads and writes it without streams. */
export async function dialWire(
  host: string,
  port: number,
  { signal }: DialOptions,
): Promise<Wire> {
  return new NodeSocket(await connectTcp(host, port, signal), toRuntimeError).asWire(false);
}

/** Makes a transport of a socket of `node:net` that is connected. */
export function transportOfSocket(socket: NetSocket): Transport {
  return new NodeSocket(socket, toRuntimeError).asTransport(false);
}

/** Opens a connection over TLS with `node:tls`. */
export async function dialTls(
  host: string,
  port: number,
  settings: TlsSettings,
  signal: AbortSignal,
): Promise<Transport> {
  const facts: TlsFailureFacts = {
    name: settings.serverName ?? host,
    hasCertificate: settings.client !== undefined,
  };
  const tcp = await connectTcp(host, port, signal);
  try {
    const socket = await shakeHands(tcp, facts.name, settings, signal);
    const explain = (cause: unknown) => {
      const error = toRuntimeError(cause), reason = explainAlert(error, facts);
      return reason === undefined ? error : new Error(reason, { cause });
    };
    return new NodeSocket(socket, explain).asTransport(true);
  } catch (cause) {
    tcp.destroy();
    if (signal.aborted) throw signal.reason;
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const fault = toRuntimeError(cause);
    throw new ConnectionError(
      "CONNECT_FAILED",
      `Cannot connect to ${address} over TLS: ${explainTlsFailure(fault, facts)}`,
      { address, cause, isRetriable: !isLastingTlsFailure(fault) },
    );
  }
}

async function connectTcp(host: string, port: number, signal: AbortSignal): Promise<NetSocket> {
  signal.throwIfAborted();
  const socket = loadNodeNet().connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    // What the peer still sends arrives after this side has ended its direction, and the reverse.
    allowHalfOpen: true,
  });
  try {
    return await settle(socket, "connect", signal);
  } catch (cause) {
    throw signal.aborted ? signal.reason : toRuntimeError(cause);
  }
}

/**
 * Opens TLS on a connection, and verifies the server before anybody gets to write to it. `node:tls`
 * does it here without its own refusal, which keeps to itself whose certificate it was.
 */
async function shakeHands(
  tcp: NetSocket,
  name: string,
  settings: TlsSettings,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const { connect } = loadNodeTls(), isAddress = loadNodeNet().isIP(name) > 0;
  const socket = connect({
    socket: tcp,
    // An address is no server name in the sense of TLS.
    ...(isAddress ? {} : { servername: name }),
    secureContext: secureContextOf(settings),
    rejectUnauthorized: false,
    // Its rule falls back to the subject, as nobody else does any more.
    checkServerIdentity: () => undefined,
  });
  try {
    await settle(socket, "secureConnect", signal);
    const certificate = socket.getPeerX509Certificate?.() ??
      new (loadNodeCrypto().X509Certificate)(socket.getPeerCertificate().raw);
    const fault = findCertificateFault({
      certificate,
      name,
      isAddress,
      isChainTrusted: socket.authorized === true,
      chainFault: socket.authorizationError,
    });
    if (fault !== undefined) throw new Error(`invalid peer certificate: ${fault}`);
    return socket;
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  }
}

const contexts = new WeakMap<TlsSettings, SecureContext>();

/** The authorities, which are some 150 of the runtime's own, are read once. */
function secureContextOf(settings: TlsSettings): SecureContext {
  let context = contexts.get(settings);
  if (!context) contexts.set(settings, context = createSecureContext(settings));
  return context;
}

function createSecureContext({ caCerts, client }: TlsSettings): SecureContext {
  const tls = loadNodeTls();
  const known = tls.getCACertificates?.("default") ?? tls.rootCertificates;
  return tls.createSecureContext({
    ca: [...known, ...caCerts],
    ...client,
    minVersion: "TLSv1.2",
    // Whatever is trusted ends a chain, an authority between others and a self-signed server too.
    allowPartialTrustChain: true,
  });
}

/** Waits for an event of a new socket. Whatever else happens to it before ends it and is thrown. */
async function settle<S extends NetSocket>(
  socket: S,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<S> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(signal.reason);
  const onEnd = () => reject(new Error("tls handshake eof"));
  socket.once(event, resolve).on("error", reject).once("end", onEnd).once("close", onEnd);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    await promise;
    signal.throwIfAborted();
    return socket;
  } catch (error) {
    // What it says after its end is of no interest, and would end the program without a listener.
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket.off(event, resolve).off("error", reject).off("end", onEnd).off("close", onEnd);
  }
}
