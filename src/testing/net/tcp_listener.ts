import { describe, InvalidArgumentError } from "../../errors.ts";
import { formatAddress } from "../../route/mod.ts";
import type { Transport } from "../../transport/mod.ts";
import type { Acceptor, Listener } from "./memory_network.ts";

/**
 * Listens with the sockets of Deno. Needs `--allow-net` for the address. Closing it refuses further
 * connections and leaves those that were made.
 *
 * @param port A free one is chosen for 0.
 * @throws {InvalidArgumentError} when the address can't be listened on, or this program may not.
 */
export function listenTcp(hostname: string, port: number, accept: Acceptor): Listener {
  const listener = open(hostname, port);
  const accepting = acceptAll(listener, accept);
  return {
    port: listener.addr.port,
    close(): Promise<void> {
      listener.close();
      return accepting;
    },
  };
}

function open(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (cause) {
    const remedy = cause instanceof Deno.errors.AddrInUse
      ? "another program listens there, choose another port or 0"
      : cause instanceof Deno.errors.NotCapable
      ? "this program may not, run it with --allow-net, or use listen: false and the dialer"
      : describe(cause);
    const address = formatAddress({ host: hostname, port });
    throw new InvalidArgumentError(`Cannot listen on ${address}: ${remedy}`, { address, cause });
  }
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
