import type { Server } from "node:net";
import { formatAddress } from "../../route/mod.ts";
import { loadNodeNet } from "../../runtime.ts";
import { transportOfSocket } from "../../transport/mod.ts";
import type { Acceptor, Listener } from "./memory_network.ts";

/** Listens with `node:net`. Rejects with what that says. */
export async function listen(
  hostname: string,
  port: number,
  accept: Acceptor,
): Promise<Listener> {
  const options = { allowHalfOpen: true, noDelay: true };
  const server = loadNodeNet().createServer(options, (socket) => {
    const { remoteAddress: host, remotePort } = socket, transport = transportOfSocket(socket);
    if (host === undefined || remotePort === undefined) return transport.close();
    accept(transport, formatAddress({ host, port: remotePort }));
  });
  await untilListening(server, hostname, port);
  return {
    port: (server.address() as { port: number }).port,
    // Its end waits for the connections, which live on.
    close(): Promise<void> {
      server.close();
      return Promise.resolve();
    },
  };
}

function untilListening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
