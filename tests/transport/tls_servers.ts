import tls from "node:tls";
import type { Identity } from "../support/certificates.ts";

/** A server on loopback that ends with everything that belongs to it. */
export interface Server extends AsyncDisposable {
  port: number;
}

/** A server that lets `serve` deal with each connection, and closes it then. */
export function acceptTcp(serve: (conn: Deno.Conn) => Promise<void>): Server {
  return accept(Deno.listen({ hostname: "127.0.0.1", port: 0 }), serve);
}

/** A TLS server that sends back what it gets. */
export function acceptTls(identity: Identity): Server {
  return accept(Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...identity }), async (conn) => {
    const buffer = new Uint8Array(65536);
    for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
      await conn.write(buffer.subarray(0, n));
    }
  });
}

function accept<C extends Deno.Conn>(
  listener: AsyncIterable<C> & { addr: Deno.Addr; close(): void },
  serve: (conn: C) => Promise<void>,
): Server {
  const open = new Set<C>(), served: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) {
      open.add(conn);
      // What the peer does to the connection is seen on the other side.
      served.push(serve(conn).catch(() => {}).then(() => close(conn)));
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting;
      open.forEach(close);
      await Promise.all(served);
    },
  };
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** A TLS server that sends back what it gets from clients with a certificate, and refuses others. */
export async function requireClientCertificate(
  version: "TLSv1.2" | "TLSv1.3",
  identity: Identity,
  ca: string,
): Promise<Server & { clients: string[] }> {
  const sockets = new Set<tls.TLSSocket>(), clients: string[] = [];
  const server = tls.createServer({
    ...identity,
    ca: [ca],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: version,
    maxVersion: version,
  }, (socket) => {
    sockets.add(socket);
    clients.push(String(socket.getPeerCertificate().subject?.CN));
    socket.on("error", () => {});
    socket.on("data", (bytes) => socket.write(bytes));
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as { port: number }).port,
    clients,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
