import { describe, InvalidArgumentError } from "../../errors.ts";
import { formatAddress } from "../../route/mod.ts";
import { isDeno } from "../../runtime.ts";
import * as deno from "./deno_http.ts";
import type { HttpHandler, HttpServer } from "./http_types.ts";
import * as node from "./node_http.ts";

/**
 * Serves HTTP with the means of the runtime. In Deno it needs `--allow-net` for the address.
 *
 * @throws {InvalidArgumentError} when the address can't be listened on, or this program may not.
 */
export async function serveHttp(
  hostname: string,
  port: number,
  handler: HttpHandler,
): Promise<HttpServer> {
  try {
    return await (isDeno ? deno : node).serve(hostname, port, handler);
  } catch (cause) {
    const address = formatAddress({ host: hostname, port });
    throw new InvalidArgumentError(`Cannot serve on ${address}: ${remedyOf(cause)}`, {
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
  return name === "NotCapable" ? "this program may not, run it with --allow-net" : describe(cause);
}
