import type { HttpHandler, HttpServer } from "./http_types.ts";

/** Serves HTTP with Deno. Throws what Deno throws. */
export function serve(hostname: string, port: number, handler: HttpHandler): HttpServer {
  const server = Deno.serve({ hostname, port, onListen: () => {} }, handler);
  return {
    port: server.addr.port,
    finished: server.finished,
    shutdown: () => server.shutdown(),
  };
}
