import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { ScriptedConnection, ScriptedPeer } from "./scripted_peer.ts";

/**
 * A {@linkcode ScriptedPeer} on a real TCP port of the loopback interface. It is made with
 * `node:net`, which can break a connection with a RST; `Deno.Conn` can't.
 */
export class ScriptedServer extends ScriptedPeer implements AsyncDisposable {
  /** `host:port` that it listens on. */
  readonly address: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    super();
    this.#server = server;
    this.address = `127.0.0.1:${(server.address() as { port: number }).port}`;
    server.on("connection", (socket) => this.#accept(socket));
  }

  /** Listens on a free port. */
  static async start(): Promise<ScriptedServer> {
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ScriptedServer(server);
  }

  /** Leaves what clients write unread from now on. */
  stopReading(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const connection = new ScriptedConnection(this, {
      send: (bytes) => void socket.write(bytes),
      end: () => void socket.end(),
      reset: () => void socket.resetAndDestroy(),
    });
    socket.on("data", (bytes) => connection.take(Uint8Array.from(bytes)));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      connection.closedByClient();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
