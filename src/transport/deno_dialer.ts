import { ConnectionError } from "../errors.ts";
import { explainAlert, explainTlsFailure, type TlsFailureFacts } from "./tls_failure.ts";
import { checkTlsOptions, type TlsOptions, type TlsSettings } from "./tls_options.ts";
import { type Dialer, type DialOptions, type Transport, type Wire, wireOf } from "./transport.ts";

/** Opens a plain TCP connection with the sockets of Deno. Needs `--allow-net` for the address. */
export async function dialTcp(
  host: string,
  port: number,
  options: DialOptions,
): Promise<Transport> {
  const conn = await connectTcp(host, port, options.signal);
  return transportOf(conn, () => conn.readable, false);
}

/** Opens a plain TCP connection as {@linkcode dialTcp} does, and reads and writes it without streams. */
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

/**
 * Makes a dialer for connections over TLS. It verifies every server: its certificate has to be issued
 * by a trusted authority for the host that is dialled, and to be valid now. A server that speaks plain
 * text is refused. Needs `--allow-net` for the addresses, and nothing else.
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
 * @throws {InvalidArgumentError} when an option is not what it should be.
 */
export function createTlsDialer(options: TlsOptions = {}): Dialer {
  const settings = checkTlsOptions(options);
  return (host, port, { signal }) => dialTls(host, port, settings, signal);
}

async function dialTls(
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
      { address, cause, isRetriable: true },
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
 * A client certificate can't be shown on a connection that is there already. This dial takes no
 * signal, so one that comes too late is closed then.
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

/** Reads from the peer. With TLS 1.3 it may refuse a certificate only after the handshake. */
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
        // An end without TLS's own farewell. Frames state their length, so it can't hide a cut.
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
