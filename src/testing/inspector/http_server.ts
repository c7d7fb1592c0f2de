import { describe, InvalidArgumentError } from "../../errors.ts";
import { formatAddress } from "../../route/mod.ts";

/** An HTTP server that runs. */
export interface HttpServer {
  /** The port that it listens on. */
  readonly port: number;
  /** Settles when it has ended. */
  readonly finished: Promise<void>;
  /** Takes no more requests, and ends when those that run are answered. */
  shutdown(): Promise<void>;
}

/**
 * Serves HTTP with Deno. Needs `--allow-net` for the address.
 *
 * @throws {InvalidArgumentError} when the address can't be listened on, or this program may not.
 */
export function serveHttp(
  hostname: string,
  port: number,
  handler: (request: Request) => Promise<Response>,
): HttpServer {
  try {
    const server = Deno.serve({ hostname, port, onListen: () => {} }, handler);
    return {
      port: server.addr.port,
      finished: server.finished,
      shutdown: () => server.shutdown(),
    };
  } catch (cause) {
    const remedy = cause instanceof Deno.errors.AddrInUse
      ? "another program listens there, choose another port or 0"
      : cause instanceof Deno.errors.NotCapable
      ? "this program may not, run it with --allow-net"
      : describe(cause);
    const address = formatAddress({ host: hostname, port });
    throw new InvalidArgumentError(`Cannot serve on ${address}: ${remedy}`, { address, cause });
  }
}
