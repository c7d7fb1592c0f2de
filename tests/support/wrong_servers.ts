import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";

/** A server on loopback that is not RocketMQ. */
export interface WrongServer extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string;
}

/** Answers everything over HTTP/1.1, as a dashboard or a load balancer does. */
export function startHttpServer(): WrongServer {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("Hello"),
  );
  return {
    address: `127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Speaks HTTP/2 in plain text, as the gRPC port of a RocketMQ proxy does. */
export async function startHttp2Server(): Promise<WrongServer> {
  const server = createServer();
  server.on("sessionError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Takes connections and never says a word. */
export function startSilentServer(): WrongServer & { connected(): Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { ...startTcpServer(() => resolve()), connected: () => promise };
}

/** Takes connections and closes them at once. */
export function startClosingServer(): WrongServer {
  return startTcpServer((connection) => connection.close());
}

/** An address on which nothing listens. */
export function findDeadAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

function startTcpServer(greet: (connection: Deno.TcpConn) => void): WrongServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.TcpConn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      greet(connection);
    }
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of connections) {
        try {
          connection.close();
        } catch (error) {
          if (!(error instanceof Deno.errors.BadResource)) throw error;
        }
      }
    },
  };
}
