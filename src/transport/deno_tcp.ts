import type { DialOptions, Transport } from "./transport.ts";

/** Opens a plain TCP connection with the sockets of Deno. Needs `--allow-net` for the address. */
export async function dialTcp(
  host: string,
  port: number,
  options: DialOptions,
): Promise<Transport> {
  const conn = await Deno.connect({ hostname: host, port, signal: options.signal });
  try {
    conn.setNoDelay(true);
    conn.setKeepAlive(true);
  } catch (error) {
    conn.close();
    throw error;
  }
  let open = true;
  return {
    readable: conn.readable,
    writable: conn.writable,
    localHost: (conn.localAddr as Deno.NetAddr).hostname,
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
