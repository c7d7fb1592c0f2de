import { formatAddress } from "../../route/mod.ts";
import type { Transport } from "../../transport/mod.ts";
import type { Acceptor, Listener } from "./memory_network.ts";

/** Listens with the sockets of Deno. Throws what Deno throws. */
export function listen(hostname: string, port: number, accept: Acceptor): Listener {
  const listener = Deno.listen({ hostname, port });
  const accepting = acceptAll(listener, accept);
  return {
    port: listener.addr.port,
    close(): Promise<void> {
      listener.close();
      return accepting;
    },
  };
}

async function acceptAll(listener: Deno.TcpListener, accept: Acceptor): Promise<void> {
  for await (const conn of listener) {
    const transport = transportOf(conn);
    try {
      conn.setNoDelay(true);
      accept(transport, formatRemote(conn));
    } catch {
      // The other end was gone before it was taken.
      transport.close();
    }
  }
}

function formatRemote({ remoteAddr }: Deno.TcpConn): string {
  return formatAddress({ host: remoteAddr.hostname, port: remoteAddr.port });
}

function transportOf(conn: Deno.TcpConn): Transport {
  let open = true;
  return {
    readable: conn.readable,
    writable: conn.writable,
    close(): void {
      if (!open) return;
      open = false;
      try {
        conn.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    },
  };
}
