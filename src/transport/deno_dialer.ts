import { ConnectionError } from "../errors.ts";
import {
  explainAlert,
  explainTlsFailure,
  isLastingTlsFailure,
  type TlsFailureFacts,
} from "./tls_failure.ts";
import type { TlsSettings } from "./tls_options.ts";
import { type DialOptions, type Transport, type Wire, wireOf } from "./transport.ts";

/** Opens a plain TCP connection with the sockets of Deno. Needs `--allow-net` for the address. */
export async function dialTcp(
  host: string,
  port: number,
  options: DialOptions,
): Promise<Transport> {
  const conn = await connectTcp(host, port, options.signal);
  return transportOf(conn, () => conn.readable, false);
}

/** Opens a plain TCP connection like {@linkcode dialTcp}, but reads and writes it without streams. */
export async function dialWire(host: string, port: number, options: DialOptions): Promise<Wire> {
  const conn = await connectTcp(host, port, options.signal);
  return wireOf(
    {
      read: (memory) => conn.read(memory),
      write: (bytes) => conn.write(bytes),
      close: () => close(conn),
    },
    {
      localHost: localHostOf(conn),
      encrypted: false,
      endOfTurn: () => new Promise<void>((resolve) => void setImmediate(resolve)),
    },
  );
}

/** Opens a connection over TLS with the sockets of Deno. */
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
  signal.throwIfAborted();
  const conn = settings.client
    ? await connectWithCertificate(host, port, settings.caCerts, settings.client, signal)
    : await startTls(await connectTcp(host, port, signal), facts.name, settings.caCerts);
  const onAbort = () => close(conn);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    await conn.handshake();
    signal.throwIfAborted();
    const readable = explainingReadable(conn, facts);
    return transportOf(conn, () => readable, true);
  } catch (cause) {
    close(conn);
    if (signal.aborted) throw signal.reason;
    const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    throw new ConnectionError(
      "CONNECT_FAILED",
      `Cannot connect to ${address} over TLS: ${explainTlsFailure(cause, facts)}`,
      { address, cause, isRetriable: !isLastingTlsFailure(cause) },
    );
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function connectTcp(host: string, port: number, signal: AbortSignal): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: host, port, signal });
  try {
    conn.setNoDelay(true);
    conn.setKeepAlive(true);
    return conn;
  } catch (error) {
    conn.close();
    throw error;
  }
}

async function startTls(
  conn: Deno.TcpConn,
  hostname: string,
  caCerts: string[],
): Promise<Deno.TlsConn> {
  try {
    return await Deno.startTls(conn, { hostname, caCerts });
  } catch (error) {
    close(conn);
    throw error;
  }
}

/**
 * Dials with a client certificate, which an open connection can't add. This dial takes no signal, so a
 * connection that comes too late is closed then.
 */
async function connectWithCertificate(
  hostname: string,
  port: number,
  caCerts: string[],
  client: { cert: string; key: string },
  signal: AbortSignal,
): Promise<Deno.TlsConn> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const dialled = Deno.connectTls({ hostname, port, caCerts, ...client });
  try {
    return await Promise.race([dialled, aborted]);
  } catch (error) {
    dialled.then(close, () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Reads from the peer, and explains its alerts. With TLS 1.3 it may refuse a certificate only after the handshake. */
function explainingReadable(
  conn: Deno.TlsConn,
  facts: TlsFailureFacts,
): ReadableStream<Uint8Array> {
  const reader = conn.readable.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (cause) {
        // An end without close_notify. Frames state their length, so it can't hide a cut.
        if (cause instanceof Deno.errors.UnexpectedEof) return controller.close();
        const reason = explainAlert(cause, facts);
        throw reason === undefined ? cause : new Error(reason, { cause });
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function transportOf(
  conn: Deno.Conn,
  readable: () => ReadableStream<Uint8Array>,
  encrypted: boolean,
): Transport {
  return {
    get readable() {
      return readable();
    },
    get writable() {
      return conn.writable;
    },
    encrypted,
    localHost: localHostOf(conn),
    close: () => close(conn),
  };
}

function localHostOf(conn: Deno.Conn): string {
  return (conn.localAddr as Deno.NetAddr).hostname;
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
