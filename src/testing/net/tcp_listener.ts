import { describe, InvalidArgumentError } from "../../errors.ts";
import { formatAddress } from "../../route/mod.ts";
import { isDeno } from "../../runtime.ts";
import * as deno from "./deno_listener.ts";
import type { Acceptor, Listener } from "./memory_network.ts";
import * as node from "./node_listener.ts";

/**
 * Listens with the sockets of the runtime. In Deno it needs `--allow-net` for the address. Closing it
 * refuses further connections and leaves those that were made.
 *
 * @param port A free one is chosen for 0.
 * @throws {InvalidArgumentError} when the address can't be listened on, or this program may not.
 */
export async function listenTcp(
  hostname: string,
  port: number,
  accept: Acceptor,
): Promise<Listener> {
  try {
    return await (isDeno ? deno : node).listen(hostname, port, accept);
  } catch (cause) {
    const address = formatAddress({ host: hostname, port });
    throw new InvalidArgumentError(`Cannot listen on ${address}: ${remedyOf(cause)}`, {
      address,
      cause,
    });
  }
}

function remedyOf(cause: unknown): string {
  const { name, code } = cause as { name?: string; code?: string };
  if (name === "AddrInUse" || code === "EADDRINUSE") {
    return "another program listens there, choose another port or 0";
  }
  return name === "NotCapable"
    ? "this program may not, run it with --allow-net, or use listen: false and the dialer"
    : describe(cause);
}
