import type { IncomingMessage, ServerResponse } from "node:http";
import { loadNodeHttp } from "../../runtime.ts";
import type { HttpHandler, HttpServer } from "./http_types.ts";

/** Serves HTTP with `node:http`. Rejects with what that says. */
export async function serve(
  hostname: string,
  port: number,
  handler: HttpHandler,
): Promise<HttpServer> {
  const server = loadNodeHttp().createServer((incoming, outgoing) => {
    handler(requestOf(incoming)).then((response) => send(response, outgoing))
      // The page is gone, or the answer broke: either way there is nobody to tell.
      .catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: hostname, port }, resolve);
  });
  const finished = new Promise<void>((resolve) => server.once("close", resolve));
  return {
    port: (server.address() as { port: number }).port,
    finished,
    shutdown(): Promise<void> {
      server.close();
      server.closeIdleConnections();
      return finished;
    },
  };
}

function requestOf(incoming: IncomingMessage): Request {
  const { method = "GET", url = "/", headers } = incoming;
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]]
  );
  const isEmpty = method === "GET" || method === "HEAD";
  const body = isEmpty ? {} : { body: bodyOf(incoming), duplex: "half" };
  // The host is what the client says, and has to be looked at as a header.
  return new Request(new URL(url, "http://localhost"), { method, headers: lines, ...body });
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = incoming[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel: () => void incoming.destroy(),
  });
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  const reader = response.body?.getReader();
  if (!reader) return void outgoing.end();
  outgoing.on("close", () => void reader.cancel().catch(() => {}));
  outgoing.flushHeaders();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return void outgoing.end();
    if (!outgoing.write(value)) await new Promise((resolve) => outgoing.once("drain", resolve));
  }
}
